"""What shops sold between instants, net of what came back, from files: what rules ask of their earners.

Whole months are sums by shop; rows are read of those months alone in which a span begins or ends. So memory is that of
a few months' rows, of one number a shop for each of them, and of the rows of refunds, which are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import numpy as np

from distrib.columns.tree import Integers, places_of
from distrib.services.history.arrays import column_of, numbers
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.parquet import row_groups
from distrib.services.history.schema import ORDERS, REFUNDS
from distrib.store.copying import microseconds
from distrib.store.settlement.sales import Span as SalesSpan

_MONTHS_KEPT: Final = 6
_BEFORE_ALL: Final = -(2**62)
_SOLD: Final = ("seller_no", "settled_at", "sales_minor")


class _Sums(NamedTuple):
    """A number for each of some shops, ascending."""

    shop_no: Integers
    minor: Integers

    def of(self, shops: Integers) -> Integers:
        """The numbers of these shops; 0 of others."""
        places = places_of(self.shop_no, shops)
        return np.where(places < 0, 0, np.append(self.minor, 0)[places])


class _MonthSales(NamedTuple):
    """What shops sold in a month, sale by sale, in the order of shop and time, and the sums up to each."""

    shop_no: Integers
    keys: Integers
    sums: Integers
    start: int
    width: int

    def until(self, shops: Integers, instants: Integers) -> Integers:
        """What these shops had sold in the month up to instants."""
        place = places_of(self.shop_no, shops)
        asked = place * self.width + np.clip(instants - self.start + 1, 0, self.width - 1)
        begins = np.searchsorted(self.keys, place * self.width, "right")
        ends = np.searchsorted(self.keys, asked, "right")
        return np.where(place < 0, 0, self.sums[ends] - self.sums[begins])


class _BackRows(NamedTuple):
    """What refunds took back of sales, by shop: when it had been sold, from when it counts, and how much."""

    shop_no: Integers
    sold_at: Integers
    occurred_at: Integers
    minor: Integers


class SalesOfShops:
    """The sales in a directory."""

    def __init__(self, directory: HistoryDirectory) -> None:
        self._directory = directory
        self._periods = [file.period for file in directory.manifest.files_of(ORDERS)]
        self._month = lru_cache(_MONTHS_KEPT)(self._read_month)
        self._before = lru_cache(_MONTHS_KEPT)(self._sums_before)

    def of(self, spans: Sequence[SalesSpan]) -> list[int]:
        """What was sold in each span, less what refunds up to its end took back of it."""
        shops = np.array([span.shop_no for span in spans], np.int64)
        after = np.array([_BEFORE_ALL if s.after is None else microseconds([s.after])[0] for s in spans], np.int64)
        until = np.array(microseconds([span.to for span in spans]), np.int64)
        gross = self._until(shops, until) - self._until(shops, after)
        return [int(minor) for minor in gross - self._taken_back(shops, after, until)]

    def _until(self, shops: Integers, instants: Integers) -> Integers:
        """All that these shops had sold up to instants."""
        sold = np.zeros(shops.size, np.int64)
        starts = np.array([self._directory.bounds(period)[0] for period in self._periods], np.int64)
        months = np.searchsorted(starts, instants, "right") - 1
        for month in np.unique(months[months >= 0]).tolist():
            here = np.flatnonzero(months == month)
            before = self._before(month).of(shops[here])
            sold[here] = before + self._month(month).until(shops[here], instants[here])
        return sold

    def _sums_before(self, month: int) -> _Sums:
        """What was sold in all months before one."""
        shops, minor = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for period in self._periods[:month]:
            seller_no, _, sold = self._sold(period)
            shops.append(seller_no)
            minor.append(sold)
            if len(shops) > _MONTHS_KEPT:
                known = _summed(np.concatenate(shops), np.concatenate(minor))
                shops, minor = [known.shop_no], [known.minor]
        return _summed(np.concatenate(shops), np.concatenate(minor))

    def _read_month(self, month: int) -> _MonthSales:
        start, end = self._directory.bounds(self._periods[month])
        seller_no, settled_at, minor = self._sold(self._periods[month])
        shops, of = np.unique(seller_no, return_inverse=True)
        width = end - start + 1
        keys = of * width + (settled_at - start + 1)
        turns = np.argsort(keys)
        return _MonthSales(shops, keys[turns], np.append(0, np.cumsum(minor[turns])), start, width)

    def _sold(self, period: int) -> tuple[Integers, Integers, Integers]:
        """Of each order of a month that somebody sold: seller, when it settled, what counts of it."""
        columns: list[list[Integers]] = [[np.zeros(0, np.int64)] for _ in _SOLD]
        for path in self._directory.paths(ORDERS, period):
            for group in row_groups(path, _SOLD):
                is_sold = numbers(column_of(group, "seller_no")) >= 0
                for name, column in zip(_SOLD, columns, strict=True):
                    column.append(numbers(column_of(group, name))[is_sold])
        seller_no, settled_at, minor = (np.concatenate(column) for column in columns)
        return seller_no, settled_at, minor

    @cached_property
    def _back(self) -> _BackRows:
        names = ("seller_no", "settled_at", "occurred_at", "sales_minor")
        columns: list[list[Integers]] = [[np.zeros(0, np.int64)] for _ in names]
        for group in self._directory.rows(REFUNDS, names):
            for name, column in zip(names, columns, strict=True):
                column.append(numbers(column_of(group, name)))
        parts = [np.concatenate(column) for column in columns]
        turns = np.argsort(parts[0], kind="stable")
        return _BackRows(*(part[turns] for part in parts))

    def _taken_back(self, shops: Integers, after: Integers, until: Integers) -> Integers:
        back = self._back
        begins, ends = (np.searchsorted(back.shop_no, shops, side) for side in ("left", "right"))
        taken = np.zeros(shops.size, np.int64)
        for place in np.flatnonzero(ends > begins).tolist():
            rows = slice(int(begins[place]), int(ends[place]))
            sold_at, last = back.sold_at[rows], until[place]
            counts = (sold_at > after[place]) & (sold_at <= last) & (back.occurred_at[rows] <= last)
            taken[place] = back.minor[rows][counts].sum()
        return taken


def _summed(shops: Integers, minor: Integers) -> _Sums:
    """The sums by shop."""
    known, of = np.unique(shops, return_inverse=True)
    sums = np.zeros(known.size, np.int64)
    np.add.at(sums, of, minor)
    return _Sums(known, sums)
