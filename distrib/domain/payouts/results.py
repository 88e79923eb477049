"""What a channel or a bank says of a payout's line (打款结果): paid, failed, or returned after it was paid (退票).

Pure decisions: whether what is said is new, known already, or against what is known. A line settles once, paid or
failed; of a payment that came back there is one return, after which the line is paid no more: the money goes out in
another batch. No clock and no database may enter.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

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


def decide_result(saying: Saying, history: LineHistory, bounds: DayBounds) -> str:
    """Decides what becomes of what is said: ``recorded``, ``unchanged``, or the code why it is refused.

    Said again it may leave out what was said then; anything else is a conflict.

    >>> bounds = DayBounds(date(2026, 4, 2), date(2026, 4, 1), date(2026, 4, 9))
    >>> decide_result(Saying("paid", date(2026, 4, 3)), LineHistory(), bounds)
    'recorded'
    >>> decide_result(Saying("paid", date(2026, 4, 1)), LineHistory(), bounds)
    'paid_on_before_approval'
    >>> decide_result(Saying("returned"), LineHistory(), bounds)
    'line_not_paid'
    """
    is_return = saying.status == RETURNED
    if is_return and (history.result is None or history.result.status != PAID):
        return "line_not_paid"
    known = history.returned if is_return else history.result
    if known is not None:
        return UNCHANGED if repeats(saying, known) else "result_conflict"
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


def misfit_of_day(day: date, history: LineHistory, bounds: DayBounds) -> str | None:
    """The code why a day of payment or return cannot be; None where it can."""
    if day > bounds.today:
        return "paid_on_in_future"
    if day < bounds.approved_on:
        return "paid_on_before_approval"
    if day < bounds.open_from:
        return "paid_on_closed"
    return "paid_on_before_payment" if day < bounds.first(history) else None
