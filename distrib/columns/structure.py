"""Measures the trees of a whole program in arrays: persons, levels, and sums per tree.

A few passes over arrays, whatever the depth: a pointer to the shop above is doubled until all point
at their roots. No thresholds: the policy packs have those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Whole: TypeAlias = npt.NDArray[np.int64]
NONE = 0
"""The number of no shop."""
_PASSES = 64


@dataclass(frozen=True, slots=True)
class Forest:
    """Every shop by number, ascending, with the places of its sponsor and root, and its level (a root stands at 1).

    A root is its own sponsor here.
    """

    numbers: Whole
    sponsor_places: Whole
    root_places: Whole
    levels: Whole

    @property
    def roots(self) -> Whole:
        """Lists the places of the roots, ascending."""
        return np.flatnonzero(self.levels == 1).astype(np.int64)

    def places_of(self, numbers: Whole) -> Whole:
        """Finds the places of shops by number; -1 for those that are not there."""
        if not self.numbers.size:
            return np.full(numbers.shape, -1, np.int64)
        places = np.minimum(np.searchsorted(self.numbers, numbers), self.numbers.size - 1).astype(np.int64)
        return np.where(self.numbers[places] == numbers, places, -1)

    def by_shop(self, numbers: Whole, figures: Whole) -> Whole:
        """Spreads figures given by shop number over all shops, 0 for shops without one."""
        column = np.zeros(self.numbers.size, np.int64)
        places = self.places_of(numbers)
        np.add.at(column, places[places >= 0], figures[places >= 0])
        return column

    def by_root(self, figures: Whole) -> Whole:
        """Adds a figure of each shop up over its tree: one sum for each root."""
        sums = np.zeros(self.numbers.size, np.int64)
        np.add.at(sums, self.root_places, figures)
        return sums[self.roots]

    def highest_by_root(self, figures: Whole) -> Whole:
        """Takes the highest figure of each tree: one for each root."""
        highest = np.zeros(self.numbers.size, np.int64)
        np.maximum.at(highest, self.root_places, figures)
        return highest[self.roots]


def plant(numbers: Whole, sponsors: Whole) -> Forest:
    """Builds the trees from shop numbers and their sponsors (``NONE`` for a root; an unknown sponsor makes one, too).

    >>> forest = plant(np.array([1, 2, 3, 9]), np.array([0, 1, 2, 0]))
    >>> forest.levels.tolist(), forest.by_root(np.ones(4, np.int64)).tolist()
    ([1, 2, 3, 1], [3, 1])
    """
    order = np.argsort(numbers, kind="stable")
    numbers, sponsors = numbers[order].astype(np.int64), sponsors[order].astype(np.int64)
    places = np.arange(numbers.size, dtype=np.int64)
    unlinked = Forest(numbers, places, places, np.ones(numbers.size, np.int64))
    above = unlinked.places_of(sponsors)
    steps = (above >= 0).astype(np.int64)
    sponsor_places = above = np.where(above >= 0, above, places)
    for _ in range(_PASSES):
        further = above[above]
        if np.array_equal(further, above):
            break
        steps += steps[above]
        above = further
    return Forest(numbers, sponsor_places, above, steps + 1)


def measure_below(forest: Forest) -> tuple[Whole, Whole]:
    """Counts for every shop the persons and levels below it, itself and its own level included.

    >>> persons, levels = measure_below(plant(np.array([1, 2, 3, 9]), np.array([0, 1, 2, 0])))
    >>> persons.tolist(), levels.tolist()
    ([3, 2, 1, 1], [3, 2, 1, 1])
    """
    persons, heights = np.ones(forest.numbers.size, np.int64), np.ones(forest.numbers.size, np.int64)
    order = np.argsort(forest.levels, kind="stable")
    deepest = int(forest.levels.max(initial=0))
    starts = np.searchsorted(forest.levels[order], np.arange(1, deepest + 2))
    for level in range(deepest, 1, -1):
        places = order[starts[level - 1] : starts[level]]
        above = forest.sponsor_places[places]
        np.add.at(persons, above, persons[places])
        np.maximum.at(heights, above, heights[places] + 1)
    return persons, heights


def sums_below(forest: Forest, own: Whole) -> Whole:
    """Adds a figure of each shop up over all that stand below it, itself included: one sum for each shop.

    >>> sums_below(plant(np.array([1, 2, 3, 9]), np.array([0, 1, 1, 0])), np.array([5, 20, 300, 7])).tolist()
    [325, 20, 300, 7]
    """
    sums = own.astype(np.int64)
    order = np.argsort(forest.levels, kind="stable")
    deepest = int(forest.levels.max(initial=0))
    starts = np.searchsorted(forest.levels[order], np.arange(1, deepest + 2))
    for level in range(deepest, 1, -1):
        places = order[starts[level - 1] : starts[level]]
        np.add.at(sums, forest.sponsor_places[places], sums[places])
    return sums


@dataclass(frozen=True, slots=True)
class ShopFigures:
    """The figures of single shops, each kind as (shop numbers, figures)."""

    sales_minor: tuple[Whole, Whole]
    retail_minor: tuple[Whole, Whole]
    entry_minor: tuple[Whole, Whole]
    recent_entry_minor: tuple[Whole, Whole]
    direct_minor: tuple[Whole, Whole]
    indirect_minor: tuple[Whole, Whole]
    buyers: tuple[Whole, Whole]


@dataclass(frozen=True, slots=True)
class Trees:
    """Every tree by its root's number, with one figure of each kind."""

    roots: Whole
    persons: Whole
    levels: Whole
    sales_minor: Whole
    retail_minor: Whole
    entry_minor: Whole
    recent_entry_minor: Whole
    direct_minor: Whole
    indirect_minor: Whole
    buyers: Whole
    levels_with_buyers: Whole


def measure_trees(forest: Forest, pulled: ShopFigures) -> Trees:
    """Measures every tree: persons, levels (the root counted as one of each) and sums of its shops' figures.

    A buyer is no node; how many there are, and how deep the tree would be with them, stands beside it
    (花生日记: the members that were counted were buyers, too).
    """
    unit_column = np.ones(forest.numbers.size, np.int64)

    def added(figures: tuple[Whole, Whole]) -> Whole:
        return forest.by_root(forest.by_shop(*figures))

    buyers = forest.by_shop(*pulled.buyers)
    return Trees(
        roots=forest.numbers[forest.roots],
        persons=forest.by_root(unit_column),
        levels=forest.highest_by_root(forest.levels),
        sales_minor=added(pulled.sales_minor),
        retail_minor=added(pulled.retail_minor),
        entry_minor=added(pulled.entry_minor),
        recent_entry_minor=added(pulled.recent_entry_minor),
        direct_minor=added(pulled.direct_minor),
        indirect_minor=added(pulled.indirect_minor),
        buyers=forest.by_root(buyers),
        levels_with_buyers=forest.highest_by_root(forest.levels + (buyers > 0)),
    )
