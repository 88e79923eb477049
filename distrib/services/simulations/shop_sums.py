"""What each shop has on each side of a simulation, exact however large it grows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from distrib.columns.commissions.rounding import Whole
from distrib.columns.history.counting import MOST_SUM, numbered, widened
from distrib.columns.tree import Integers

SHOPS_A_PAGE: Final = 10_000


class ShopSums:
    """What each shop has on each side; a row a shop, by the store's number, in the order in which shops came."""

    def __init__(self, sides: int) -> None:
        # Numbers sorted, each with its place; and the numbers by place.
        self._known = self._places = self._numbers = np.zeros(0, np.int64)
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
        numbers, of = numbered(shops)
        places = self._places_of(numbers, of)
        amounts = widened(amounts)
        if self._sums.dtype == np.int64 and amounts.dtype == object:
            self._sums = self._sums.astype(object)
        np.add.at(self._sums.reshape(-1), places[of] * self._sums.shape[1] + sides, amounts)
        if self._sums.dtype == np.int64 and np.abs(self._sums[places]).max() >= MOST_SUM:
            self._sums = self._sums.astype(object)

    def add_sums(self, other: ShopSums) -> None:
        """Adds what shops have elsewhere."""
        size, sides = other._numbers.size, other._sums.shape[1]
        amounts = other._sums[:size].reshape(-1)
        self.add_columns(np.tile(np.arange(sides), size), np.repeat(other._numbers, sides), amounts)

    @property
    def shops(self) -> Integers:
        """The numbers of all shops that had anything on any side."""
        return self._numbers

    def side(self, side: int) -> Whole:
        """What the shops have on a side, in the order of ``shops``."""
        return self._sums[: self._numbers.size, side]

    def pages(self) -> Iterator[list[list[int]]]:
        """Yields the shops, some at a time: the number of each, and what it has on each side."""
        numbers: list[int] = self._numbers.tolist()
        for start in range(0, len(numbers), SHOPS_A_PAGE):
            rows = self._sums[start : min(start + SHOPS_A_PAGE, len(numbers))].tolist()
            yield [
                [shop_no, *map(int, sums)]
                for shop_no, sums in zip(numbers[start : start + SHOPS_A_PAGE], rows, strict=True)
                if any(sums)
            ]

    def _places_of(self, numbers: Integers, of: Integers) -> Integers:
        """The rows of shops; those that are new get the next ones, in the order in which they came.

        Args:
            numbers: each once, sorted.
            of: all shops as they came, by their places in ``numbers``.
        """
        standing = np.searchsorted(self._known, numbers)
        is_new = np.ones(numbers.size, np.bool_)
        within = standing < self._known.size
        is_new[within] = self._known[standing[within]] != numbers[within]
        if is_new.any():
            first = np.full(numbers.size, of.size)
            np.minimum.at(first, of, np.arange(of.size))
            turns = np.argsort(first[is_new])
            places = np.empty(turns.size, np.int64)
            places[turns] = self._known.size + np.arange(turns.size)
            self._numbers = np.concatenate([self._numbers, numbers[is_new][turns]])
            self._places = np.insert(self._places, standing[is_new], places)
            self._known = np.insert(self._known, standing[is_new], numbers[is_new])
            self._grow()
            standing = np.searchsorted(self._known, numbers)
        return self._places[standing]

    def _grow(self) -> None:
        size = self._numbers.size
        if size > len(self._sums):
            grown = np.zeros((2 * size, self._sums.shape[1]), self._sums.dtype)
            grown[: len(self._sums)] = self._sums
            self._sums = grown
