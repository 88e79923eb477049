"""What each shop has on each side of a simulation, exact however large it grows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from distrib.columns.commissions.rounding import Whole
from distrib.columns.history.counting import MOST_SUM, widened
from distrib.columns.tree import Integers

SHOPS_A_PAGE: Final = 10_000


class ShopSums:
    """What each shop has on each side; a row a shop, by the store's number, in the order in which shops came."""

    def __init__(self, sides: int) -> None:
        self._places: dict[int, int] = {}
        self._sums: Whole = np.zeros((1_024, sides), np.int64)

    def add(self, amounts: Mapping[tuple[int, int], int]) -> None:
        """Adds amounts by side and shop."""
        if not amounts:
            return
        sides, shops = (np.array(column, np.int64) for column in zip(*amounts, strict=True))
        most = max(map(abs, amounts.values()))
        self.add_columns(sides, shops, np.array([*amounts.values()], np.int64 if most < MOST_SUM else object))

    def add_columns(self, sides: Integers, shops: Integers, amounts: Whole) -> None:
        """Adds amounts by side and shop; either may stand several times."""
        if not shops.size:
            return
        numbers, first, of = np.unique(shops, return_index=True, return_inverse=True)
        known = self._places
        for number in numbers[np.argsort(first)].tolist():
            known.setdefault(number, len(known))
        self._grow()
        places = np.array([known[number] for number in numbers.tolist()], np.int64)
        amounts = widened(amounts)
        if self._sums.dtype == np.int64 and amounts.dtype == object:
            self._sums = self._sums.astype(object)
        np.add.at(self._sums, (places[of], sides), amounts)
        if self._sums.dtype == np.int64 and np.abs(self._sums[places]).max() >= MOST_SUM:
            self._sums = self._sums.astype(object)

    def add_sums(self, other: ShopSums) -> None:
        """Adds what shops have elsewhere."""
        shops = np.array(other.shops(), np.int64)
        for side in range(other._sums.shape[1]):
            self.add_columns(np.full(shops.size, side), shops, other._sums[: shops.size, side])

    def shops(self) -> list[int]:
        """The numbers of all shops that had anything on any side."""
        return list(self._places)

    def side(self, side: int) -> list[int]:
        """What the shops have on a side, in the order of ``shops``."""
        figures: list[int] = self._sums[: len(self._places), side].tolist()
        return figures

    def pages(self) -> Iterator[list[list[int]]]:
        """Yields the shops, some at a time: the number of each, and what it has on each side."""
        numbers = self.shops()
        for start in range(0, len(numbers), SHOPS_A_PAGE):
            rows = self._sums[start : min(start + SHOPS_A_PAGE, len(numbers))].tolist()
            yield [
                [shop_no, *map(int, sums)]
                for shop_no, sums in zip(numbers[start : start + SHOPS_A_PAGE], rows, strict=True)
                if any(sums)
            ]

    def _grow(self) -> None:
        if len(self._places) > len(self._sums):
            grown = np.zeros((2 * len(self._places), self._sums.shape[1]), self._sums.dtype)
            grown[: len(self._sums)] = self._sums
            self._sums = grown
