"""Local days in columns are those of each instant by itself, on days on which clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.columns.history.calendar import Calendar, date_of, periods_of

ZONES = ("UTC", "Asia/Shanghai", "America/St_Johns", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# St. John's turned its clocks back at 00:01, into the day before.
TURNED_BACK = datetime(2008, 11, 2, 2, 31, tzinfo=UTC)
microseconds = st.integers(-(10**16), 10**17 // 50) | st.integers(-90_000_000, 90_000_000).map(
    lambda around: (TURNED_BACK - EPOCH) // MICROSECOND + around
)


@pytest.mark.parametrize("zone", ZONES)
def test_every_instant_falls_on_its_own_day_and_month(zone: str) -> None:
    calendar = Calendar(ZoneInfo(zone))

    @given(st.lists(microseconds, min_size=1, max_size=20))
    def holds(instants: list[int]) -> None:
        days = calendar.days(np.array(instants, np.int64))
        local = [(EPOCH + instant * MICROSECOND).astimezone(ZoneInfo(zone)).date() for instant in instants]
        assert [date_of(day) for day in days.tolist()] == local
        assert periods_of(days).tolist() == [day.year * 100 + day.month for day in local]

    holds()


def test_no_instants_fall_on_no_days() -> None:
    assert Calendar(UTC).days(np.zeros(0, np.int64)).tolist() == []
