"""Local days and months of many instants at once, in a time zone: exactly those that ``datetime.astimezone`` gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

import numpy as np

from distrib.columns.history.counting import numbered
from distrib.columns.tree import Integers

_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR
_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ORDINAL_OF_1970: Final = date(1970, 1, 1).toordinal()


class Calendar:
    """The local days of a time zone, each a number from 1970-01-01 on.

    The offset from UTC is asked once for each hour that has an instant; an hour in which it changes is worked out
    instant by instant.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._offsets: dict[int, int | None] = {}

    def days(self, instants: Integers) -> Integers:
        """The local day of each instant, which is in microseconds since 1970; instants may repeat in runs.

        >>> from zoneinfo import ZoneInfo
        >>> Calendar(ZoneInfo("Asia/Shanghai")).days(np.array([0, 16 * 3_600_000_000])).tolist()
        [0, 1]
        """
        if not instants.size:
            return instants
        is_first = np.ones(instants.size, np.bool_)
        is_first[1:] = instants[1:] != instants[:-1]
        firsts = instants[is_first]
        hours, of = numbered(firsts // _HOUR)
        offsets = [self._offset_of(hour) for hour in hours.tolist()]
        days = (firsts + np.array([offset or 0 for offset in offsets], np.int64)[of]) // _DAY
        for place in np.flatnonzero(np.array([offset is None for offset in offsets], np.bool_)[of]).tolist():
            days[place] = (firsts[place] + self._offset(int(firsts[place]))) // _DAY
        spread: Integers = days[np.cumsum(is_first) - 1]
        return spread

    def _offset_of(self, hour: int) -> int | None:
        """The offset in microseconds throughout an hour; None where it changes."""
        if hour not in self._offsets:
            first, last = self._offset(hour * _HOUR), self._offset((hour + 1) * _HOUR - 1)
            self._offsets[hour] = first if first == last else None
        return self._offsets[hour]

    def _offset(self, instant: int) -> int:
        offset = (_1970 + instant * _MICROSECOND).astimezone(self._zone).utcoffset()
        return 0 if offset is None else offset // _MICROSECOND


def date_of(day: int) -> date:
    """The date of a day.

    >>> date_of(31).isoformat()
    '1970-02-01'
    """
    return date.fromordinal(day + _ORDINAL_OF_1970)


def periods_of(days: Integers) -> Integers:
    """The month of each day, as 202603.

    >>> periods_of(np.array([-1, 0, 31])).tolist()
    [196912, 197001, 197002]
    """
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return (1970 + months // 12) * 100 + months % 12 + 1
