"""Finds in arrays the payees that several shops of one tree have, and the shops below another of their own payee.

A few passes over arrays, one a level. Who a payee is does not enter: payees are numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distrib.columns.structure import NONE, Forest, Whole


@dataclass(frozen=True, slots=True)
class SharedPayees:
    """The payees with several shops in one tree: those with most shops below themselves first, then with most shops.

    ``counts`` are their shops, ``below`` how many of these stand below another of them, ``starts`` where their shops
    begin in ``members``: the numbers of all shops with a payee, those of one payee and tree by level and number.
    """

    counts: Whole
    below: Whole
    starts: Whole
    members: Whole


def find_shared(forest: Forest, numbers: Whole, payees: Whole) -> SharedPayees:
    """Finds the payees that stand more than once in a tree.

    Args:
        forest: every shop.
        numbers: the shops that have a payee; those outside of the forest are passed over.
        payees: the number of the payee of each, above zero.

    >>> from distrib.columns.structure import plant
    >>> forest = plant(np.array([1, 2, 3, 4, 9]), np.array([0, 1, 2, 1, 0]))
    >>> shared = find_shared(forest, np.array([1, 3, 4, 9, 2]), np.array([7, 7, 7, 7, 8]))
    >>> shared.counts.tolist(), shared.below.tolist(), shared.starts.tolist(), shared.members.tolist()
    ([3], [2], [0], [1, 4, 3, 2, 9])
    """
    places = forest.places_of(numbers)
    places, payees = places[places >= 0], payees[places >= 0]
    order = np.lexsort((forest.numbers[places], forest.levels[places], payees, forest.root_places[places]))
    places, payees = places[order], payees[order]
    roots = forest.root_places[places]
    is_first = np.ones(places.size, bool)
    is_first[1:] = (roots[1:] != roots[:-1]) | (payees[1:] != payees[:-1])
    starts = np.flatnonzero(is_first).astype(np.int64)
    counts = np.diff(np.append(starts, places.size)).astype(np.int64)
    is_shared = np.repeat(counts > 1, counts)
    below = np.zeros(places.size, np.int64)
    below[is_shared] = _below_own(forest, places[is_shared], payees[is_shared])
    sums = np.add.reduceat(below, starts) if starts.size else starts
    shared = np.flatnonzero(counts > 1)
    ranked = shared[np.lexsort((forest.numbers[places[starts[shared]]], -counts[shared], -sums[shared]))]
    return SharedPayees(counts[ranked], sums[ranked], starts[ranked], forest.numbers[places])


def _below_own(forest: Forest, places: Whole, payees: Whole) -> Whole:
    """Marks with 1 the shops that have one of their own payee above them, whatever the distance."""
    payee_of = np.full(forest.numbers.size, NONE, np.int64)
    payee_of[places] = payees
    is_below = np.zeros(places.size, np.int64)
    looking, above = np.arange(places.size), places
    for _ in range(int(forest.levels.max(initial=0))):
        further = forest.sponsor_places[above]
        is_higher = further != above
        looking, above = looking[is_higher], further[is_higher]
        is_own = payee_of[above] == payees[looking]
        is_below[looking[is_own]] = 1
        looking, above = looking[~is_own], above[~is_own]
    return is_below
