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
