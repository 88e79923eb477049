"""From visit to repeat purchase: each figure by a world small enough to count by hand, kept once a day is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.sharing.test_visits import visit
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from workers.funnels import keep_funnels

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
"""Shanghai's noon of the day that is looked at."""


def sale(name: str, shop: str, customer: str, when: datetime, amount: int = 1_000) -> dict[str, Any]:
    return settled(f"e-{name}", name, shop, line(amount), paid_at=when, occurred_at=when, customer_id=customer)


@pytest.fixture
def shops(api: Api) -> Api:
    """On the 10th: top brings in new and another; top sells again, new for the first time, of three buyers one anew."""
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(("top", None), ("beside", None))
    world.join(("new", "top"), ("another", "top"), joined_at=NOON)
    world.join(("later", "new"), joined_at=NOON + DAY)
    world.earn(
        sale("before", "top", "old", NOON - 9 * DAY),
        sale("again", "top", "old", NOON, 1_001),
        sale("first", "new", "c1", NOON),
        sale("second", "new", "c2", NOON, 500),
        sale("gone", "beside", "c3", NOON),
        refunded("r", "gone", None, NOON + DAY),
    )
    return api


def work_out(api: Api, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """The worker's job, at an instant that calls are made at, too."""
    container = api.world.container
    monkeypatch.setattr(type(container), "now", lambda _: now)
    keep_funnels(container)
    api.stop_clock(now)


def spans(api: Api, query: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = api.caller("finance").get(f"/v1/funnel?{query}")["data"]
    return data


def test_a_day_that_is_over_has_every_figure(shops: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    code = str(shops.caller().get("/v1/shops/top")["invite_code"])
    shops.stop_clock(NOON)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.2"):
        visit(shops, code, "?s=poster", address)
    work_out(shops, monkeypatch, NOON + DAY)
    [day] = spans(shops, "from=2026-03-10&to=2026-03-11")
    assert (day["visits"], day["sources"]) == (2, {"poster": 2})
    assert (day["registrations"], day["registration_rate"], day["first_orders"]) == (2, "1", 1)
    assert (day["orders"], day["sales_minor"], day["average_order_minor"]) == (3, 2_501, 834)
    assert (day["buyers"], day["repeat_buyers"], day["repeat_rate"]) == (3, 1, "0.333333")
    assert (day["shops"], day["sharing_shops"], day["sharing_rate"]) == (4, 1, "0.25")
    [month] = spans(shops, "from=2026-03-01&to=2026-03-31&by=month")
    assert (month["visits"], month["orders"], month["repeat_buyers"], month["first_orders"]) == (2, 4, 1, 2)


def test_the_figures_of_a_shop_are_its_own(shops: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    work_out(shops, monkeypatch, NOON + DAY)
    [top] = spans(shops, "from=2026-03-10&to=2026-03-11&shop_id=top")
    assert (top["registrations"], top["orders"], top["buyers"], top["repeat_buyers"], top["first_orders"]) == (
        2,
        1,
        1,
        1,
        0,
    )
    [new] = spans(shops, "from=2026-03-10&to=2026-03-11&shop_id=new")
    assert (new["registrations"], new["sales_minor"], new["first_orders"], new["average_order_minor"]) == (
        0,
        1_500,
        1,
        750,
    )
    assert (new["visits"], new["registration_rate"]) == (0, None)


def test_what_is_not_over_is_not_worked_out_and_the_month_that_runs_is_worked_out_every_day(
    shops: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_out(shops, monkeypatch, NOON)
    running, ahead = spans(shops, "from=2026-03-10&to=2026-03-12")
    assert (running["as_of"], ahead["as_of"], running["visits"]) == (None, None, 0)
    [month] = spans(shops, "from=2026-03-01&to=2026-04-01&by=month")
    assert datetime.fromisoformat(month["as_of"]) == NOON
    work_out(shops, monkeypatch, NOON + DAY)
    [day] = spans(shops, "from=2026-03-10&to=2026-03-11")
    [month] = spans(shops, "from=2026-03-01&to=2026-04-01&by=month")
    assert (day["as_of"], month["as_of"]) == ((NOON + DAY).isoformat().replace("+00:00", "Z"),) * 2


def test_a_month_of_long_ago_is_worked_out_once_its_orders_are_brought_in(
    shops: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = shops.world
    work_out(shops, monkeypatch, NOON)
    for name, months_ago in (("old", 20), ("older", 26)):
        then = NOON - timedelta(days=30 * months_ago)
        world.earn(sale(name, "beside", "c9", then, 700))
    world.earn(sale("forgotten", "beside", "c9", NOON - timedelta(days=60), 800))
    work_out(shops, monkeypatch, NOON + DAY)
    months = spans(shops, "from=2024-06-01&to=2026-02-01&by=month")
    sold = {span["starts_on"]: span.get("sales_minor") for span in months}
    assert (sold["2024-07-01"], sold["2024-08-01"], sold["2026-01-01"], sold["2025-12-01"]) == (700, None, 800, 0)


def test_who_may_ask_and_for_how_much_at_once(shops: Api) -> None:
    finance, path = shops.caller("finance"), "/v1/funnel"
    for query in (
        "from=2026-03-10&to=2026-03-10",
        "from=2025-01-01&to=2026-03-10",
        "from=0001-01-01&to=9999-12-31",
        "from=9999-12-15&to=9999-12-31&by=month",
        "from=2026-01-01&to=2026-03-01&shop_id=top",
    ):
        assert finance.problem("GET", f"{path}?{query}")["errors"][0]["pointer"] == "?to", query
    assert finance.refused("GET", f"{path}?from=2026-03-10&to=2026-03-11&shop_id=x") == (404, "shop_unknown")
    assert shops.caller("partner", "top").refused("GET", f"{path}?from=2026-03-10&to=2026-03-11") == (403, "forbidden")
    assert {error["pointer"] for error in finance.problem("GET", path)["errors"]} == {"?from", "?to"}
