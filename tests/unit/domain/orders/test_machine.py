"""The state machine of an order, without a database: what each event brings about, in every order of arrival."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from distrib.domain.events import Event
from distrib.domain.orders import effects as of
from distrib.domain.orders.effects import Effect
from distrib.domain.orders.state import NEW, Phase
from distrib.domain.settlement.commission import settle
from distrib.domain.settlement.earned import CommissionKey
from tests.unit.domain.orders.memory import (
    DAY,
    PAID_AT,
    PEOPLE,
    PLAN,
    Life,
    Memory,
    event,
    money_back,
    order,
    refund,
    undone,
)

SETTLED = event("order.settled", 5, order=order())
PAID = event("order.paid", 0, order=order())
CANCELLED = event("order.cancelled", 50, order_id="o")
PART, REST = refund("r-1", 1, ("1", 3_000)), refund("r-2", 40, ("1", 2_001), ("2", 777))
FAILED = event("order.payment_failed", 2, order_id="o")
PAID_AGAIN = Event("again", "order.paid", PAID_AT + 3 * DAY, order=order(paid_at=PAID_AT + 3 * DAY))
SETTLED_AGAIN = event("order.settled", 5, order=order(paid_at=PAID_AT + 3 * DAY))
FAILED_AGAIN = Event("failed again", "order.payment_failed", PAID_AT + 6 * DAY, order_id="o")
GROUPED = {"channel": "group_buy", "group_id": "g"}
WHOLE = {commission.key: commission.amount_minor for commission in settle(PLAN, order(), PEOPLE)}


def kinds(effects: list[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def grouped(happened: Event) -> Event:
    return Event(happened.id, happened.type, happened.occurred_at, order=order(**GROUPED))


def decided(has_succeeded: bool) -> Event:
    return event("group.succeeded" if has_succeeded else "group.failed", 35, group_id="g")


def result(life: Life) -> dict[str, Any]:
    """What may not depend on the order of arrival."""
    return {"posted": life.posted(), "expected": life.expected(), "statuses": life.statuses}


SETS = {
    "settled": [SETTLED],
    "paid and settled": [PAID, SETTLED],
    "two refunds": [PAID, SETTLED, PART, REST],
    "cancelled": [PAID, SETTLED, PART, CANCELLED],
    "everything": [PAID, SETTLED, PART, REST, CANCELLED],
    "paid alone": [PAID, PART],
    "paid and cancelled": [PAID, PART, CANCELLED],
    "group succeeded": [grouped(PAID), grouped(SETTLED), PART, decided(has_succeeded=True)],
    "group failed": [grouped(PAID), grouped(SETTLED), PART, decided(has_succeeded=False)],
    "group succeeded, cancelled": [grouped(PAID), grouped(SETTLED), CANCELLED, decided(has_succeeded=True)],
    "group undecided": [grouped(PAID), grouped(SETTLED), PART],
    "undone": [PAID, SETTLED, PART, undone("r-1", 20)],
    "undone before the settlement": [PAID, SETTLED, PART, undone("r-1", 2)],
    "undone and cancelled": [SETTLED, PART, undone("r-1", 20), CANCELLED],
    "undone by an event of an earlier time": [SETTLED, PART, undone("r-1", 0)],
    "beside all lines": [PAID, SETTLED, money_back("r-3", 3, 5_000, "none"), undone("r-3", 9), PART],
    "of lines of an amount": [PAID, SETTLED, money_back("r-3", 3, 5_000, "lines"), undone("r-3", 9)],
    "failed": [PAID, FAILED, PART],
    "failed and paid again": [PAID, FAILED, PAID_AGAIN, SETTLED_AGAIN],
    "failed, paid again, refunded": [PAID, FAILED, PAID_AGAIN, refund("r-3", 4, ("1", 5_000)), SETTLED_AGAIN],
    "failed twice": [PAID, FAILED, PAID_AGAIN, FAILED_AGAIN],
    "failed and cancelled": [PAID, FAILED, CANCELLED],
}


TAKEN_AGAIN = [PART, undone("r-1", 20), refund("r-3", 30, ("1", 10_001))]


def arrivals_of(facts: list[Event]) -> Iterator[Life]:
    """One life for each order of arrival and each batching."""
    for arrival in permutations(facts):
        for pauses in range(2 ** (len(facts) - 1)):
            life = Life()
            for place, happened in enumerate(arrival):
                life.arrive(happened)
                if pauses >> place & 1:
                    life.drain()
            life.drain()
            yield life


@pytest.mark.parametrize("facts", SETS.values(), ids=SETS)
def test_every_order_of_arrival_in_every_batching_comes_to_the_same(facts: list[Event]) -> None:
    results = [result(life) for life in arrivals_of(facts)]
    assert all(came_to == results[0] for came_to in results)


@pytest.mark.parametrize("first", [SETTLED, PAID])
def test_money_taken_again_after_a_refund_was_undone_is_taken_once_in_every_order_of_arrival(first: Event) -> None:
    lives = list(arrivals_of([first, *TAKEN_AGAIN]))
    assert all((life.posted(), life.expected()) == (lives[0].posted(), lives[0].expected()) for life in lives)
    assert {life.statuses["r-3"] for life in lives} == {"done"}


@pytest.mark.parametrize("facts", SETS.values(), ids=SETS)
def test_what_is_told_twice_under_other_ids_changes_nothing(facts: list[Event]) -> None:
    once, twice = Life(), Life()
    once.tell(*facts)
    twice.tell(*facts)
    again = [
        Event(
            f"again {happened.id}",
            happened.type,
            happened.occurred_at,
            happened.order,
            happened.refund,
            happened.order_id,
            happened.group_id,
            happened.refund_id,
        )
        for happened in facts
    ]
    twice.tell(*again)
    assert (twice.posted(), twice.expected()) == (once.posted(), once.expected())
    assert {twice.statuses[f"again {happened.id}"] for happened in facts} <= {"done", "waiting"}


def test_a_settlement_earns_and_is_done() -> None:
    life = Life()
    assert kinds(life.tell(SETTLED)) == ["OrderSettled", "EventDone"]
    assert life.state.phase is Phase.SETTLED
    assert life.posted() == WHOLE
    account = life.state.settled
    assert account is not None
    assert [state.seq for state in account.commissions.values()] == [1, 2, 3, 4]
    assert {state.available_at for state in account.commissions.values()} == {PAID_AT + 12 * DAY}
    assert account.next_seq == 5


def test_a_payment_lets_expect_what_the_settlement_then_earns() -> None:
    life = Life()
    assert kinds(life.tell(PAID)) == ["OrderPaid", "ExpectationChanged", "EventDone"]
    assert life.state.phase is Phase.EXPECTED
    assert (life.posted(), life.expected()) == ({}, WHOLE)
    assert kinds(life.tell(SETTLED)) == ["OrderSettled", "EventDone", "ExpectationChanged", "ExpectationClosed"]
    assert (life.posted(), life.expected()) == (WHOLE, {})


def test_a_settlement_after_a_payment_goes_by_the_snapshot_of_the_payment() -> None:
    life = Life()
    life.tell(PAID)
    life.lookups.people = PEOPLE._replace(uplines=())
    life.tell(SETTLED)
    assert life.posted() == WHOLE


def test_an_early_refund_lowers_what_is_expected_and_what_the_settlement_leaves() -> None:
    life = Life()
    life.tell(PAID)
    assert kinds(life.tell(PART)) == ["EarlyRefundApplied", "ExpectationChanged", "EventDone"]
    lowered = life.expected()
    assert sum(lowered.values()) < sum(WHOLE.values())
    life.tell(SETTLED)
    assert (life.posted(), life.taken_minor()) == (lowered, [3_000, 0, 0])


def test_refunds_in_steps_give_back_exactly_what_one_takes_whatever_the_steps() -> None:
    life = Life()
    life.tell(SETTLED, PART, REST)
    assert 0 < sum(life.posted().values()) < sum(WHOLE.values())
    life.tell(refund("r-3", 41))
    assert (life.posted(), life.taken_minor()) == ({}, [10_001, 4_999, 0])
    life.tell(refund("r-4", 42))
    assert (life.statuses["r-4"], life.remarks["r-4"]) == ("done", "nothing_left")


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (refund("r-9", 6, ("1", 10_002)), "refund_exceeds"),
        (refund("r-9", 6, ("7", 1)), "line_unknown"),
        (Event("r-9", "order.refunded", PAID_AT + DAY, refund=refund("r-1", 6, ("1", 1)).refund), "refund_conflict"),
        (event("order.again", 6, order=order(shop_id="other")), "order_conflict"),
    ],
)
@pytest.mark.parametrize("first", [SETTLED, PAID])
def test_what_does_not_fit_fails_by_name_and_changes_nothing(first: Event, refused: Event, code: str) -> None:
    life = Life()
    life.tell(first, PART)
    before = (life.posted(), life.expected(), life.state.account)
    assert kinds(life.tell(refused)) == ["EventFailed"]
    assert (life.remarks[refused.id], life.state.account) == (code, before[2])
    assert (life.posted(), life.expected()) == before[:2]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (order(currency="USD"), "currency_mismatch"),
        (order(paid_at=PAID_AT - DAY), "no_plan"),
    ],
)
@pytest.mark.parametrize("kind", ["order.paid", "order.settled"])
def test_an_order_that_cannot_be_computed_fails_and_may_be_told_right(kind: str, wrong: Any, code: str) -> None:
    life = Life()
    life.tell(Event("wrong", kind, PAID_AT + DAY, order=wrong))
    assert (life.statuses["wrong"], life.remarks["wrong"]) == ("failed", code)
    assert (life.state.phase, life.state.account) == (Phase.NEW, None)
    life.tell(SETTLED)
    assert life.posted() == WHOLE


def test_an_order_waits_for_its_shop_and_a_refund_for_its_order() -> None:
    life = Life(Memory(shops=set()))
    assert kinds(life.tell(PART, SETTLED)) == ["EventWaiting", "EventWaiting"]
    assert life.remarks == {"r-1": "waits_for_order", "order.settled": "waits_for_shop"}
    waiting = {effect.waits_for for effect in life.effects if isinstance(effect, of.EventWaiting)}
    assert waiting == {"order", "shop:s"}
    life.lookups.shops.add("s")
    life.drain()
    assert set(life.statuses.values()) == {"done"}
    assert life.taken_minor() == [3_000, 0, 0]


def test_an_order_that_nobody_sells_earns_nobody_anything_and_says_so() -> None:
    life = Life()
    life.tell(event("order.settled", 5, order=order(shop_id=None)))
    assert (life.remarks["order.settled"], life.posted()) == ("no_shop", {})


def test_a_cancel_before_settlement_is_final() -> None:
    life = Life()
    life.tell(PAID)
    assert kinds(life.tell(CANCELLED)) == ["OrderEnded", "ExpectationChanged", "ExpectationClosed", "EventDone"]
    assert (life.state.phase, life.expected()) == (Phase.CANCELLED, {})
    life.tell(SETTLED, PART)
    assert (life.remarks["order.settled"], life.remarks["r-1"]) == ("order_cancelled", "order_cancelled")
    assert life.posted() == {}


def test_a_cancel_after_settlement_takes_back_all_that_is_left_and_a_refund_from_before_it_nothing_more() -> None:
    life = Life()
    life.tell(SETTLED, CANCELLED)
    assert (life.state.phase, life.posted(), life.taken_minor()) == (Phase.CANCELLED, {}, [10_001, 4_999, 0])
    life.tell(PART)
    assert (life.remarks["r-1"], life.taken_minor()) == ("order_cancelled", [10_001, 4_999, 0])
    life.tell(Event("again", "order.cancelled", PAID_AT + 60 * DAY, order_id="o"))
    assert life.remarks["again"] == "already_cancelled"


def test_a_settlement_of_a_group_waits_for_it_and_counts_from_the_later_of_both() -> None:
    life = Life()
    life.tell(grouped(SETTLED))
    assert life.remarks["order.settled"] == "waits_for_group"
    life.tell(decided(has_succeeded=True))
    account = life.state.settled
    assert account is not None
    assert account.counts_from == PAID_AT + 35 * DAY


def test_a_failed_group_drops_its_orders_and_what_was_expected() -> None:
    life = Life()
    life.tell(grouped(PAID))
    assert life.expected() == WHOLE
    life.tell(decided(has_succeeded=False))
    assert (life.state.phase, life.expected()) == (Phase.DROPPED, {})
    life.tell(grouped(SETTLED))
    assert life.remarks["order.settled"] == "group_failed"


def test_the_first_decision_of_a_group_stands() -> None:
    life = Life()
    life.tell(decided(has_succeeded=True), event("group.failed", 36, group_id="g"))
    assert life.remarks == {"group.succeeded": None, "group.failed": "group_conflict"}
    life.tell(Event("again", "group.succeeded", PAID_AT, group_id="g"))
    assert life.remarks["again"] == "already_decided"


def test_what_a_case_took_back_for_good_no_refund_brings_again() -> None:
    life = Life()
    life.tell(SETTLED)
    account = life.state.settled
    assert account is not None
    key = CommissionKey(0, 1, 1, 2)
    gone = account.commissions[key]._replace(standing_minor=0, is_gone=True)
    life.state = life.state._replace(kept=account._replace(commissions={**account.commissions, key: gone}))
    life.tell(PART)
    reversed_ = [effect for effect in life.effects if isinstance(effect, of.CommissionsReversed)]
    assert key not in {change.state.commission.key for effect in reversed_ for change in effect.changes}


@pytest.mark.parametrize(("cases", "is_frozen"), [({12}, True), (set(), False)])
def test_a_settlement_says_whether_its_case_still_holds(cases: set[int], is_frozen: bool) -> None:
    life = Life(Memory(people=PEOPLE._replace(frozen_case=12), cases=cases))
    settled = life.tell(SETTLED)[0]
    assert isinstance(settled, of.OrderSettled)
    assert settled.is_frozen is is_frozen


def test_states_are_values_that_no_event_changes() -> None:
    life = Life()
    life.tell(SETTLED)
    before = life.state
    kept = (before.phase, dict(before.account.commissions), before.account.left_minor) if before.account else None
    life.tell(PART, CANCELLED)
    assert before.account is not None
    assert (before.phase, dict(before.account.commissions), before.account.left_minor) == kept
    assert (NEW.phase, NEW.account, NEW.waiting) == (Phase.NEW, None, ())


def test_an_amount_without_lines_is_shared_by_what_is_left_and_the_first_of_equal_remainders_gets_the_unit() -> None:
    life = Life()
    life.tell(SETTLED, refund("r-1", 6, ("1", 5_002)))
    life.tell(money_back("r-2", 7, 3, "lines"))
    assert life.taken_minor() == [5_004, 1, 0]  # 4,999 are left of either: 1.5 each
    life.tell(money_back("r-3", 8, 9_996, "lines"))
    assert (life.remarks["r-3"], life.taken_minor()) == ("refund_exceeds", [5_004, 1, 0])
    failed = [effect for effect in life.effects if isinstance(effect, of.EventFailed)]
    assert [effect.params for effect in failed] == [{"amount": 9_996, "left": 9_995}]
    life.tell(money_back("r-4", 9, 9_995, "lines"))
    assert (life.posted(), life.taken_minor()) == ({}, [10_001, 4_999, 0])


def test_money_beside_all_lines_changes_no_commission_whatever_it_comes_to_and_may_be_undone_once() -> None:
    life = Life()
    life.tell(SETTLED)
    assert kinds(life.tell(money_back("r-1", 6, 99_999, "none"))) == ["RefundedBeside", "EventDone"]
    assert kinds(life.tell(undone("r-1", 7))) == ["RefundedBeside", "RefundUndone", "EventDone"]
    life.tell(Event("once more", "refund.reversed", PAID_AT + 8 * DAY, refund_id="r-1"))
    beside = [effect for effect in life.effects if isinstance(effect, of.RefundedBeside)]
    assert [(effect.refund_id, effect.amount_minor) for effect in beside] == [
        ("r-1", 99_999),
        ("/reversed/r-1", -99_999),
    ]
    assert [effect.occurred_at for effect in beside] == [PAID_AT + 6 * DAY, PAID_AT + 7 * DAY]
    assert (life.posted(), life.remarks["once more"]) == (WHOLE, "already_reversed")


def test_a_refund_and_what_undoes_it_count_from_the_settlement_on_and_in_their_order() -> None:
    life = Life()
    life.tell(SETTLED, PART, undone("r-1", 0))
    dated = [effect.occurred_at for effect in life.effects if isinstance(effect, of.RefundApplied)]
    assert dated == [PAID_AT + 5 * DAY, PAID_AT + 5 * DAY]
    changed = [effect for effect in life.effects if isinstance(effect, of.CommissionsReversed)]
    assert [effect.occurred_at for effect in changed] == dated
    assert [sum(change.amount_minor for change in effect.changes) for effect in changed] == [-390, 390]
    assert life.posted() == WHOLE


def test_a_refund_undone_is_still_known_and_its_repeat_is_one() -> None:
    life = Life()
    life.tell(SETTLED, PART, undone("r-1", 20))
    life.tell(Event("again", "order.refunded", PAID_AT + 20 * DAY, refund=PART.refund))
    assert (life.remarks["again"], life.posted()) == ("already_refunded", WHOLE)
    life.tell(Event("anew", "order.refunded", PAID_AT + 21 * DAY, refund=PART.refund))
    assert (life.statuses["anew"], life.remarks["anew"], life.posted()) == ("failed", "refund_undone", WHOLE)
    other = Event("other", "order.refunded", PAID_AT + 22 * DAY, refund=refund("r-1", 1, ("2", 5)).refund)
    life.tell(other)
    assert life.remarks["other"] == "refund_conflict"


def test_what_undoes_a_refund_waits_for_it_and_after_the_end_of_the_order_does_nothing() -> None:
    life = Life()
    life.tell(undone("r-1", 20))
    assert life.remarks["not r-1"] == "waits_for_refund"
    waiting = [effect for effect in life.effects if isinstance(effect, of.EventWaiting)]
    assert [(effect.id, effect.waits_for) for effect in waiting] == [("r-1", "order")]
    life.tell(SETTLED, CANCELLED)
    assert life.remarks["not r-1"] == "waits_for_refund"
    life.tell(PART)
    assert life.remarks["not r-1"] == "order_cancelled"
    assert (life.posted(), life.taken_minor()) == ({}, [10_001, 4_999, 0])


def test_the_same_lines_in_another_order_are_the_same_order_and_its_early_refunds_stay_with_their_lines() -> None:
    turned = event("order.settled", 5, order=order(lines=tuple(reversed(order().lines))))
    life = Life()
    life.tell(PAID, PART)
    life.tell(turned)
    assert life.remarks["order.settled"] is None
    assert life.taken_minor() == [0, 0, 3_000]
    plain = Life()
    plain.tell(SETTLED, PART)
    assert sum(life.posted().values()) == sum(plain.posted().values())


def test_a_payment_that_failed_closes_what_was_expected_and_the_next_goes_on_with_its_numbers() -> None:
    life = Life()
    life.tell(PAID, PART)
    closing = life.tell(FAILED)
    assert kinds(closing) == [
        "PaymentFailed",
        "ExpectationChanged",
        "ExpectationClosed",
        "EventsReopened",
        "EventDone",
    ]
    assert (life.state.phase, life.expected(), life.remarks["r-1"]) == (Phase.NEW, {}, "waits_for_order")
    (paid_again, *_) = life.tell(PAID_AGAIN)
    assert isinstance(paid_again, of.OrderPaid)
    assert paid_again.numbers == (2, 11, 2)
    assert (life.state.phase, life.statuses["r-1"]) == (Phase.EXPECTED, "done")
    early = [effect.seq for effect in life.effects if isinstance(effect, of.EarlyRefundApplied)]
    assert early == [1, 2]
    firsts = [effect.first_seq for effect in life.effects if isinstance(effect, of.ExpectationChanged)]
    assert firsts == sorted(set(firsts))
    life.tell(FAILED_AGAIN)
    assert life.state.numbers == (3, 21, 3)
    life.tell(Event("late", "order.payment_failed", PAID_AT + 4 * DAY, order_id="o"))
    assert life.remarks["late"] == "already_failed"


def test_a_failure_of_another_payment_leaves_what_is_expected_and_a_settled_order_alone() -> None:
    life = Life()
    life.tell(PAID_AGAIN)
    assert kinds(life.tell(FAILED)) == ["PaymentFailed", "EventsReopened", "EventDone"]
    assert (life.state.phase, life.remarks["order.payment_failed"]) == (Phase.EXPECTED, None)
    life.tell(SETTLED_AGAIN)
    assert life.tell(FAILED_AGAIN)[1:] == [
        of.EventsReopened(life.arrived[-1], only_conflicts=True),
        of.EventDone(4, "already_settled"),
    ]
    assert life.posted() == WHOLE
    life.tell(CANCELLED)
    life.tell(Event("last", "order.payment_failed", PAID_AT + 60 * DAY, order_id="o"))
    assert life.remarks["last"] == "order_cancelled"


def test_money_that_another_refund_held_counts_as_taken_from_when_that_was_undone() -> None:
    life = Life()
    life.tell(SETTLED, refund("r-1", 20, ("1", 10_001)))
    life.tell(refund("r-2", 25, ("1", 8_000)))
    assert life.remarks["r-2"] == "refund_exceeds"
    life.tell(undone("r-1", 40))
    dated = {effect.refund_id: effect.occurred_at for effect in life.effects if isinstance(effect, of.RefundApplied)}
    assert dated == {"r-1": PAID_AT + 20 * DAY, "/reversed/r-1": PAID_AT + 40 * DAY, "r-2": PAID_AT + 40 * DAY}
    life.tell(refund("r-3", 22, ("2", 4_999)), refund("r-4", 23, ("1", 2_001)))
    dated = {effect.refund_id: effect.occurred_at for effect in life.effects if isinstance(effect, of.RefundApplied)}
    assert (dated["r-3"], dated["r-4"]) == (PAID_AT + 22 * DAY, PAID_AT + 40 * DAY)
    assert life.posted() == {}
