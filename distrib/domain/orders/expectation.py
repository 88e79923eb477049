"""What is expected of an order that is paid and not settled: opened by the payment, lowered by refunds, closed.

The same recomputation as for money that was earned. What refunds took before the settlement is kept, to be taken back
from what the settlement earns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from distrib.domain.events import UNDONE, Order
from distrib.domain.orders.effects import (
    ENDED,
    EXPECTED,
    REFUNDED,
    EarlyRefundApplied,
    Effect,
    ExpectationChanged,
    ExpectationClosed,
    OrderPaid,
)
from distrib.domain.orders.refunds import apply_refund, apply_reversal
from distrib.domain.orders.state import CommissionChange, EarlyRefund, OrderAccount, standing_whole, whole_lines
from distrib.domain.settlement.commission import Commission


def expect(payment: OrderPaid, commissions: Sequence[Commission]) -> tuple[OrderAccount, list[Effect]]:
    """The account of what a payment lets expect, and the effects that keep it."""
    occurred_at, first_seq = payment.arrival.event.occurred_at, payment.numbers.first_seq
    states, left_minor = standing_whole(commissions, occurred_at, first_seq), whole_lines(payment.order)
    account = OrderAccount(
        payment.order,
        payment.terms,
        payment.snapshot,
        occurred_at,
        left_minor,
        states,
        {},
        first_seq + len(states),
    )
    effects: list[Effect] = [payment]
    if commissions:
        opened = [CommissionChange(state, state.posted_minor) for state in account.commissions.values()]
        event_no = payment.arrival.event_no
        effects.append(ExpectationChanged(event_no, EXPECTED, account, opened, first_seq, occurred_at))
    return account, effects


def apply_early_refund(account: OrderAccount, early: EarlyRefund, seq: int) -> tuple[OrderAccount, list[Effect]]:
    """The account after a refund took of it before its settlement, or was undone; what is expected changes."""
    event_no, occurred_at = early.arrival.event_no, early.arrival.event.occurred_at
    refund_id, changed_minor = early.refund.id, early.taken_minor
    if early.is_undone:
        instant = max(occurred_at, account.refunds[refund_id].counts_from)
        kept_as, changed_minor = UNDONE + refund_id, tuple([-taken for taken in changed_minor])
        after = account.after_reversal(refund_id, instant)
    else:
        instant, kept_as = account.freed_by(changed_minor, occurred_at), refund_id
        after = account.after_refund(early.refund, changed_minor, instant)
    kept = EarlyRefundApplied(event_no, kept_as, account.order, changed_minor, seq, instant)
    after, effects = _change(after, event_no, REFUNDED, after.changes_to_left(), instant)
    return after, [kept, *effects]


def close_expectation(account: OrderAccount, event_no: int, occurred_at: datetime) -> tuple[int, list[Effect]]:
    """What keeps that nothing more is expected: the order has settled, has ended, or its payment failed.

    Returns:
        The number of the next change, and the effects.
    """
    account, effects = _change(account, event_no, ENDED, account.changes_to({}), occurred_at)
    return account.next_seq, [*effects, ExpectationClosed()]


def apply_early_refunds(settled: OrderAccount, early: Sequence[EarlyRefund]) -> tuple[OrderAccount, list[Effect]]:
    """The settled account after what refunds had taken before, as if they came after the settlement."""
    effects: list[Effect] = []
    for arrival, refund, taken_minor, is_undone in early:
        event_no, occurred_at = arrival.event_no, arrival.event.occurred_at
        if refund.is_beside_lines:  # kept already, and no commission changes
            settled = (
                settled.after_reversal(refund.id, occurred_at)
                if is_undone
                else settled.after_refund(refund, taken_minor, occurred_at)
            )
        elif is_undone:
            settled, more = apply_reversal(settled, event_no, refund.id, occurred_at)
            effects += more
        else:
            settled, more = apply_refund(settled, event_no, refund, taken_minor, occurred_at)
            effects += more
    return settled, effects


def by_lines_of(order: Order, expected: Order, early: Sequence[EarlyRefund]) -> Sequence[EarlyRefund]:
    """Early refunds by the lines of the settled order, whose lines may stand in another order than the paid one's."""
    if order.lines == expected.lines:
        return early
    places = {line.id: index for index, line in enumerate(expected.lines)}
    moved = [places[line.id] for line in order.lines]
    return [entry._replace(taken_minor=tuple([entry.taken_minor[place] for place in moved])) for entry in early]


def _change(
    account: OrderAccount, event_no: int, kind: str, changes: Sequence[CommissionChange], occurred_at: datetime
) -> tuple[OrderAccount, list[Effect]]:
    """The account with changes made; never dated before the payment: nothing is taken away before it was expected."""
    if not changes:
        return account, []
    instant = account.no_earlier(occurred_at)
    return account.after(changes), [ExpectationChanged(event_no, kind, account, changes, account.next_seq, instant)]
