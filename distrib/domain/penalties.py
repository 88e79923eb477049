"""Penalties for organising or leading pyramid selling (传销): their kinds, and the days on which each counts."""

from __future__ import annotations

from datetime import date, timedelta

ADMINISTRATIVE, CRIMINAL = "administrative", "criminal"
KINDS = (ADMINISTRATIVE, CRIMINAL)
IN_FORCE, LAPSED, WITHDRAWN = "in_force", "lapsed", "withdrawn"
STATUSES = (IN_FORCE, LAPSED, WITHDRAWN)


def lapses_on(kind: str, decided_on: date) -> date | None:
    """Computes the first day on which a penalty no longer counts; None where it counts for ever.

    公通字〔2013〕37号: a criminal penalty, whenever it was; an administrative one within a year. The year runs from the
    day of the decision, which counts, to the same date a year later, which does not; that of 29 February ends with
    28 February.

    >>> lapses_on("administrative", date(2025, 3, 9)), lapses_on("administrative", date(2024, 2, 29))
    (datetime.date(2026, 3, 9), datetime.date(2025, 3, 1))
    >>> lapses_on("criminal", date(1999, 1, 1)) is None
    True
    """
    if kind == CRIMINAL:
        return None
    if (decided_on.month, decided_on.day) == (2, 29):
        return date(decided_on.year + 1, 3, 1)
    return decided_on.replace(year=decided_on.year + 1)


def is_in_force(kind: str, decided_on: date, day: date) -> bool:
    """Whether a penalty counts on a day of the program's calendar.

    >>> [is_in_force("administrative", date(2025, 3, 9), date(2026, 3, day)) for day in (8, 9)]
    [True, False]
    """
    until = lapses_on(kind, decided_on)
    return decided_on <= day and (until is None or day < until)


def earliest_in_force(day: date) -> date:
    """Computes a bound for queries: administrative penalties decided before it do not count on ``day``."""
    return day - timedelta(days=366)
