"""The state machine of an order: ``apply(state, arrival, lookups)`` answers the next state and the effects.

Pure: what has to be looked up is asked of ``lookups``, what has to be written is answered as effects. An event that
cannot be applied fails by name, changes nothing and stops no other event. The result does not depend on the order in
which an order's events arrive (plan.md, Refunds; api.md, Events).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from distrib.domain.errors import Refusal
from distrib.domain.events import (
    CANCELLED,
    PAID,
    PAYMENT_FAILED,
    SETTLED,
    Event,
    Order,
    group_of,
)
from distrib.domain.orders.effects import (
    Effect,
    EventDone,
    EventFailed,
    EventPostponed,
    EventsReopened,
    EventWaiting,
    GroupJoined,
    OrderPaid,
    OrderSettled,
    RefundUndone,
)
from distrib.domain.orders.endings import GROUP_FAILED, Step, end_order, wait
from distrib.domain.orders.expectation import (
    apply_early_refunds,
    by_lines_of,
    close_expectation,
    expect,
)
from distrib.domain.orders.lookups import Lookups
from distrib.domain.orders.refusals import CurrencyMismatch, OrderConflict, WaitsForGroup, WaitsForShop
from distrib.domain.orders.state import (
    Arrival,
    OrderAccount,
    OrderState,
    Phase,
    Settlement,
)
from distrib.domain.orders.taking_back import cancel_order, fail_payment, refund_order, undo_refund
from distrib.domain.settlement.caps import check_payable
from distrib.domain.settlement.commission import Commission, settle
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms

PAYMENT_HAS_FAILED = "payment_failed"
"""What is said of a payment that has failed since."""

_EXPECTED, _SETTLED = Phase.EXPECTED, Phase.SETTLED  # a member is looked up slowly, and these for every order


class Computed(NamedTuple):
    """What an order comes to under its terms and snapshot."""

    terms: Terms
    snapshot: Snapshot
    commissions: list[Commission]


def apply_all(state: OrderState, arrivals: Sequence[Arrival], lookups: Lookups) -> Step:
    """The state after all of an order's open events, each in its turn, and everything they brought about.

    What waits is told at the end, for an end of the order settles it too. Where an event has others applied anew, those
    after it are postponed until they stand beside them: else the batch, not time, would say which refund came first.
    """
    effects: list[Effect] = []
    if state.kept is not None and state.phase is _EXPECTED:
        state, effects = _observe_group(state, state.kept.order, lookups)
    turns = arrivals if len(arrivals) == 1 else in_turn(arrivals, lookups)
    for place, arrival in enumerate(turns, 1):
        state, more = apply(state, arrival, lookups)
        effects += more
        if place < len(turns) and any(map(_has_others_applied_anew, more)):
            effects += [EventPostponed(later.event_no) for later in turns[place:]]
            break
    return state, effects + waiting_effects(state) if state.waiting else effects


def in_turn(arrivals: Sequence[Arrival], lookups: Lookups) -> Sequence[Arrival]:
    """The events of one order in the order they are applied: failures, payments, settlements, refunds and cancels.

    Each by its time; a refund is undone after it was made. Only a settlement that counts from after the first cancel
    comes after that.
    """
    if len(arrivals) == 1:
        return arrivals
    described = sorted([entry for entry in arrivals if entry.event.order is not None], key=_payments_first)
    failures = sorted([entry for entry in arrivals if entry.event.type == PAYMENT_FAILED], key=_by_time)
    cancels = sorted([entry for entry in arrivals if entry.event.type == CANCELLED], key=_by_time)
    refunds = _refunds_in_turn(arrivals)
    if not cancels:
        return failures + described + refunds
    cancelled_at = cancels[0].event.occurred_at
    late = [arrival for arrival in described if _counts_after(arrival.event, cancelled_at, lookups)]
    return failures + [arrival for arrival in described if arrival not in late] + refunds + cancels + late


def apply(state: OrderState, arrival: Arrival, lookups: Lookups) -> Step:
    """The state after one event of the order, and the effects of the event.

    An event that waits leaves no effect: ``state.waiting`` holds it until all events had their turn.
    """
    event = arrival.event
    if event.order is not None:
        return _apply_content(state, arrival, event.order, lookups)
    try:
        if event.refund is not None:
            return refund_order(state, arrival, event.refund)
        if event.refund_id is not None:
            return undo_refund(state, arrival, event.refund_id)
        return fail_payment(state, arrival) if event.type == PAYMENT_FAILED else cancel_order(state, arrival)
    except Refusal as refusal:
        return state, [_failed(arrival, refusal)]


def waiting_effects(state: OrderState) -> list[Effect]:
    """What is to be written of the events that wait; where the order has ended unsettled, none does."""
    if state.end is not None and state.settled is None:
        return [EventDone(waiting.event_no, state.end.reason) for waiting in state.waiting]
    return [EventWaiting(*waiting) for waiting in state.waiting]


def counts_from(order: Order, settled_at: datetime, lookups: Lookups) -> datetime | None:
    """From when commissions count: the later of settlement and group success; None without success."""
    if group_of(order) is None:
        return settled_at
    decision = lookups.group_decision(order)
    return max(settled_at, decision.occurred_at) if decision is not None and decision.has_succeeded else None


# --- payments and settlements ---


def _apply_content(state: OrderState, arrival: Arrival, order: Order, lookups: Lookups) -> Step:
    """A payment or a settlement: what it adds to what is known of the order's content."""
    kept = state.kept
    effects: list[Effect] = []
    if arrival.event.type == PAID and state.failed_at is not None and arrival.event.occurred_at <= state.failed_at:
        return _described(state, order), [EventDone(arrival.event_no, PAYMENT_HAS_FAILED)]
    if kept is not None:
        if not order.has_content_of(kept.order):
            return _described(state, order), [_failed(arrival, OrderConflict())]
        if state.phase is not _EXPECTED:
            return _described(state, order), [EventDone(arrival.event_no, "already_settled")]
    if state.end is None and group_of(order) is not None:
        state, effects = _observe_group(_described(state, order), order, lookups)
    if state.end is not None:
        return _described(state, order), [*effects, EventDone(arrival.event_no, state.end.reason)]
    step = _pay if arrival.event.type == PAID else _settle
    try:
        state, more = step(state, arrival, order, lookups)
    except Refusal as refusal:
        state, more = _described(state, order), [_failed(arrival, refusal)]
    return state, effects + more if effects else more


def _described(state: OrderState, order: Order) -> OrderState:
    """The state of which is known what the order holds and which shop it names."""
    return state._replace(is_described=True, shop_id=order.shop_id)


def _observe_group(state: OrderState, order: Order, lookups: Lookups) -> Step:
    """An order of a group joins it, and is dropped where the group has failed."""
    group_id = group_of(order)
    if group_id is None:
        return state, []
    effects: list[Effect] = [GroupJoined(group_id)]
    decision = lookups.group_decision(order)
    if decision is None or decision.has_succeeded:
        return state, effects
    state, more = end_order(
        state._replace(shop_id=order.shop_id), GROUP_FAILED, decision.event_no, decision.occurred_at
    )
    return state, effects + more


def _pay(state: OrderState, arrival: Arrival, order: Order, lookups: Lookups) -> Step:
    """What a payment lets expect; caps by month and customer count what settles, and bound it only then."""
    if state.expected is not None:
        return _described(state, order), [EventDone(arrival.event_no, "already_paid")]
    missing = lookups.missing_shop(order)
    if missing is not None:
        return wait(_described(state, order), arrival, WaitsForShop.code, missing, f"shop:{missing}"), []
    terms, snapshot, commissions = _compute(order, lookups)
    check_payable(terms.plan, commissions)
    account, effects = expect(OrderPaid(arrival, order, terms, snapshot, state.numbers), commissions)
    state = _described(state, order)._replace(phase=_EXPECTED, kept=account)
    return state, [*effects, _done(arrival, snapshot)]


def _settle(state: OrderState, arrival: Arrival, order: Order, lookups: Lookups) -> Step:
    """What a settlement earns, under the snapshot of the payment where there was one, less what came back before."""
    instant = counts_from(order, arrival.event.occurred_at, lookups)
    if instant is None:
        group_id = str(order.group_id)
        return wait(_described(state, order), arrival, WaitsForGroup.code, group_id, f"group:{group_id}"), []
    expected = None if state.kept is None else state.expected
    if expected is None:
        missing = lookups.missing_shop(order)
        if missing is not None:
            return wait(_described(state, order), arrival, WaitsForShop.code, missing, f"shop:{missing}"), []
        computed = _compute(order, lookups)
    else:
        computed = _commissions_of(order, expected.terms, expected.snapshot)
    terms = computed.terms
    snapshot, commissions = lookups.within_caps(order, terms, instant, computed.snapshot, computed.commissions)
    case_no = snapshot.frozen_case
    is_frozen = case_no is not None and lookups.is_case_in_force(case_no, order.paid_at)
    settlement = Settlement(order, terms, snapshot, commissions, instant)
    kept: OrderAccount | Settlement = settlement
    effects: list[Effect] = [OrderSettled(arrival, settlement, is_frozen), _done(arrival, snapshot)]
    if expected is not None:
        effects += close_expectation(expected, arrival.event_no, instant)[1]
        early = by_lines_of(order, expected.order, state.early_refunds)
        kept, more = apply_early_refunds(settlement.open_account(), early)
        effects += more
    waiting, failed_at = state.waiting, state.failed_at
    return OrderState(_SETTLED, kept, (), None, True, order.shop_id, waiting, failed_at), effects


def _compute(order: Order, lookups: Lookups) -> Computed:
    """What an order comes to as known now, before month and customer caps."""
    terms = lookups.terms_at(order.paid_at)
    if order.currency != terms.plan.currency:
        raise CurrencyMismatch(currency=order.currency, expected=terms.plan.currency)
    return _commissions_of(order, terms, lookups.snapshot(order, terms))


def _commissions_of(order: Order, terms: Terms, snapshot: Snapshot) -> Computed:
    return Computed(terms, snapshot, [] if snapshot.seller is None else settle(terms.plan, order, snapshot))


def _done(arrival: Arrival, snapshot: Snapshot) -> EventDone:
    return EventDone(arrival.event_no, "no_shop" if snapshot.seller is None else None)


def _has_others_applied_anew(effect: Effect) -> bool:
    """Whether events that were done or had failed may come before those that still have to be applied."""
    return isinstance(effect, RefundUndone) or (isinstance(effect, EventsReopened) and not effect.only_conflicts)


def _failed(arrival: Arrival, refusal: Refusal) -> EventFailed:
    return EventFailed(arrival.event_no, refusal.code, refusal.params)


def _payments_first(arrival: Arrival) -> bool:
    return arrival.event.type != PAID


def _refunds_in_turn(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Refunds, and what undoes them, by their time; what undoes one comes after it, whatever its own time says."""
    made = {arrival.event.refund.id: arrival.event.occurred_at for arrival in arrivals if arrival.event.refund}

    def turn(arrival: Arrival) -> tuple[datetime, bool, int]:
        undone, occurred_at = arrival.event.refund_id, arrival.event.occurred_at
        instant = occurred_at if undone is None else max(occurred_at, made.get(undone, occurred_at))
        return instant, undone is not None, arrival.event_no

    return sorted([entry for entry in arrivals if entry.event.refund or entry.event.refund_id], key=turn)


def _by_time(arrival: Arrival) -> tuple[datetime, int]:
    return arrival.event.occurred_at, arrival.event_no


def _counts_after(event: Event, instant: datetime, lookups: Lookups) -> bool:
    """Whether the event settles the order from after an instant on, or has no instant yet to settle it from."""
    if event.type != SETTLED or event.order is None:
        return False
    since = counts_from(event.order, event.occurred_at, lookups)
    return since is None or since > instant
