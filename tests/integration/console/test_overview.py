"""The overview: settled sales, commissions and their part of them over a year, retention; every figure leads on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.integration.console.conftest import Browser
from tests.integration.sharing.test_funnel import sale, work_out
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, refunded

Person = Callable[..., Browser]


def put_clock(api: Api, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The tenth of a month, at noon, after the two months in which the shops sold; answers it."""
    now = api.world.now().replace(day=10, hour=4, minute=0, second=0, microsecond=0)
    monkeypatch.setattr(type(api.world.container), "now", lambda _: now)
    return now


@pytest.fixture
def sold(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Last month mei sold for 300.00 and gave 100.00 back; this month bo sold for 50.00 on the first days."""
    world = api.world
    now = put_clock(api, monkeypatch)
    world.publish(SELLER_TEN_PERCENT)
    before = (now.replace(day=1) - timedelta(days=5)).replace(hour=4)
    world.join(("lin", None), ("mei", "lin"), joined_at=before - timedelta(days=40))
    world.register("bo", "mei", name="Bo Lin", joined_at=before - timedelta(days=40))
    world.earn(
        sale("o-1", "mei", "c1", before, 30_000),
        refunded("r-1", "o-1", {"1": 10_000}, before + timedelta(days=1)),
        sale("o-2", "bo", "c2", now - timedelta(days=8), 5_000),
    )
    work_out(api, monkeypatch, now)
    return api


def seen(page: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_sales_commissions_and_their_rate_stand_at_the_head_and_lead_to_their_rows(sold: Api, person: Person) -> None:
    ann, month = person("ann"), f"{sold.world.container.now():%Y-%m}"
    page = ann.page()
    words = seen(page)
    assert "Settled sales 50.00 −150.00 on the month before" in words
    assert "Commissions earned 5.00 −25.00 on the month before" in words
    assert "Commission rate 10% 10% in the month before" in words
    links = [address.replace("&amp;", "&") for address in re.findall(r'href="(/console/p/[^"]+)"', page)]
    orders, earned = f"orders?from={month}-01&to={month}-", f"commissions?period={month}&kind=earned"
    for rows, has in ((orders, "o-2"), (earned, "5.00")):
        [address] = {link for link in links if rows in link}
        assert has in ann.get(address).text


def test_a_month_that_is_over_has_its_own_leaders_and_is_chosen_from_a_list(sold: Api, person: Person) -> None:
    ann, first = person("ann"), sold.world.container.now().replace(day=1)
    before = f"{first - timedelta(days=1):%Y-%m}"
    page = ann.page()
    assert "Bo Lin" in page[page.index("Shops that sold most this month") :]
    assert f"?period={before}" in page
    page = ann.page(f"?period={before}")
    assert "Settled sales 200.00" in seen(page)
    assert "mei" in page[page.index("Shops that earned most in ") : page.index("Owed most now")]


def test_months_that_nobody_worked_out_say_so(api: Api, person: Person) -> None:
    api.world.publish(SELLER_TEN_PERCENT)
    words = seen(person("ann").page())
    assert "of this month there are none yet" in words
    assert "once it is over" not in words


def test_how_many_shops_stay_active_is_fetched_beside_the_page(sold: Api, person: Person) -> None:
    ann = person("ann")
    assert "/retention" in ann.page()
    assert "Month 1 after joining 33.3% · 1 of 3 shops" in seen(ann.page("/retention"))


def test_in_a_large_program_how_many_stay_active_waits_to_be_asked_for(
    sold: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = person("ann")
    assert 'hx-trigger="load"' in part_of(ann.page())
    monkeypatch.setattr("distrib.services.statements.totals.LEAST_MONTHS", 1)
    monkeypatch.setattr("distrib.services.statements.totals.LEAST_BLOCKS", 1)
    asked = part_of(ann.page())
    assert 'hx-trigger="load"' not in asked
    [address] = re.findall(r'href="([^"]+)"', asked)
    assert "Month 1 after joining 33.3%" in seen(ann.get(address).text)


def part_of(page: str) -> str:
    """The card of the overview that says how many shops stay active."""
    card = page[page.index("Shops that stay active") :]
    return card[: card.index("</div></div>")]
