"""The referral tree of a whole program as an array of places, and sums over the levels below every shop."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]
Truths: TypeAlias = NDArray[np.bool_]


def places_of(shops: Integers, wanted: Integers) -> Integers:
    """Finds the place of each wanted number among the ascending ``shops``; -1 where it is not there.

    >>> places_of(np.array([3, 5, 9]), np.array([9, 4, 3])).tolist()
    [2, -1, 0]
    """
    if not len(shops):
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(shops, wanted), len(shops) - 1)
    return np.where(shops[places] == wanted, places, -1)


def at_places(shops: Integers, numbers: Integers, figures: Integers) -> Integers:
    """Spreads figures by shop number over all shops: 0 where there is none, a number that is no shop left out."""
    column = np.zeros(len(shops), dtype=np.int64)
    places = places_of(shops, numbers)
    known = places >= 0
    column[places[known]] = figures[known]
    return column


def level_sums(parents: Integers, own: Integers, levels: int) -> Integers:
    """Sums ``own`` for every shop over the shops within so many levels below it, itself not included.

    Args:
        parents: the place of each shop's sponsor; -1 for a root.
        own: a figure of each shop.
        levels: 1 reads the direct recruits alone.

    >>> level_sums(np.array([-1, 0, 1, 1]), np.array([1, 10, 100, 1000]), 2).tolist()
    [1110, 1100, 0, 0]
    """
    total = np.zeros(len(own), dtype=np.int64)
    above = parents
    for level in range(levels):
        if level:
            above = np.where(above >= 0, parents[above], -1)
        sold = (above >= 0) & (own != 0)
        np.add.at(total, above[sold], own[sold])
    return total


def counts_below(parents: Integers, counted: Truths) -> Integers:
    """Counts for every shop those of its direct recruits that are marked in ``counted``.

    >>> counts_below(np.array([-1, 0, 0, 1]), np.array([True, True, False, True])).tolist()
    [1, 1, 0, 0]
    """
    above = parents[counted & (parents >= 0)]
    return np.bincount(above, minlength=len(parents)).astype(np.int64)


def spread_up(marked: Truths, below: Integers, above_of: Integers, levels: int) -> Truths:
    """Marks the marked shops and all that ever stood within so many levels above a marked shop.

    Args:
        marked: of each shop.
        below: with ``above_of``, every link there ever was: the place of a shop, and of a sponsor it had.

    >>> spread_up(np.array([False, False, True]), np.array([1, 2]), np.array([0, 1]), 1).tolist()
    [False, True, True]
    """
    reached = marked.copy()
    last_level = marked
    for _ in range(levels):
        above = np.zeros(len(marked), dtype=np.bool_)
        above[above_of[last_level[below]]] = True
        last_level = above
        reached |= above
    return reached
