"""Spans of sorted arrays: every place of each, and looks paired with the shops that they read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from distrib.columns.tree import Integers

MOST_AT_ONCE: Final = 200_000
"""So many pairs, of a look and what it reads, are held at once."""
_WIDEST: Final = 2**63 - 1


class Pairs(NamedTuple):
    """Looks by their place, each with a shop that it reads."""

    looks: Integers
    shops: Integers


def each_of(begins: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """Every place of spans, after the span that it is of.

    >>> [part.tolist() for part in each_of(np.array([4, 0, 7]), np.array([6, 0, 8]))]
    [[0, 0, 2], [4, 5, 7]]
    """
    width = ends - begins
    of = np.repeat(np.arange(width.size), width)
    return of, np.arange(of.size) - np.repeat(np.cumsum(width) - width, width) + begins[of]


def span_of(numbered: Integers, wanted: Integers) -> tuple[Integers, Integers]:
    """Where each wanted number begins and ends in an ascending array.

    >>> [part.tolist() for part in span_of(np.array([3, 3, 9]), np.array([3, 4]))]
    [[0, 2], [2, 2]]
    """
    return np.searchsorted(numbered, wanted, "left"), np.searchsorted(numbered, wanted, "right")


def runs_of(sizes: Integers) -> Iterator[slice]:
    """Cuts things one after another into runs of about ``MOST_AT_ONCE`` pairs; one alone may have more.

    Args:
        sizes: how many pairs each comes to.
    """
    if not sizes.size:
        return
    slots = (np.cumsum(sizes) - sizes) // MOST_AT_ONCE
    starts = np.flatnonzero(np.diff(slots, prepend=-1))
    for start, end in zip(starts, [*starts[1:], sizes.size], strict=True):
        yield slice(int(start), int(end))


def once(pairs: Pairs) -> Pairs:
    """Each pair once, by look and shop.

    >>> [part.tolist() for part in once(Pairs(np.array([1, 0, 1]), np.array([7, 9, 7])))]
    [[0, 1], [9, 7]]
    """
    width = int(pairs.shops.max(initial=0)) + 1
    if int(pairs.shops.min(initial=0)) >= 0 and int(pairs.looks.max(initial=0)) < _WIDEST // width:
        keys = np.unique(pairs.looks * width + pairs.shops)
        return Pairs(keys // width, keys % width)
    turns = np.lexsort((pairs.shops, pairs.looks))
    looks, shops = pairs.looks[turns], pairs.shops[turns]
    is_first = np.ones(looks.size, np.bool_)
    is_first[1:] = (looks[1:] != looks[:-1]) | (shops[1:] != shops[:-1])
    return Pairs(looks[is_first], shops[is_first])
