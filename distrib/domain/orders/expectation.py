"""What is expected of an order that is paid and not settled: opened by the payment, lowered by refunds, closed.

The same recomputation as for money that was earned. What refunds took before the settlement is kept, to be taken back
from what the settlement earns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

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
from distrib.domain.orders.refunds import apply_refund
from distrib.domain.orders.state import CommissionChange, EarlyRefund, OrderAccount, open_account
from distrib.domain.settlement.commission import Commission


def expect(payment: OrderPaid, commissions: Sequence[Commission]) -> tuple[OrderAccount, list[Effect]]:
    """The account of what a payment lets expect, and the effects that keep it."""
    occurred_at = payment.arrival.event.occurred_at
    account = open_account(
        payment.order, payment.terms, payment.snapshot, commissions, occurred_at, available_at=occurred_at
    )
    effects: list[Effect] = [payment]
    if commissions:
        opened = [CommissionChange(state, state.posted_minor) for state in account.commissions.values()]
        event_no = payment.arrival.event_no
        effects.append(ExpectationChanged(event_no, EXPECTED, account, opened, 1, occurred_at))
    return account, effects


def apply_early_refund(account: OrderAccount, early: EarlyRefund, seq: int) -> tuple[OrderAccount, list[Effect]]:
    """The account after a refund took of it before its settlement; what is expected is lowered."""
    event_no, occurred_at = early.arrival.event_no, early.arrival.event.occurred_at
    effects: list[Effect] = [
        EarlyRefundApplied(event_no, early.refund.id, account.order, early.taken_minor, seq, occurred_at)
    ]
    account = account.after_refund(early.refund, early.taken_minor)
    changes = account.changes_to_left()
    account, lowered = _change(account, event_no, REFUNDED, changes, occurred_at)
    return account, effects + lowered


def close_expectation(account: OrderAccount, event_no: int, occurred_at: datetime) -> list[Effect]:
    """The effects of there being nothing more to expect: the order has settled, or it has ended."""
    _, effects = _change(account, event_no, ENDED, account.changes_to({}), occurred_at)
    return [*effects, ExpectationClosed()]


def apply_early_refunds(settled: OrderAccount, early: Sequence[EarlyRefund]) -> tuple[OrderAccount, list[Effect]]:
    """The settled account after what refunds had taken before, as if they came after the settlement."""
    effects: list[Effect] = []
    for arrival, refund, taken_minor in early:
        settled, more = apply_refund(settled, arrival.event_no, refund, taken_minor, arrival.event.occurred_at)
        effects += more
    return settled, effects


def _change(
    account: OrderAccount, event_no: int, kind: str, changes: Sequence[CommissionChange], occurred_at: datetime
) -> tuple[OrderAccount, list[Effect]]:
    """The account with changes made; never dated before the payment: nothing is taken away before it was expected."""
    if not changes:
        return account, []
    instant = max(occurred_at, account.counts_from)
    return account.after(changes), [ExpectationChanged(event_no, kind, account, changes, account.next_seq, instant)]
