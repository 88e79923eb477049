"""A shop's month in figures is what docs/metrics.md says, and retention counts months after joining."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.retention import Retention, keep_due_retention, retention
from distrib.services.network.shop_months import shop_month
from distrib.settings import REPOSITORY
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import EARLY, World

DOC = (REPOSITORY / "docs" / "metrics.md").read_text("utf-8")


def block(name: str) -> Any:
    """The JSON block of the page that is marked so."""
    match = re.search(rf"<!-- metrics: {name} -->\s+```json\n(.*?)```", DOC, re.DOTALL)
    assert match is not None, name
    return json.loads(match[1])


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+08:00")


def sell(world: World, rows: list[dict[str, Any]]) -> None:
    """Settles the orders of the page, and refunds what it says."""
    events = []
    for row in rows:
        when, number = noon(row["settled"]), row["order"]
        events.append(
            settled(
                f"e-{number}",
                number,
                row["shop"],
                line(row["paid"]),
                customer_id=row["customer"],
                paid_at=when,
                occurred_at=when,
            )
        )
        if "refunded" in row:
            events.append(refunded(f"r-{number}", number, {"1": row["refunded"]}, when + timedelta(days=40)))
    world.earn(*events)


def story(api: Api) -> None:
    """The worked month of the page."""
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    world.join(("r-1", "s"), joined_at=noon("2026-02-05"))
    world.join(("r-2", "s"), ("r-3", "r-2"), joined_at=noon("2026-03-01"))
    caller = api.caller("orders")
    for customer, day in (("c-5", "2026-02-20"), ("c-6", "2026-03-20")):
        claim = {"shop_id": "s", "source": "poster", "bound_at": noon(day).isoformat()}
        caller.put(f"/v1/customers/{customer}/binding", claim)
    sell(world, block("orders"))


def test_the_worked_month_of_the_page_is_what_the_service_says(api: Api) -> None:
    story(api)
    shown = api.caller("finance").get("/v1/shops/s/metrics?period=2026-03")
    expected = block("march")
    assert {name: shown[name] for name in expected} == expected
    assert (shown["shop_id"], shown["period"], shown["currency"]) == ("s", "2026-03", "CNY")


def test_a_month_without_anything_has_no_ratios(api: Api) -> None:
    api.world.join(("s", None))
    shown = api.caller().get("/v1/shops/s/metrics?period=2026-03")
    assert (shown["repeat_rate"], shown["referral_rate"], shown["sustained_value_minor"]) == (None, None, 0)


def test_a_shop_that_moves_counts_where_it_stood_at_the_end_of_the_month(api: Api) -> None:
    story(api)
    admin = api.caller()
    moved = {"sponsor_id": None, "effective_at": noon("2026-03-25").isoformat(), "reason": "a test"}
    admin.post("/v1/shops/r-2/move", moved)
    march = admin.get("/v1/shops/s/metrics?period=2026-03")
    assert (march["team_sales_minor"], march["team"][0]["shops"], march["new_shops"]) == (6000, 1, 1)
    february = admin.get("/v1/shops/s/metrics?period=2026-02")
    assert (february["new_shops"], february["new_customers"], february["sales_minor"]) == (1, 1, 10000)


def test_a_partner_reads_its_own_month_and_nobody_elses(api: Api) -> None:
    story(api)
    partner = api.caller("partner", "s")
    assert partner.get("/v1/shops/s/metrics?period=2026-03")["sales_minor"] == 46500
    assert partner.refused("GET", "/v1/shops/r-1/metrics?period=2026-03") == (403, "forbidden")
    assert api.caller("orders").refused("GET", "/v1/shops/s/metrics?period=2026-03") == (403, "forbidden")
    assert partner.refused("GET", "/v1/shops/s/metrics") == (422, "invalid")
    assert api.caller().refused("GET", "/v1/shops/nobody/metrics?period=2026-03") == (404, "shop_unknown")


def test_customers_brought_in_are_those_a_shop_had_in_whatever_order_the_claims_arrived(api: Api) -> None:
    api.world.join(("s", None), ("t", None))
    orders = api.caller("orders")

    def claim(shop_id: str, day: str) -> str:
        sent = {"shop_id": shop_id, "source": "poster", "bound_at": noon(day).isoformat()}
        return str(orders.put("/v1/customers/c-1/binding", sent)["outcome"])

    def brought(shop_id: str, period: str) -> int:
        return int(api.caller().get(f"/v1/shops/{shop_id}/metrics?period={period}")["referred_customers"])

    assert (claim("s", "2026-03-09"), brought("s", "2026-03")) == ("bound", 1)
    assert claim("t", "2026-02-09") == "bound"
    assert (brought("s", "2026-03"), brought("t", "2026-02"), brought("t", "2026-03")) == (0, 1, 0)


def test_figures_of_one_program_never_count_in_another(api: Api) -> None:
    story(api)
    other = api.caller(program=api.other_program())
    assert other.refused("GET", "/v1/shops/s/metrics?period=2026-03") == (404, "shop_unknown")
    assert [row["shops"] for row in other.get("/v1/program/retention")["data"]] == [0, 0, 0, 0]


def test_retention_counts_shops_that_sold_in_the_very_month(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None), ("b", None), ("c", None), joined_at=noon("2025-11-30"))
    world.join(("d", None), joined_at=datetime(2025, 11, 30, 15, 59, tzinfo=UTC))
    world.join(("late", None), joined_at=datetime(2025, 11, 30, 16, tzinfo=UTC))
    rows: list[dict[str, Any]] = [
        {"order": "1", "shop": "a", "customer": None, "settled": "2025-12-01", "paid": 100},
        {"order": "2", "shop": "a", "customer": None, "settled": "2026-02-28", "paid": 100},
        {"order": "3", "shop": "b", "customer": None, "settled": "2025-12-31", "paid": 100, "refunded": 100},
        {"order": "4", "shop": "c", "customer": "c", "settled": "2025-12-31", "paid": 100},
        {"order": "5", "shop": "d", "customer": None, "settled": "2025-12-31", "paid": 100},
    ]
    sell(world, rows)
    with world.container.begin() as conn:
        before = retention(Unit(conn, world.program, COMMAND_LINE, noon("2026-02-28")))
        after = retention(Unit(conn, world.program, COMMAND_LINE, noon("2026-03-01")))
    assert shown(before.data) == [(1, 5, 2, "0.4"), (3, 0, 0, None)]
    assert shown(after.data) == [(1, 5, 2, "0.4"), (3, 4, 1, "0.25")]


def test_of_a_large_program_retention_is_kept_for_a_day_and_says_of_when(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None), ("b", None), joined_at=noon("2025-11-30"))
    first = {"order": "1", "shop": "a", "customer": None, "settled": "2025-12-01", "paid": 100}
    sell(world, [first])

    def at(day: str) -> Unit:
        return Unit(conn, world.program, COMMAND_LINE, noon(day))

    with world.container.begin() as conn:
        assert keep_due_retention(at("2026-01-10"))
        assert not keep_due_retention(at("2026-01-11"))
    sell(world, [{**first, "order": "2", "shop": "b"}])
    with world.container.begin() as conn:
        assert shown(retention(at("2026-01-11")).data)[0] == (1, 2, 1, "0.5")
        assert retention(at("2026-01-11")).as_of == noon("2026-01-10")
        assert keep_due_retention(at("2026-01-12"))
        assert shown(retention(at("2026-01-12")).data)[0] == (1, 2, 2, "1")
        assert keep_due_retention(at("2026-01-31"))
        assert keep_due_retention(at("2026-02-01")), "a month has ended"


def shown(rows: list[Retention]) -> list[tuple[object, ...]]:
    """What is told of the first two spans."""
    return [(row.months, row.shops, row.active_shops, row.share) for row in rows[:2]]


def test_a_large_team_is_read_within_bounds(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("top", None))
    world.join(*((f"k-{n}", "top") for n in range(300)), joined_at=EARLY)
    world.join(*((f"g-{n}", f"k-{n % 300}") for n in range(700)), joined_at=EARLY)
    world.earn(*(settled(f"e-{n}", f"o-{n}", f"g-{n}", line(100), paid_at=noon("2026-03-02")) for n in range(200)))
    with world.container.begin() as conn:
        figures = shop_month(Unit(conn, world.program, COMMAND_LINE, noon("2026-03-31")), "top", 202603)
    levels = [(level.shops, level.selling_shops, level.sales_minor) for level in figures.team]
    assert levels == [(300, 0, 0), (700, 200, 20_000), (0, 0, 0)]
