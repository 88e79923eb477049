"""Nothing is lost, doubled or changed by when it is told; a few refunds come after the books are closed."""

from datetime import UTC, datetime, timedelta

import pytest

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import History, Sale, SaleLine
from distrib.cli.demo.posting.arrival import Arrivals, arrivals_of, month_end, month_of, months_of
from distrib.cli.demo.sources import cdnow, recipe

START = datetime(1997, 1, 3, 12, tzinfo=UTC)
ZONE = "America/New_York"


def history(orders: int) -> History:
    times = [START + timedelta(hours=7 * number) for number in range(orders)]
    sales = [
        Sale(f"o-{number}", "c", paid_at, paid_at + timedelta(hours=30), (SaleLine("1", "CD", 1, 1_000),))
        for number, paid_at in enumerate(times)
    ]
    return History(cdnow.SOURCE, sales, list(recipe.invent_refunds(sales, Dice(7))))


HISTORY = history(1_500)


@pytest.fixture(scope="module")
def arrivals() -> Arrivals:
    return arrivals_of(HISTORY, Dice(7))


def test_every_fact_is_told_exactly_once(arrivals: Arrivals) -> None:
    parts = (arrivals.first, arrivals.late, arrivals.then)
    assert sorted(sale.order_id for part in parts for sale in part.sales) == sorted(
        sale.order_id for sale in HISTORY.sales
    )
    refunds = [refund for part in parts for refund in part.refunds]
    assert sorted(refunds, key=lambda refund: refund.id) == sorted(HISTORY.refunds, key=lambda refund: refund.id)


def test_what_is_told_before_and_late_happened_in_the_months_closed_first(arrivals: Arrivals) -> None:
    closed = set(arrivals.closed_first)
    assert {month_of(sale.settled_at, ZONE) for sale in arrivals.first.sales} <= closed
    assert {
        month_of(refund.given_back_at, ZONE) for refund in (*arrivals.first.refunds, *arrivals.late.refunds)
    } <= closed
    assert not {month_of(sale.settled_at, ZONE) for sale in arrivals.then.sales} & closed
    assert arrivals.late.refunds
    assert not arrivals.late.sales


def test_an_orders_refunds_are_late_together_so_that_the_rest_comes_last(arrivals: Arrivals) -> None:
    late = {refund.order_id for refund in arrivals.late.refunds}
    assert not late & {refund.order_id for refund in arrivals.first.refunds}
    for part in (arrivals.first, arrivals.late, arrivals.then):
        assert [refund.id for refund in part.refunds] == [
            refund.id for refund in HISTORY.refunds if refund in part.refunds
        ]


def test_a_short_history_has_a_late_refund_too() -> None:
    few = History(cdnow.SOURCE, HISTORY.sales[:200], HISTORY.refunds[:1])
    assert few.refunds[0].given_back_at < month_end("1997-01", ZONE)
    assert arrivals_of(few, Dice(1)).late.refunds == few.refunds


def test_months_are_those_of_the_programs_time_zone() -> None:
    last_second = datetime(1998, 1, 1, 4, 59, 59, tzinfo=UTC)
    assert month_of(last_second, ZONE) == "1997-12"
    assert month_end("1997-12", ZONE) == last_second + timedelta(seconds=1)
    assert months_of(HISTORY)[0] == "1997-01"
