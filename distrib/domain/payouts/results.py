"""What a channel or a bank says of a payout's line (打款结果): paid, failed, or returned after it was paid (退票).

Pure decisions: whether what is said is new, known already, or against what is known. A line settles once, paid or
failed; of a payment that came back there is one return, after which the line is paid no more: the money goes out in
another batch. No clock and no database may enter.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from distrib.domain.errors import Refusal
from distrib.domain.payouts.refusals import (
    LineNotPaid,
    PaidOnBeforeApproval,
    PaidOnBeforePayment,
    PaidOnClosed,
    PaidOnInFuture,
    ResultConflict,
)

PAID: Final = "paid"
FAILED: Final = "failed"
RETURNED: Final = "returned"
RESULT_STATUSES: Final = (PAID, FAILED, RETURNED)

RECORDED: Final = "recorded"
UNCHANGED: Final = "unchanged"


class Saying(NamedTuple):
    """What is said of a line: its status and what goes with it; None is left out.

    ``day`` is the day of payment, or of the return where the status is ``returned``.
    """

    status: str
    day: date | None = None
    reference: str | None = None
    reason: str | None = None


class LineHistory(NamedTuple):
    """What is known of a line: how it settled, and that it came back."""

    result: Saying | None = None
    returned: Saying | None = None


class DayBounds(NamedTuple):
    """Between which days a payment or return can lie, both included.

    Args:
        approved_on: the day the batch was approved.
        open_from: the first day whose month is not closed.
        today: what lies after it is yet to come.
    """

    approved_on: date
    open_from: date
    today: date

    def first(self, history: LineHistory) -> date:
        """The first day there can be: not before the approval, nor before the payment where there was one."""
        days = [self.approved_on, self.open_from]
        if history.result is not None and history.result.day is not None:
            days.append(history.result.day)
        return max(days)


def decide_result(saying: Saying, history: LineHistory, bounds: DayBounds, shop_id: str) -> str | Refusal:
    """Decides what becomes of what is said of a shop's line: ``recorded``, ``unchanged``, or why it is refused.

    Said again it may leave out what was said then; anything else is a conflict.

    >>> bounds = DayBounds(date(2026, 4, 2), date(2026, 4, 1), date(2026, 4, 9))
    >>> decide_result(Saying("paid", date(2026, 4, 3)), LineHistory(), bounds, "s")
    'recorded'
    >>> str(decide_result(Saying("paid", date(2026, 4, 1)), LineHistory(), bounds, "s"))
    '2026-04-01 is before the approval; the first day there can be is 2026-04-02.'
    >>> str(decide_result(Saying("returned"), LineHistory(), bounds, "s"))
    'The line of the shop s is not paid, so nothing of it can come back.'
    """
    is_return = saying.status == RETURNED
    if is_return and (history.result is None or history.result.status != PAID):
        return LineNotPaid(id=shop_id)
    known = history.returned if is_return else history.result
    if known is not None:
        return UNCHANGED if repeats(saying, known) else ResultConflict(id=shop_id)
    return RECORDED if saying.day is None else misfit_of_day(saying.day, history, bounds) or RECORDED


def repeats(saying: Saying, known: Saying) -> bool:
    """Whether what is said is what is known; it may leave out the day, the reference and the reason.

    >>> known = Saying("paid", date(2026, 4, 3), "W1")
    >>> repeats(Saying("paid"), known), repeats(Saying("paid", reference="W2"), known)
    (True, False)
    """
    return (
        saying.status == known.status
        and saying.day in (None, known.day)
        and saying.reference in (None, known.reference)
        and saying.reason in (None, known.reason)
    )


def misfit_of_day(day: date, history: LineHistory, bounds: DayBounds) -> Refusal | None:
    """Why a day of payment or return cannot be, with the first or the last there can be; None where it can."""
    first = bounds.first(history)
    if day > bounds.today:
        return PaidOnInFuture(day=day, last=bounds.today)
    if day < bounds.approved_on:
        return PaidOnBeforeApproval(day=day, first=first)
    if day < bounds.open_from:
        return PaidOnClosed(day=day, first=first)
    return PaidOnBeforePayment(day=day, first=first) if day < first else None
