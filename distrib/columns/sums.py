"""Adds up figures by key. What keys and figures mean does not enter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distrib.columns.tree import Integers


def sums_by(keys: Sequence[Integers], figures: Sequence[Integers]) -> tuple[list[Integers], list[Integers]]:
    """Adds up figures that have the same key, and answers each key once, in order, with its sums.

    Args:
        keys: columns that make up a key, the first counts most.
        figures: columns that are added up.

    >>> (account, month), (sums,) = sums_by([np.array([7, 5, 7]), np.array([3, 3, 3])], [np.array([1, 2, 10])])
    >>> account.tolist(), month.tolist(), sums.tolist()
    ([5, 7], [3, 3], [2, 11])
    """
    if not keys[0].size:
        return [*keys], [*figures]
    order = np.lexsort([*reversed(keys)])
    ordered = [key[order] for key in keys]
    is_first = np.ones(order.size, np.bool_)
    is_first[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in ordered])
    starts = np.flatnonzero(is_first)
    return [key[starts] for key in ordered], [np.add.reduceat(figure[order], starts) for figure in figures]
