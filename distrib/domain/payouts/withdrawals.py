"""What a program allows of withdrawals (提现): how little, how much, how often, and what the shop bears for one.

The fee is the shop's own cost and no part of its income: tax is withheld from the whole amount, and the channel sends
what is left after tax and fee. Pure rules; no clock and no database may enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from distrib.domain.errors import Refusal
from distrib.domain.payouts.refusals import (
    ExceedsAvailable,
    WithdrawalAboveMost,
    WithdrawalBelowLeast,
    WithdrawalsUsedThisMonth,
    WithdrawalsUsedToday,
)

REQUESTED: Final = "requested"
APPROVED: Final = "approved"
REFUSED: Final = "refused"
CANCELLED: Final = "cancelled"
IN_PAYOUT: Final = "in_payout"
STATES: Final = (REQUESTED, APPROVED, REFUSED, CANCELLED, IN_PAYOUT, "paid", "failed", "returned")
"""What a withdrawal can be; once a batch pays it, its state is that of the line."""


@dataclass(frozen=True, slots=True)
class WithdrawalRules:
    """The terms of withdrawals; a bound that is None does not hold."""

    least_minor: int
    most_minor: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    fee_minor: int = 0


def withdrawal_misfits(
    rules: WithdrawalRules, amount_minor: int, available_minor: int, made_today: int, made_this_month: int
) -> list[Refusal]:
    """Checks a withdrawal against the rules and the balance; everything that stands against it.

    Args:
        rules: the program's.
        amount_minor: what is asked for, the fee included.
        available_minor: what the shop has, less its other withdrawals that still wait.
        made_today: how many it asked for on this day before, those that came to nothing not counted.
        made_this_month: the same of this month.

    >>> [refusal.code for refusal in withdrawal_misfits(WithdrawalRules(100, per_day=1), 99, 50, 1, 1)]
    ['withdrawal_below_least', 'exceeds_available', 'withdrawals_used_today']
    """
    misfits: list[Refusal] = []
    if amount_minor < rules.least_minor:
        misfits.append(WithdrawalBelowLeast(least_minor=rules.least_minor))
    if rules.most_minor is not None and amount_minor > rules.most_minor:
        misfits.append(WithdrawalAboveMost(most_minor=rules.most_minor))
    if amount_minor > available_minor:
        misfits.append(ExceedsAvailable(available_minor=max(0, available_minor)))
    if rules.per_day is not None and made_today >= rules.per_day:
        misfits.append(WithdrawalsUsedToday(most=rules.per_day))
    if rules.per_month is not None and made_this_month >= rules.per_month:
        misfits.append(WithdrawalsUsedThisMonth(most=rules.per_month))
    return misfits
