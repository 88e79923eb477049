"""Months as account periods (账期), written 202603: which follows which, and where a late fact counts.

No calendar of a time zone and no clock may enter; those are the program's.
"""

from __future__ import annotations

from datetime import date


def period_of_day(day: date) -> int:
    """The month of a day, as 202603.

    >>> period_of_day(date(2026, 3, 31))
    202603
    """
    return day.year * 100 + day.month


def next_period(period: int) -> int:
    """The month after.

    >>> next_period(202603), next_period(202612)
    (202604, 202701)
    """
    year, month = divmod(period, 100)
    return period + 1 if month < 12 else (year + 1) * 100 + 1


def previous_period(period: int) -> int:
    """The month before.

    >>> previous_period(202603), previous_period(202601)
    (202602, 202512)
    """
    year, month = divmod(period, 100)
    return period - 1 if month > 1 else (year - 1) * 100 + 12


def year_periods(year: int) -> tuple[int, int]:
    """The first and the last month of a year.

    >>> year_periods(2026)
    (202601, 202612)
    """
    return year * 100 + 1, year * 100 + 12


def first_of_year(period: int) -> int:
    """January of the month's year.

    >>> first_of_year(202603)
    202601
    """
    return period // 100 * 100 + 1


def quarter_periods(year: int, quarter: int) -> tuple[int, int]:
    """The first and the last month of a quarter, 1 to 4.

    >>> quarter_periods(2026, 2)
    (202604, 202606)
    """
    last = year * 100 + quarter * 3
    return last - 2, last


def counting(period: int, closed_through: int) -> tuple[int, int | None]:
    """The month in which a fact of ``period`` counts, and the one that it belongs to where that is another.

    What arrives after its month was closed counts in the earliest open one (api.md, Statements).

    >>> counting(202604, 202603), counting(202601, 202603), counting(202601, 0)
    ((202604, None), (202604, 202601), (202601, None))
    """
    if period > closed_through:
        return period, None
    return next_period(closed_through), period
