"""What each event of an order brings about, effect by effect and field by field: what a batch writes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from distrib.domain.events import Event, OrderLine
from distrib.domain.orders.effects import Effect
from distrib.domain.orders.state import Arrival, CommissionChange, OrderAccount, Settlement
from distrib.domain.plans.plan import compile_plan
from distrib.domain.settlement.earned import CommissionKey
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms
from tests.unit.domain.orders.memory import (
    DAY,
    PAID_AT,
    TERMS,
    Life,
    Memory,
    event,
    money_back,
    order,
    refund,
    undone,
)
from tests.unit.domain.orders.test_machine import CANCELLED, FAILED, PAID, PART, REST, SETTLED, decided, grouped


def plainly(effects: Sequence[Effect]) -> list[tuple[Any, ...]]:
    """Effects by name, each field in a word: days after the payment, ids of events, what is left of lines."""
    return [(type(effect).__name__, *map(_plain, effect)) for effect in effects]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"day {(value - PAID_AT) / DAY:g}"
    if isinstance(value, Arrival):
        return value.event.id
    if isinstance(value, OrderAccount):
        return f"left {value.left_minor}"
    if isinstance(value, Settlement):
        return f"counts from {_plain(value.counts_from)}"
    if isinstance(value, CommissionChange):
        return value.state.seq, value.amount_minor
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, Terms | Snapshot):
        return type(value).__name__
    return getattr(value, "id", value)


FIRST_PAYMENT = (1, 1, 1)
WHOLE = "left (10001, 4999, 0)"
EARNED = [(1, 867), (2, 433), (3, 433), (4, 217)]  # 13 of a hundred of 15,000, shared by 1,000, 500, 500 and 250
GIVEN_UP = [(seq, -minor) for seq, minor in EARNED]


def test_a_payment_keeps_its_terms_and_people_and_opens_what_is_expected() -> None:
    life = Life()
    assert plainly(life.tell(PAID)) == [
        ("OrderPaid", "order.paid", "o", "Terms", "Snapshot", FIRST_PAYMENT),
        ("ExpectationChanged", 1, "expected", WHOLE, EARNED, 1, "day 0"),
        ("EventDone", 1, None),
    ]
    account = life.state.expected
    assert account is not None
    assert {state.available_at for state in account.commissions.values()} == {PAID_AT}
    assert account.next_seq == 5
    assert plainly(life.tell(Event("again", "order.paid", PAID_AT, order=order()))) == [
        ("EventDone", 2, "already_paid")
    ]


def test_a_refund_before_the_settlement_takes_of_lines_and_expectation_and_what_undoes_it_gives_back() -> None:
    life = Life()
    life.tell(PAID)
    assert plainly(life.tell(PART)) == [
        ("EarlyRefundApplied", 2, "r-1", "o", (3_000, 0, 0), 1, "day 1"),
        ("ExpectationChanged", 2, "refunded", "left (7001, 4999, 0)", [(1, -260), (2, -130)], 5, "day 1"),
        ("EventDone", 2, None),
    ]
    assert plainly(life.tell(undone("r-1", 3))) == [
        ("EarlyRefundApplied", 3, "/reversed/r-1", "o", (-3_000, 0, 0), 2, "day 3"),
        ("ExpectationChanged", 3, "refunded", WHOLE, [(1, 260), (2, 130)], 7, "day 3"),
        ("RefundUndone", "not r-1"),
        ("EventDone", 3, None),
    ]
    account = life.state.expected
    assert account is not None
    assert account.refunds["r-1"].undone_at == PAID_AT + 3 * DAY


def test_what_is_expected_is_not_lowered_before_it_is_expected() -> None:
    life = Life()
    life.tell(Event("paid", "order.paid", PAID_AT + 2 * DAY, order=order()))
    assert plainly(life.tell(PART))[1] == (
        "ExpectationChanged",
        2,
        "refunded",
        "left (7001, 4999, 0)",
        [(1, -260), (2, -130)],
        5,
        "day 2",
    )


def test_a_settlement_closes_what_was_expected_and_takes_back_what_refunds_had_taken_before() -> None:
    life = Life()
    life.tell(
        PAID, PART, undone("r-1", 3), money_back("b", 2, 50, "none"), undone("b", 4), refund("r-3", 4, ("2", 777))
    )
    assert plainly(life.tell(SETTLED)) == [
        ("OrderSettled", "order.settled", "counts from day 5", False),
        ("EventDone", 7, None),
        (
            "ExpectationChanged",
            7,
            "ended",
            "left (10001, 4222, 0)",
            [(1, -866), (2, -433), (3, -366), (4, -183)],  # of 1,848: 13 of a hundred of 14,223
            12,
            "day 5",
        ),
        ("ExpectationClosed",),
        ("RefundApplied", 2, "r-1", WHOLE, (3_000, 0, 0), "day 5"),
        ("CommissionsReversed", 2, "left (7001, 4999, 0)", [(1, -260), (2, -130)], "day 5"),
        ("RefundApplied", 3, "/reversed/r-1", "left (7001, 4999, 0)", [-3_000, 0, 0], "day 5"),
        ("CommissionsReversed", 3, WHOLE, [(1, 260), (2, 130)], "day 5"),
        ("RefundApplied", 6, "r-3", WHOLE, (0, 777, 0), "day 5"),
        ("CommissionsReversed", 6, "left (10001, 4222, 0)", [(1, -1), (3, -67), (4, -34)], "day 5"),
    ]
    assert (life.state.early_refunds, life.state.end, life.state.is_described, life.state.shop_id) == (
        (),
        None,
        True,
        "s",
    )
    account = life.state.settled
    assert account is not None
    assert {known: refund.undone_at for known, refund in account.refunds.items()} == {
        "r-1": PAID_AT + 5 * DAY,
        "b": PAID_AT + 4 * DAY,
        "r-3": None,
    }
    assert plainly(life.tell(Event("again", "order.settled", PAID_AT + 6 * DAY, order=order()))) == [
        ("EventDone", 8, "already_settled")
    ]


def test_a_refund_of_a_settled_order_and_what_undoes_it_change_lines_commissions_and_sales() -> None:
    life = Life()
    life.tell(SETTLED)
    assert plainly(life.tell(REST)) == [
        ("RefundApplied", 2, "r-2", WHOLE, (2_001, 777, 0), "day 40"),
        (
            "CommissionsReversed",
            2,
            "left (8000, 4222, 0)",
            [(1, -174), (2, -87), (3, -67), (4, -34)],
            "day 40",
        ),
        ("SalesChanged", "r-2", "left (8000, 4222, 0)"),
        ("EventDone", 2, None),
    ]
    assert plainly(life.tell(undone("r-2", 41))) == [
        ("RefundApplied", 3, "/reversed/r-2", "left (8000, 4222, 0)", [-2_001, -777, 0], "day 41"),
        ("CommissionsReversed", 3, WHOLE, [(1, 174), (2, 87), (3, 67), (4, 34)], "day 41"),
        ("SalesChanged", "not r-2", WHOLE),
        ("RefundUndone", "not r-2"),
        ("EventDone", 3, None),
    ]


def test_a_cancel_takes_back_what_was_earned_gives_up_what_was_expected_and_ends_the_order() -> None:
    life = Life()
    life.tell(SETTLED)
    assert plainly(life.tell(CANCELLED)) == [
        ("RefundApplied", 2, "/cancelled", WHOLE, (10_001, 4_999, 0), "day 50"),
        ("CommissionsReversed", 2, "left (0, 0, 0)", GIVEN_UP, "day 50"),
        ("EventDone", 2, None),
        ("OrderEnded", "order_cancelled", 2, "s", "day 50"),
        ("SalesChanged", "order.cancelled", "left (0, 0, 0)"),
    ]
    assert life.state.end == ("order_cancelled", 2, PAID_AT + 50 * DAY)
    expected = Life()
    expected.tell(PAID, PART)
    assert plainly(expected.tell(CANCELLED)) == [
        ("OrderEnded", "order_cancelled", 3, "s", "day 50"),
        (
            "ExpectationChanged",
            3,
            "ended",
            "left (7001, 4999, 0)",
            [(1, -607), (2, -303), (3, -433), (4, -217)],
            7,
            "day 50",
        ),
        ("ExpectationClosed",),
        ("EventDone", 3, None),
    ]
    assert expected.state.early_refunds == ()


def test_a_payment_of_the_instant_of_a_failure_or_before_has_failed() -> None:
    life = Life()
    life.tell(PAID)
    assert plainly(life.tell(FAILED)) == [
        ("PaymentFailed", 2, "day 2"),
        ("ExpectationChanged", 2, "ended", WHOLE, GIVEN_UP, 5, "day 2"),
        ("ExpectationClosed",),
        ("EventsReopened", "order.payment_failed", False),
        ("EventDone", 2, None),
    ]
    same = Event("same", "order.paid", PAID_AT + 2 * DAY, order=order())
    assert plainly(life.tell(same)) == [("EventDone", 3, "payment_failed")]
    later = Event("later", "order.paid", PAID_AT + 3 * DAY, order=order())
    assert plainly(life.tell(later))[0] == ("OrderPaid", "later", "o", "Terms", "Snapshot", (2, 9, 1))


def test_a_group_that_failed_drops_what_was_expected_of_its_orders_and_who_comes_later() -> None:
    life = Life()
    assert plainly(life.tell(grouped(PAID)))[0] == ("GroupJoined", "g")
    assert plainly(life.tell(decided(has_succeeded=False))) == [
        ("GroupJoined", "g"),
        ("OrderEnded", "group_failed", 2, "s", "day 35"),
        ("ExpectationChanged", 2, "ended", WHOLE, GIVEN_UP, 5, "day 35"),
        ("ExpectationClosed",),
    ]
    assert life.state.end == ("group_failed", 2, PAID_AT + 35 * DAY)
    assert plainly(life.tell(grouped(SETTLED))) == [("EventDone", 3, "group_failed")]
    new = Life()
    new.tell(decided(has_succeeded=False))
    assert plainly(new.tell(grouped(SETTLED))) == [
        ("GroupJoined", "g"),
        ("OrderEnded", "group_failed", 1, "s", "day 35"),
        ("EventDone", 2, "group_failed"),
    ]


def test_what_waits_says_for_what_and_does_no_more_once_the_order_has_ended() -> None:
    life = Life()
    assert plainly(life.tell(grouped(SETTLED), PART)) == [
        ("GroupJoined", "g"),
        ("EventWaiting", 1, "waits_for_group", "g", "group:g"),
        ("EventWaiting", 2, "waits_for_order", "o", "order"),
    ]
    assert plainly(life.tell(CANCELLED))[-3:] == [
        ("EventDone", 3, None),
        ("EventDone", 1, "order_cancelled"),
        ("EventDone", 2, "order_cancelled"),
    ]
    without = Life(Memory(shops=set()))
    assert plainly(without.tell(PAID)) == [("EventWaiting", 1, "waits_for_shop", "s", "shop:s")]
    assert (without.state.shop_id, without.state.is_described) == ("s", True)
    assert plainly(without.tell(SETTLED)) == [
        ("EventWaiting", 1, "waits_for_shop", "s", "shop:s"),
        ("EventWaiting", 2, "waits_for_shop", "s", "shop:s"),
    ]
    assert plainly(without.tell(CANCELLED))[0] == ("OrderEnded", "order_cancelled", 3, "s", "day 50")


def test_a_refusal_says_what_is_needed_to_put_it_right() -> None:
    life = Life()
    assert plainly(life.tell(event("order.paid", 0, order=order(currency="USD")))) == [
        ("EventFailed", 1, "currency_mismatch", {"currency": "USD", "expected": "CNY"})
    ]


def test_the_first_decision_of_a_group_by_time_stands_whatever_arrived_first() -> None:
    life = Life()
    life.arrive(decided(has_succeeded=False), Event("first", "group.succeeded", PAID_AT + 34 * DAY, group_id="g"))
    life.drain()
    assert plainly(life.effects) == [
        ("GroupDecided", "first", True),
        ("EventDone", 2, None),
        ("EventFailed", 1, "group_conflict", {"id": "g"}),
    ]
    assert life.lookups.decision == (2, True, PAID_AT + 34 * DAY)


def test_events_that_come_together_are_applied_by_their_kind_and_time() -> None:
    life = Life()
    life.arrive(
        CANCELLED,
        Event("cancelled first", "order.cancelled", PAID_AT + 49 * DAY, order_id="o"),
        SETTLED,
        PAID,
        Event("failed later", "order.payment_failed", PAID_AT - DAY, order_id="o"),
        Event("failed first", "order.payment_failed", PAID_AT - 2 * DAY, order_id="o"),
    )
    life.drain()
    names = {arrival.event_no: arrival.event.id for arrival in life.arrived}
    done = [(names[row[1]], row[2]) for row in plainly(life.effects) if row[0] == "EventDone"]
    assert done == [
        ("failed first", None),
        ("failed later", None),
        ("order.paid", None),
        ("order.settled", None),
        ("cancelled first", None),
        ("order.cancelled", "already_cancelled"),
    ]


@pytest.mark.parametrize(
    ("refused", "code", "params"),
    [
        (refund("r-9", 6, ("1", 7_002)), "refund_exceeds", {"line": "1", "amount": 7_002, "left": 7_001}),
        (refund("r-9", 6, ("7", 1)), "line_unknown", {"line": "7"}),
        (
            Event("r-9", "order.refunded", PAID_AT + 6 * DAY, refund=refund("r-1", 6).refund),
            "refund_conflict",
            {"id": "r-1"},
        ),
    ],
)
def test_a_refund_that_does_not_fit_says_which_line_how_much_and_what_is_left(
    refused: Event, code: str, params: dict[str, Any]
) -> None:
    life = Life()
    life.tell(SETTLED, PART)
    assert plainly(life.tell(refused)) == [("EventFailed", 3, code, params)]


def test_a_refund_sent_again_after_it_was_undone_is_refused_by_its_id() -> None:
    life = Life()
    life.tell(SETTLED, PART, undone("r-1", 20))
    again = Event("again", "order.refunded", PAID_AT + 21 * DAY, refund=PART.refund)
    assert plainly(life.tell(again)) == [("EventFailed", 4, "refund_undone", {"id": "r-1"})]


def test_money_beside_all_lines_is_kept_with_its_event_and_so_is_what_undoes_it() -> None:
    for first in (SETTLED, PAID):
        life = Life()
        life.tell(first)
        assert plainly(life.tell(money_back("b", 6, 50, "none"))) == [
            ("RefundedBeside", 2, "b", 50, "day 6"),
            ("EventDone", 2, None),
        ]
        assert plainly(life.tell(undone("b", 7))) == [
            ("RefundedBeside", 3, "/reversed/b", -50, "day 7"),
            ("RefundUndone", "not b"),
            ("EventDone", 3, None),
        ]


def test_a_line_takes_up_what_a_cap_had_denied_it_under_the_number_of_the_first_of_its_rule() -> None:
    document = {
        "code": "capped",
        "currency": "CNY",
        "tiers": 1,
        "rules": [{"id": "seller", "pay": "seller", "rate": "0.10", "cap": {"per_order_minor": 3_000}}],
    }
    plan = compile_plan(document)
    lines = (OrderLine("1", "A", 1, 30_000), OrderLine("2", "B", 1, 20_000))
    life = Life(Memory(terms=replace(TERMS, plan=plan, order_cap_ppm=None)))
    life.tell(event("order.settled", 5, order=order(lines=lines)))
    assert plainly(life.tell(refund("r", 6, ("1", 30_000)))) == [
        ("RefundApplied", 2, "r", "left (30000, 20000)", (30_000, 0), "day 6"),
        ("CommissionsReversed", 2, "left (0, 20000)", [(1, -3_000), (1, 2_000)], "day 6"),
        ("SalesChanged", "r", "left (0, 20000)"),
        ("EventDone", 2, None),
    ]
    account = life.state.settled
    assert account is not None
    taken_up = account.commissions[CommissionKey(1, 0, 0, 1)]
    assert (taken_up.seq, taken_up.posted_minor, taken_up.standing_minor, taken_up.is_gone) == (1, 0, 2_000, False)
    assert taken_up.commission.amount_minor == 2_000


def test_a_refund_of_what_another_gave_back_again_counts_from_then() -> None:
    life = Life()
    life.tell(SETTLED, refund("r-1", 6, ("1", 10_001)), undone("r-1", 20))
    assert plainly(life.tell(refund("r-2", 10, ("1", 1))))[0] == (
        "RefundApplied",
        4,
        "r-2",
        WHOLE,
        (1, 0, 0),
        "day 20",
    )


def test_a_cancel_waits_for_its_order_and_one_of_a_group_that_failed_says_that() -> None:
    life = Life()
    assert plainly(life.tell(CANCELLED)) == [("EventWaiting", 1, "waits_for_order", "o", "order")]
    failed = Life()
    failed.tell(grouped(PAID), decided(has_succeeded=False))
    assert plainly(failed.tell(CANCELLED)) == [("EventDone", 3, "group_failed")]
    given_back = Life()
    given_back.tell(SETTLED, refund("r", 6))
    assert plainly(given_back.tell(CANCELLED))[-3:] == [
        ("EventDone", 3, "nothing_left"),
        ("OrderEnded", "order_cancelled", 3, "s", "day 50"),
        ("SalesChanged", "order.cancelled", "left (0, 0, 0)"),
    ]


def test_a_refund_from_before_the_cancel_that_was_applied_first_is_kept_and_takes_nothing_more() -> None:
    life = Life()
    life.tell(SETTLED, CANCELLED)
    same_instant = refund("r", 50, ("1", 5))
    assert plainly(life.tell(same_instant)) == [
        ("RefundApplied", 3, "r", "left (0, 0, 0)", (0, 0, 0), "day 50"),
        ("EventDone", 3, "order_cancelled"),
    ]
    again = Event("again", "order.refunded", PAID_AT + 49 * DAY, refund=same_instant.refund)
    assert plainly(life.tell(again)) == [("EventDone", 4, "already_refunded")]
    assert plainly(life.tell(refund("s", 49, ("9", 5)))) == [("EventFailed", 5, "line_unknown", {"line": "9"})]
    assert plainly(life.tell(refund("w", 49)))[-1] == ("EventDone", 6, "order_cancelled")
    account = life.state.settled
    assert account is not None
    assert set(account.refunds) == {"/cancelled", "r", "w"}
    assert account.refunds["/cancelled"].refund.order_id == "o"


def test_what_settles_from_after_the_cancel_comes_after_it_and_a_payment_never_does() -> None:
    late = event("order.settled", 60, order=order())
    life = Life()
    life.arrive(CANCELLED, late)
    life.drain()
    assert plainly(life.effects) == [
        ("OrderSettled", "order.settled", "counts from day 60", False),
        ("EventDone", 2, None),
        ("EventWaiting", 1, "waits_for_order", "o", "order"),
    ]
    paid = Life()
    paid.arrive(CANCELLED, Event("paid", "order.paid", PAID_AT + 60 * DAY, order=order()))
    paid.drain()
    assert [row[0] for row in plainly(paid.effects)][::2] == [
        "OrderPaid",
        "EventDone",
        "ExpectationChanged",
        "EventDone",
    ]
    same = Life()
    same.arrive(CANCELLED, event("order.settled", 50, order=order()))
    same.drain()
    assert plainly(same.effects)[-2] == ("OrderEnded", "order_cancelled", 1, "s", "day 50")


def test_a_failure_of_the_instant_of_the_last_one_is_that_one() -> None:
    life = Life()
    life.tell(PAID, FAILED)
    again = Event("again", "order.payment_failed", FAILED.occurred_at, order_id="o")
    assert plainly(life.tell(again)) == [("EventDone", 3, "already_failed")]


def test_a_refund_that_takes_money_and_no_commission_says_nothing_of_that() -> None:
    lines = (OrderLine("1", "A", 1, 10_000), OrderLine("2", "B", 1, 1))
    life = Life()
    life.tell(event("order.settled", 5, order=order(lines=lines)))
    assert plainly(life.tell(refund("r", 6, ("2", 1)))) == [
        ("RefundApplied", 2, "r", "left (10000, 1)", (0, 1), "day 6"),
        ("SalesChanged", "r", "left (10000, 0)"),
        ("EventDone", 2, None),
    ]
