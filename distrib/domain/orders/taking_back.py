"""What takes back of an order: refunds, what undoes them, payments that fail, cancels; in every phase of the order."""

from __future__ import annotations

from distrib.domain.events import CANCEL, Refund
from distrib.domain.orders.effects import (
    Effect,
    EventDone,
    EventsReopened,
    PaymentFailed,
    RefundUndone,
    SalesChanged,
)
from distrib.domain.orders.endings import ORDER_CANCELLED, Step, end_order, wait
from distrib.domain.orders.expectation import apply_early_refund, close_expectation
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
from distrib.domain.orders.refusals import WaitsForOrder, WaitsForRefund
from distrib.domain.orders.state import Arrival, EarlyRefund, OrderAccount, OrderState, PaymentNumbers, Phase


def refund_order(state: OrderState, arrival: Arrival, refund: Refund) -> Step:
    """A refund: of what was settled, of what is expected, or of what is not known yet.

    Raises:
        Refusal: ``refund_conflict``, ``refund_undone``, ``line_unknown``, ``refund_exceeds``; nothing is changed then.
    """
    account, event_no, occurred_at = state.account, arrival.event_no, arrival.event.occurred_at
    if account is None and state.end is not None:
        return state, [EventDone(event_no, state.end.reason)]
    if account is None:
        return wait(state, arrival, WaitsForOrder.code, refund.order_id, "order"), []
    if state.end is not None and occurred_at <= state.end.occurred_at and not refund.is_beside_lines:
        return _record_refund_before_end(state, arrival, refund)
    if is_repeat(account, refund, occurred_at):
        return state, [EventDone(event_no, ALREADY_REFUNDED)]
    taken_minor = taken_of_lines(account, refund)
    early = EarlyRefund(arrival, refund, taken_minor)
    if refund.is_beside_lines:
        after, effects = beside(account, event_no, refund, occurred_at)
        return _with_refund(state, after, early), [*effects, EventDone(event_no)]
    if state.phase is Phase.EXPECTED:
        after, effects = apply_early_refund(account, early, _next_refund_seq(state))
    else:
        after, effects = apply_refund(account, event_no, refund, taken_minor, occurred_at)
        effects.append(SalesChanged(arrival, after))
    return _with_refund(state, after, early), [*effects, EventDone(event_no, remark_of(account, after, taken_minor))]


def undo_refund(state: OrderState, arrival: Arrival, refund_id: str) -> Step:
    """A refund undone: restores exactly what it took, and only once; an order that has ended stays as it is."""
    account, event_no, occurred_at = state.account, arrival.event_no, arrival.event.occurred_at
    if state.end is not None:
        return state, [EventDone(event_no, state.end.reason)]
    known = None if account is None else account.refunds.get(refund_id)
    if account is None or known is None:
        return wait(state, arrival, WaitsForRefund.code, refund_id, "order"), []
    if known.is_undone:
        return state, [EventDone(event_no, ALREADY_REVERSED)]
    early = EarlyRefund(arrival, known.refund, known.taken_minor, is_undone=True)
    if known.refund.is_beside_lines:
        after, effects = beside_no_more(account, event_no, refund_id, occurred_at)
    elif state.phase is Phase.EXPECTED:
        after, effects = apply_early_refund(account, early, _next_refund_seq(state))
    else:
        after, effects = apply_reversal(account, event_no, refund_id, occurred_at)
        effects.append(SalesChanged(arrival, after))
    return _with_refund(state, after, early), [*effects, RefundUndone(arrival), EventDone(event_no)]


def _with_refund(state: OrderState, after: OrderAccount, early: EarlyRefund) -> OrderState:
    """The state after a refund or what undid it; of an expected order it is kept for the settlement."""
    if state.phase is not Phase.EXPECTED:
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
    if is_repeat(account, refund, arrival.event.occurred_at):
        return state, [EventDone(event_no, ALREADY_REFUNDED)]
    nothing = (0,) * len(account.left_minor)
    account, effects = apply_refund(account, event_no, refund, nothing, arrival.event.occurred_at)
    return state._replace(kept=account), [*effects, EventDone(event_no, end.reason)]


def fail_payment(state: OrderState, arrival: Arrival) -> Step:
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


def cancel_order(state: OrderState, arrival: Arrival) -> Step:
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
        state, ended = end_order(state._replace(kept=account), ORDER_CANCELLED, event_no, occurred_at)
        return state, [*effects, *ended, SalesChanged(arrival, account)]
    if state.is_described:
        state, effects = end_order(state, ORDER_CANCELLED, event_no, occurred_at)
        return state, [*effects, EventDone(event_no)]
    return wait(state, arrival, WaitsForOrder.code, arrival.event.about_order_id, "order"), []
