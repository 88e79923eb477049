"""What each shop has on each side of a simulation, exact however large it grows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from distrib.columns.commissions.rounding import Whole
from distrib.columns.history.counting import MOST_SUM, numbered, widened
from distrib.columns.tree import Integers

SHOPS_A_PAGE: Final = 10_000


class SummedShops(NamedTuple):
    """Some shops, by the store's number, and what each has: ``sums_minor`` has a row a shop and a column a side."""

    shop_no: Integers
    sums_minor: Whole


class ShopSums:
    """What each shop has on each side; a row a shop, in the order in which shops came."""

    def __init__(self, sides: int) -> None:
        # Numbers sorted, each with its row.
        self._known = self._rows = np.zeros(0, np.int64)
        self._sums: Whole = np.zeros((1_024, sides), np.int64)

    @property
    def shops(self) -> Integers:
        """The numbers of all shops that had anything on any side, ascending."""
        return self._known

    def side(self, side: int) -> Whole:
        """What the shops have on a side, in the order of ``shops``."""
        figures: Whole = self._sums[self._rows, side]
        return figures

    def add(self, amounts: Mapping[tuple[int, int], int]) -> None:
        """Adds amounts by side and shop."""
        if not amounts:
            return
        sides, shops = (np.array(column, np.int64) for column in zip(*amounts, strict=True))
        most = max(map(abs, amounts.values()))
        self.add_columns(sides, shops, np.array([*amounts.values()], np.int64 if most < MOST_SUM else object))

    def add_columns(self, sides: Integers | int, shops: Integers, amounts: Whole) -> None:
        """Adds amounts by side and shop; either may stand several times."""
        if not shops.size:
            return
        numbers, of = numbered(shops)
        rows = self._rows_of(numbers)
        amounts = widened(amounts)
        if self._sums.dtype == np.int64 and amounts.dtype == object:
            self._sums = self._sums.astype(object)
        np.add.at(self._sums.reshape(-1), rows[of] * self._sums.shape[1] + sides, amounts)
        if self._sums.dtype == np.int64 and np.abs(self._sums[rows]).max() >= MOST_SUM:
            self._sums = self._sums.astype(object)

    def add_sums(self, other: ShopSums) -> None:
        """Adds what shops have elsewhere."""
        for side in range(other._sums.shape[1]):
            self.add_columns(side, other.shops, other.side(side))

    def pages(self) -> Iterator[SummedShops]:
        """Yields the shops that have something on some side, some at a time, by number."""
        for start in range(0, self._known.size, SHOPS_A_PAGE):
            page = slice(start, start + SHOPS_A_PAGE)
            sums = self._sums[self._rows[page]]
            has_any = (sums != 0).any(axis=1)
            yield SummedShops(self._known[page][has_any], sums[has_any])

    def _rows_of(self, numbers: Integers) -> Integers:
        """The rows of shops, each once and sorted; those that are new get the next ones."""
        standing = np.searchsorted(self._known, numbers)
        is_new = np.ones(numbers.size, np.bool_)
        within = standing < self._known.size
        is_new[within] = self._known[standing[within]] != numbers[within]
        if is_new.any():
            before = self._known.size
            self._known = np.insert(self._known, standing[is_new], numbers[is_new])
            rows = np.arange(before, self._known.size)
            self._rows = np.insert(self._rows, standing[is_new], rows)
            self._grow()
            standing = np.searchsorted(self._known, numbers)
        return self._rows[standing]

    def _grow(self) -> None:
        size = self._known.size
        if size > len(self._sums):
            grown = np.zeros((2 * size, self._sums.shape[1]), self._sums.dtype)
            grown[: len(self._sums)] = self._sums
            self._sums = grown
