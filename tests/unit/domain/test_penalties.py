"""Until when a penalty counts: a criminal one for ever, an administrative one for a year from its day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from distrib.domain.penalties import ADMINISTRATIVE, CRIMINAL, earliest_in_force, is_in_force, lapses_on


@pytest.mark.parametrize(
    ("decided_on", "last_day"),
    [
        (date(2025, 3, 9), date(2026, 3, 8)),
        (date(2025, 1, 1), date(2025, 12, 31)),
        (date(2023, 3, 1), date(2024, 2, 29)),
        (date(2024, 2, 28), date(2025, 2, 27)),
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2024, 3, 1), date(2025, 2, 28)),
    ],
)
def test_an_administrative_penalty_counts_from_its_day_to_the_day_before_its_anniversary(
    decided_on: date, last_day: date
) -> None:
    days = [decided_on - timedelta(days=1), decided_on, last_day, last_day + timedelta(days=1)]
    assert [is_in_force(ADMINISTRATIVE, decided_on, day) for day in days] == [False, True, True, False]
    assert lapses_on(ADMINISTRATIVE, decided_on) == last_day + timedelta(days=1)


def test_a_criminal_penalty_counts_for_ever_from_the_day_it_was_decided() -> None:
    decided_on = date(1999, 12, 31)
    days = [date(1999, 12, 30), decided_on, date(2000, 12, 31), date(2099, 1, 1)]
    assert [is_in_force(CRIMINAL, decided_on, day) for day in days] == [False, True, True, True]
    assert lapses_on(CRIMINAL, decided_on) is None


def test_nothing_that_still_counts_was_decided_before_the_earliest_day_that_is_read() -> None:
    assert earliest_in_force(date(2026, 1, 1)) == date(2024, 12, 31)
    for ordinal in range(date(2023, 1, 1).toordinal(), date(2026, 1, 1).toordinal()):
        decided_on = date.fromordinal(ordinal)
        until = lapses_on(ADMINISTRATIVE, decided_on)
        assert until is not None
        assert earliest_in_force(until - timedelta(days=1)) <= decided_on
