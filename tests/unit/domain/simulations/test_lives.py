"""An order that failed, had it been paid: it settles and gives back as the state machine of the ledger says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from distrib.domain.events import Event, Order, OrderLine, Refund, RefundLine
from distrib.domain.orders.lookups import GroupDecision
from distrib.domain.orders.state import Arrival
from distrib.domain.simulations.bases import base_parts
from distrib.domain.simulations.lives import life_of
from distrib.domain.simulations.outcomes import Setback

PAID = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LINES = (OrderLine("1", "A", 1, 1_000, cost_minor=400), OrderLine("2", "B", 1, 0, list_minor=90))
ORDER = Order("o", "CNY", PAID, LINES, shop_id="a")


def arrivals(*events: tuple[str, timedelta, dict[str, Any]]) -> list[Arrival]:
    """Events in the order in which they came, each of a type, so long after the payment."""
    return [
        Arrival(number, date(2026, 3, 1), Event(f"e{number}", kind, PAID + after, **content))
        for number, (kind, after, content) in enumerate(events, 1)
    ]


def refund(refund_id: str, minor: int) -> dict[str, Any]:
    return {"refund": Refund(refund_id, "o", (RefundLine("1", minor),))}


SETTLED = ("order.settled", DAY, {"order": ORDER})


def test_a_refund_that_exceeded_is_tried_again_once_another_is_undone() -> None:
    life = life_of(
        arrivals(
            SETTLED,
            ("order.refunded", 2 * DAY, refund("r1", 700)),
            ("order.refunded", 3 * DAY, refund("r2", 600)),
            ("refund.reversed", 4 * DAY, {"refund_id": "r1"}),
            ("refund.reversed", 6 * DAY, {"refund_id": "r2"}),
        ),
        "CNY",
        None,
    )
    assert life is not None
    assert (life.event_no, life.settled_at) == (1, PAID + DAY)
    came = [(setback.refund_id, setback.taken_minor) for setback in life.setbacks]
    assert came == [
        ("r1", {"1": 700}),
        ("/reversed/r1", {"1": -700}),
        ("r2", {"1": 600}),
        ("/reversed/r2", {"1": -600}),
    ]


def test_what_ended_before_it_settled_has_no_life_and_a_group_says_from_when_an_order_counts() -> None:
    cancel: tuple[str, timedelta, dict[str, Any]] = ("order.cancelled", DAY / 2, {"order_id": "o"})
    assert life_of(arrivals(SETTLED, cancel), "CNY", None) is None
    of_group = Order("o", "CNY", PAID, LINES, "group_buy", shop_id="a", group_id="g")
    settled = arrivals(("order.settled", DAY, {"order": of_group}))
    for decision, since in (
        (None, None),
        (GroupDecision(9, False, PAID), None),
        (GroupDecision(9, True, PAID), PAID + DAY),
        (GroupDecision(9, True, PAID + 5 * DAY), PAID + 5 * DAY),
    ):
        life = life_of(settled, "CNY", decision)
        assert (life and life.settled_at) == since


def test_bases_are_less_by_what_refunds_take_of_lines_and_free_lines_follow_their_order() -> None:
    setbacks = [Setback(2, "r1", {"1": 250}, PAID), Setback(3, "r2", {"1": 100}, PAID + 40 * DAY)]

    def parts(base: str) -> dict[tuple[int, int], int]:
        found = base_parts(base, ORDER, PAID + DAY, setbacks, lambda instant: instant.month)
        return {part: minor for part, minor in found.items() if minor}

    assert parts("margin") == {(3, 1): 600, (3, 1_000): -150_000, (4, 1_000): -60_000}
    assert parts("list") == {(3, 1): 1_090, (3, 1_000): -272_500, (4, 1_000): -109_000}
    free = Order("o", "CNY", PAID, LINES[1:])
    gone = [Setback(2, "r1", {"2": 0}, PAID + 40 * DAY), Setback(3, "r2", {"2": 0}, PAID)]
    assert base_parts("list", free, PAID, gone, lambda instant: instant.month) == {(3, 1): 0}
