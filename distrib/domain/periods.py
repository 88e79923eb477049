"""Months as account periods (账期), written 202603: their order and distance, and where a late fact counts.

The one arithmetic of months; from when to when a month lasts depends on a time zone and is the program's.
"""

from __future__ import annotations


def to_period(year: int, month: int) -> int:
    """Writes a calendar month as a period.

    >>> to_period(2026, 3)
    202603
    """
    return year * 100 + month


def year_and_month(period: int) -> tuple[int, int]:
    """Reads a period's year and month.

    >>> year_and_month(202603)
    (2026, 3)
    """
    return divmod(period, 100)


def month_number(period: int) -> int:
    """Counts months, so that the difference of two numbers is the distance of their months.

    >>> month_number(202603), month_number(202701) - month_number(202612)
    (24315, 1)
    """
    year, month = year_and_month(period)
    return year * 12 + month


def shift_period(period: int, months: int) -> int:
    """Computes the month so many months after, or before where ``months`` is negative.

    >>> shift_period(202603, 10), shift_period(202603, -3), shift_period(202612, 0)
    (202701, 202512, 202612)
    """
    year, month = divmod(month_number(period) - 1 + months, 12)
    return to_period(year, month + 1)


def next_period(period: int) -> int:
    """Computes the month after.

    >>> next_period(202603), next_period(202612)
    (202604, 202701)
    """
    return shift_period(period, 1)


def previous_period(period: int) -> int:
    """Computes the month before.

    >>> previous_period(202603), previous_period(202601)
    (202602, 202512)
    """
    return shift_period(period, -1)


def quarter_start(period: int) -> int:
    """Resolves the first month of the calendar quarter that a month lies in.

    >>> quarter_start(202601), quarter_start(202606), quarter_start(202612)
    (202601, 202604, 202610)
    """
    year, month = year_and_month(period)
    return to_period(year, month - (month - 1) % 3)


def counting(period: int, closed_through: int) -> tuple[int, int | None]:
    """Resolves the month in which a fact of ``period`` counts, and the one it belongs to where that is another.

    What arrives after its month was closed counts in the earliest open one (api.md, Statements).

    >>> counting(202604, 202603), counting(202601, 202603), counting(202601, 0)
    ((202604, None), (202604, 202601), (202601, None))
    """
    if period > closed_through:
        return period, None
    return next_period(closed_through), period
