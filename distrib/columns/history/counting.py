"""What is added up of a block on one side, the ledger or a candidate: a row for each rule, tier and earner of an order.

Sums are of int64 where those suffice, and of Python's integers where they might not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import prod
from typing import Final

import numpy as np

from distrib.columns.commissions.chunk import NOBODY, Chunk
from distrib.columns.commissions.rounding import Whole
from distrib.columns.tree import Integers, Truths

MOST_CELLS: Final = 2**16
"""So many cells have a place each, whether anything falls into them or not; of more only those that something does."""
_TABLE_A_VALUE: Final = 8
_TABLE_ROOM: Final = 2**16
"""So large is the table of ``numbered`` at most: some numbers for each value, and as many in any case."""
MOST_SUM: Final = 2**62
"""What sums of 64 bits stay below; above it they are of Python's integers."""


@dataclass(frozen=True, slots=True)
class CountedRows:
    """What one side pays on a block, one array a field, all of one length.

    In the order in which an order's rows are shown: what was earned, then what changed it.

    Attributes:
        order: place of the order in the block, ascending.
        rule: code, of the ledger or of the plan.
        tier: 0 to 3; leader and opener at 0.
        rank: code of the earner's rank, of the block or of the plan; ``NOBODY`` of one who is not around the order.
        shop_no: the earner.
        amount_minor: signed as the shop sees it.
        is_earned: not taken back, nor given again after that.
        occurred_at: microseconds since 1970.
        available_at: the same.
    """

    order: Integers
    rule: Integers
    tier: Integers
    rank: Integers
    shop_no: Integers
    amount_minor: Integers
    is_earned: Truths
    occurred_at: Integers
    available_at: Integers

    @staticmethod
    def none() -> CountedRows:
        """No rows."""
        nothing = np.zeros(0, np.int64)
        no_truths = np.zeros(0, np.bool_)
        return CountedRows(nothing, nothing, nothing, nothing, nothing, nothing, no_truths, nothing, nothing)

    def among(self, rows: Integers | Truths) -> CountedRows:
        """Some of the rows."""
        return CountedRows(*(getattr(self, name.name)[rows] for name in fields(self)))


def ranks_around(chunk: Chunk, order: Integers, shop_no: Integers) -> Integers:
    """The rank under which each shop stands around its order; the last place counts where it has several."""
    people = chunk.people
    row = np.full(order.size, NOBODY, np.int8)
    for place, shops in enumerate(people.shop_no):
        if (shops != NOBODY).any():
            np.copyto(row, place, where=shops[order] == shop_no)
    return np.where(row == NOBODY, NOBODY, people.rank[row, order]).astype(np.int64)


def distinct(values: Integers) -> Integers:
    """Each value once, in order; a third of what ``np.unique`` takes, which hashes.

    >>> distinct(np.array([5, 3, 5])).tolist()
    [3, 5]
    """
    ordered = np.sort(values)
    is_first = np.ones(ordered.size, np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]


def stable_order(keys: Integers) -> Integers:
    """The places of keys of 0 or more in their order, equal ones as they stand.

    A key and its place are sorted as one number where 64 bits carry both: a fifth of what ``np.argsort`` takes.

    >>> stable_order(np.array([5, 3, 5, 0])).tolist()
    [3, 1, 0, 2]
    """
    bits = keys.size.bit_length()
    if int(keys.max(initial=0)) >= 1 << 63 - bits:
        return np.argsort(keys, kind="stable")
    placed = np.sort(keys << bits | np.arange(keys.size))
    placed &= (1 << bits) - 1
    return placed


def numbered(values: Integers) -> tuple[Integers, Integers]:
    """Each value once, in order, and the place of every value among them.

    Values that lie close together, as the numbers of shops and days do, are told apart by a table of all numbers
    between them: a tenth of what sorting takes.

    >>> known, of = numbered(np.array([5, 3, 5]))
    >>> known.tolist(), of.tolist()
    ([3, 5], [1, 0, 1])
    """
    least, most = int(values.min(initial=2**63 - 1)), int(values.max(initial=-(2**63)))
    if most - least >= _TABLE_A_VALUE * values.size + _TABLE_ROOM:
        known, of = np.unique(values, return_inverse=True)
        return known, of
    from_least = values - least if values.size else values
    is_there = np.zeros(max(most - least + 1, 0), np.bool_)
    is_there[from_least] = True
    return np.flatnonzero(is_there) + least, (np.cumsum(is_there) - 1)[from_least]


def widened(figures: Integers) -> Whole:
    """Figures that can be added up whatever their sums: as they are, or as Python's integers."""
    most = int(np.abs(figures).max(initial=0))
    return figures if most * max(figures.size, 1) < MOST_SUM else figures.astype(object)


def sums_of_cells(keys: Sequence[Integers], sizes: Sequence[int], figures: Integers) -> dict[tuple[int, ...], int]:
    """Adds figures up by cell, each cell once, a sum of 0 too.

    Args:
        keys: columns of codes, from 0 on.
        sizes: above each column's codes.

    >>> sums_of_cells([np.array([0, 1, 0]), np.array([2, 0, 2])], [2, 3], np.array([5, 7, -5]))
    {(0, 2): 0, (1, 0): 7}
    """
    if not figures.size:
        return {}
    amounts = widened(figures)
    room = prod(sizes)
    cells = keys[0]
    for key, size in zip(keys[1:], sizes[1:], strict=True):
        cells = cells * size + key
    if room > MOST_CELLS:
        known, of = numbered(cells)
        sums = np.zeros(known.size, amounts.dtype)
        np.add.at(sums, of, amounts)
    else:
        of_all = np.zeros(room, amounts.dtype)
        np.add.at(of_all, cells, amounts)
        known = np.flatnonzero(np.bincount(cells, minlength=room))
        sums = of_all[known]
    places = zip(*(column.tolist() for column in np.unravel_index(known, tuple(sizes))), strict=True)
    return dict(zip(places, map(int, sums.tolist()), strict=True))
