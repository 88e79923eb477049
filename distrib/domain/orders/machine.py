"""The state machine of an order: ``apply(state, arrival, lookups)`` answers the next state and the effects.

Pure: what has to be looked up is asked of ``lookups``, what has to be written is answered as effects. An event that
cannot be applied fails by name, changes nothing and stops no other event. The result does not depend on the order in
which an order's events arrive (plan.md, Refunds; api.md, Events).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from distrib.domain.errors import Refusal
from distrib.domain.events import (
    CANCEL,
    CANCELLED,
    PAID,
    PAYMENT_FAILED,
    SETTLED,
    Event,
    Order,
    Refund,
    group_of,
)
from distrib.domain.orders.effects import (
    Effect,
    EventDone,
    EventFailed,
    EventsReopened,
    EventWaiting,
    GroupJoined,
    OrderEnded,
    OrderPaid,
    OrderSettled,
    PaymentFailed,
    RefundUndone,
    SalesChanged,
)
from distrib.domain.orders.expectation import (
    apply_early_refund,
    apply_early_refunds,
    by_lines_of,
    close_expectation,
    expect,
)
from distrib.domain.orders.lookups import Lookups
from distrib.domain.orders.refunds import (
    ALREADY_REFUNDED,
    ALREADY_REVERSED,
    apply_refund,
    apply_reversal,
    beside,
    beside_no_more,
    check_lines_known,
    is_repeat,
    remark_of,
    taken_of_lines,
)
from distrib.domain.orders.state import (
    Arrival,
    EarlyRefund,
    OrderAccount,
    OrderEnd,
    OrderState,
    PaymentNumbers,
    Phase,
    Settlement,
    Waiting,
)
from distrib.domain.settlement.caps import check_payable
from distrib.domain.settlement.commission import Commission, settle
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms

ORDER_CANCELLED, GROUP_FAILED = "order_cancelled", "group_failed"
PAYMENT_HAS_FAILED = "payment_failed"
"""What is said of a payment that has failed since."""
PHASE_OF = {ORDER_CANCELLED: Phase.CANCELLED, GROUP_FAILED: Phase.DROPPED}
"""The phase in which an order ends, by the reason for its end."""

_EXPECTED, _SETTLED = Phase.EXPECTED, Phase.SETTLED  # a member is looked up slowly, and these for every order

Step: TypeAlias = tuple[OrderState, list[Effect]]
"""The next state, and what else an event brought about."""


class Computed(NamedTuple):
    """What an order comes to under its terms and snapshot."""

    terms: Terms
    snapshot: Snapshot
    commissions: list[Commission]


def apply_all(state: OrderState, arrivals: Sequence[Arrival], lookups: Lookups) -> Step:
    """The state after all of an order's open events, each in its turn, and everything they brought about.

    What waits is told at the end, for an end of the order settles it too.
    """
    effects: list[Effect] = []
    if state.kept is not None and state.phase is _EXPECTED:
        state, effects = _observe_group(state, state.kept.order, lookups)
    for arrival in arrivals if len(arrivals) == 1 else in_turn(arrivals, lookups):
        state, more = apply(state, arrival, lookups)
        effects += more
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
            return _apply_refund(state, arrival, event.refund)
        if event.refund_id is not None:
            return _apply_reversal(state, arrival, event.refund_id)
        return _apply_failure(state, arrival) if event.type == PAYMENT_FAILED else _apply_cancel(state, arrival)
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
            return _described(state, order), [_failed(arrival, Refusal("order_conflict"))]
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
    state, more = _end(state._replace(shop_id=order.shop_id), GROUP_FAILED, decision.event_no, decision.occurred_at)
    return state, effects + more


def _pay(state: OrderState, arrival: Arrival, order: Order, lookups: Lookups) -> Step:
    """What a payment lets expect; caps by month and customer count what settles, and bound it only then."""
    if state.expected is not None:
        return _described(state, order), [EventDone(arrival.event_no, "already_paid")]
    missing = lookups.missing_shop(order)
    if missing is not None:
        return _wait(_described(state, order), arrival, "waits_for_shop", missing, f"shop:{missing}"), []
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
        return _wait(_described(state, order), arrival, "waits_for_group", group_id, f"group:{group_id}"), []
    expected = None if state.kept is None else state.expected
    if expected is None:
        missing = lookups.missing_shop(order)
        if missing is not None:
            return _wait(_described(state, order), arrival, "waits_for_shop", missing, f"shop:{missing}"), []
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
        raise Refusal("currency_mismatch", currency=order.currency, expected=terms.plan.currency)
    return _commissions_of(order, terms, lookups.snapshot(order, terms))


def _commissions_of(order: Order, terms: Terms, snapshot: Snapshot) -> Computed:
    return Computed(terms, snapshot, [] if snapshot.seller is None else settle(terms.plan, order, snapshot))


# --- refunds, and what undoes them ---


def _apply_refund(state: OrderState, arrival: Arrival, refund: Refund) -> Step:
    """A refund: of what was settled, of what is expected, or of what is not known yet.

    Raises:
        Refusal: ``refund_conflict``, ``line_unknown`` or ``refund_exceeds``; nothing is changed then.
    """
    account, event_no, occurred_at = state.account, arrival.event_no, arrival.event.occurred_at
    if account is None and state.end is not None:
        return state, [EventDone(event_no, state.end.reason)]
    if account is None:
        return _wait(state, arrival, "waits_for_order", refund.order_id, "order"), []
    if state.end is not None and occurred_at <= state.end.occurred_at and not refund.is_beside_lines:
        return _record_refund_before_end(state, arrival, refund)
    if is_repeat(account, refund):
        return state, [EventDone(event_no, ALREADY_REFUNDED)]
    taken_minor = taken_of_lines(account, refund)
    early = EarlyRefund(arrival, refund, taken_minor)
    if refund.is_beside_lines:
        after, effects = beside(account, event_no, refund, occurred_at)
        return _with_refund(state, after, early), [*effects, EventDone(event_no)]
    if state.phase is _EXPECTED:
        after, effects = apply_early_refund(account, early, _next_refund_seq(state))
    else:
        after, effects = apply_refund(account, event_no, refund, taken_minor, occurred_at)
        effects.append(SalesChanged(arrival, after))
    return _with_refund(state, after, early), [*effects, EventDone(event_no, remark_of(account, after, taken_minor))]


def _apply_reversal(state: OrderState, arrival: Arrival, refund_id: str) -> Step:
    """A refund undone: restores exactly what it took, and only once; an order that has ended stays as it is."""
    account, event_no, occurred_at = state.account, arrival.event_no, arrival.event.occurred_at
    if state.end is not None:
        return state, [EventDone(event_no, state.end.reason)]
    known = None if account is None else account.refunds.get(refund_id)
    if account is None or known is None:
        return _wait(state, arrival, "waits_for_refund", refund_id, "order"), []
    if known.is_undone:
        return state, [EventDone(event_no, ALREADY_REVERSED)]
    early = EarlyRefund(arrival, known.refund, known.taken_minor, is_undone=True)
    if known.refund.is_beside_lines:
        after, effects = beside_no_more(account, event_no, refund_id, occurred_at)
    elif state.phase is _EXPECTED:
        after, effects = apply_early_refund(account, early, _next_refund_seq(state))
    else:
        after, effects = apply_reversal(account, event_no, refund_id, occurred_at)
        effects.append(SalesChanged(arrival, after))
    return _with_refund(state, after, early), [*effects, RefundUndone(arrival), EventDone(event_no)]


def _with_refund(state: OrderState, after: OrderAccount, early: EarlyRefund) -> OrderState:
    """The state after a refund or what undid it; of an expected order it is kept for the settlement."""
    if state.phase is not _EXPECTED:
        return state._replace(kept=after)
    return state._replace(kept=after, early_refunds=(*state.early_refunds, early))


def _next_refund_seq(state: OrderState) -> int:
    return state.numbers.first_refund_seq + len(state.early_refunds)


def _record_refund_before_end(state: OrderState, arrival: Arrival, refund: Refund) -> Step:
    """A refund from before the cancel that was applied already: the cancel has taken all that it would take."""
    account, end, event_no = state.account, state.end, arrival.event_no
    if account is None or end is None:
        raise ValueError("only an order that was settled and cancelled has refunds from before its end")
    check_lines_known(account, refund)
    if is_repeat(account, refund):
        return state, [EventDone(event_no, ALREADY_REFUNDED)]
    nothing = (0,) * len(account.left_minor)
    account, effects = apply_refund(account, event_no, refund, nothing, arrival.event.occurred_at)
    return state._replace(kept=account), [*effects, EventDone(event_no, end.reason)]


# --- payments that fail, and cancels ---


def _apply_failure(state: OrderState, arrival: Arrival) -> Step:
    """A payment that failed: drops what was expected by it, and is not final. A later payment counts anew.

    Refunds are of the order and not of a payment: they wait for the next one.
    """
    event_no, occurred_at = arrival.event_no, arrival.event.occurred_at
    if state.end is not None:
        return state, [EventDone(event_no, state.end.reason)]
    if state.failed_at is not None and occurred_at <= state.failed_at:
        return state, [EventDone(event_no, "already_failed")]
    effects: list[Effect] = [PaymentFailed(event_no, occurred_at)]
    expected, is_settled = state.expected, state.settled is not None
    state = state._replace(failed_at=occurred_at)
    if is_settled or (expected is not None and expected.counts_from > occurred_at):
        effects.append(EventsReopened(arrival, only_conflicts=True))  # the payment that failed contradicted this one
    elif expected is not None:
        next_seq, closing = close_expectation(expected, event_no, occurred_at)
        effects += [*closing, EventsReopened(arrival)]
        numbers = PaymentNumbers(state.numbers.payment_no + 1, next_seq, _next_refund_seq(state))
        state = state._replace(phase=Phase.NEW, kept=None, early_refunds=(), numbers=numbers)
    return state, [*effects, EventDone(event_no, "already_settled" if is_settled else None)]


def _apply_cancel(state: OrderState, arrival: Arrival) -> Step:
    """A cancel: final; drops what was expected, and takes back all that is left of what was settled."""
    event_no, occurred_at = arrival.event_no, arrival.event.occurred_at
    if state.end is not None:
        is_repeat_of_end = state.end.reason == ORDER_CANCELLED
        return state, [EventDone(event_no, "already_cancelled" if is_repeat_of_end else state.end.reason)]
    before = state.settled
    if before is not None:
        refund, taken_minor = Refund(CANCEL, before.order.id), before.left_minor
        account, effects = apply_refund(before, event_no, refund, taken_minor, occurred_at)
        effects.append(EventDone(event_no, remark_of(before, account, taken_minor)))
        state, ended = _end(state._replace(kept=account), ORDER_CANCELLED, event_no, occurred_at)
        return state, [*effects, *ended, SalesChanged(arrival, account)]
    if state.is_described:
        state, effects = _end(state, ORDER_CANCELLED, event_no, occurred_at)
        return state, [*effects, EventDone(event_no)]
    return _wait(state, arrival, "waits_for_order", arrival.event.about_order_id, "order"), []


# --- what they share ---


def _end(state: OrderState, reason: str, event_no: int, occurred_at: datetime) -> Step:
    """Ends the order for ever; what was expected of it is so no more."""
    effects: list[Effect] = [OrderEnded(reason, event_no, state.shop_id, occurred_at)]
    kept = state.kept
    if state.expected is not None:
        effects += close_expectation(state.expected, event_no, occurred_at)[1]
        kept = None
    end = OrderEnd(reason, event_no, occurred_at)
    return state._replace(phase=PHASE_OF[reason], kept=kept, early_refunds=(), end=end), effects


def _wait(state: OrderState, arrival: Arrival, code: str, awaited_id: str, waits_for: str) -> OrderState:
    """The state with one more event that waits."""
    return state._replace(waiting=(*state.waiting, Waiting(arrival.event_no, code, awaited_id, waits_for)))


def _done(arrival: Arrival, snapshot: Snapshot) -> EventDone:
    return EventDone(arrival.event_no, "no_shop" if snapshot.seller is None else None)


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
