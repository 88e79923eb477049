"""Rounding and sharing out for whole arrays, as ``distrib.domain.money`` does for one amount.

Arrays are of int64 or of Python's integers (dtype object), where 64 bits could not carry what comes in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from distrib.columns.tree import Integers

Whole: TypeAlias = NDArray[Any]
"""Whole numbers: int64, or Python's."""


def rounded(numerators: Whole, denominator: int | Whole, rounding: str) -> Whole:
    """Rounds as ``money.round_ratio`` does; numerators are 0 or more.

    >>> halves = np.array([1, 3, 4, 5])
    >>> [rounded(halves, 2, rounding).tolist() for rounding in ("half_up", "half_even", "down")]
    [[1, 2, 2, 3], [0, 2, 2, 2], [0, 1, 2, 2]]
    """
    if isinstance(denominator, int) and denominator == 1:
        return numerators
    if rounding == "half_up":
        if isinstance(denominator, int) and denominator % 2 == 0:
            whole = numerators + denominator // 2
            whole //= denominator
            return whole
        return (2 * numerators + denominator) // (2 * denominator)
    whole = numerators // denominator
    if rounding == "half_even":
        twice = 2 * (numerators - whole * denominator)
        whole = whole + ((twice > denominator) | ((twice == denominator) & (whole % 2 == 1)))
    return whole


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of equal values: ``of`` numbers each row's run, ``starts`` and ``values`` are those of the runs."""

    of: Integers
    starts: Integers
    values: Integers

    @staticmethod
    def along(values: Integers) -> Runs:
        """The runs of values of which equal ones stand together.

        >>> Runs.along(np.array([4, 4, 7])).of.tolist()
        [0, 0, 1]
        """
        is_first = np.ones(values.size, np.bool_)
        is_first[1:] = values[1:] != values[:-1]
        starts = np.flatnonzero(is_first)
        return Runs(np.cumsum(is_first) - 1, starts, values[starts])

    def sums(self, figures: Whole) -> Whole:
        """The sum of each run's figures."""
        if not figures.size:
            return figures
        sums: Whole = np.add.reduceat(figures, self.starts)
        return sums

    def sums_before(self, figures: Whole) -> Whole:
        """For each row the sum of the figures before it in its run; sums over several runs may wrap around and back."""
        before = np.cumsum(figures) - figures
        within: Whole = before - before[self.starts][self.of]
        return within


def scaled_down(amounts: Whole, runs: Runs, totals: Whole) -> Whole:
    """Shares each run's total out in proportion to its amounts, by largest remainder; ties: the row that comes first.

    Args:
        amounts: 0 or more.
        totals: of each run, at most what its amounts add up to.

    >>> scaled_down(np.array([1000, 500, 7, 0]), Runs.along(np.array([1, 1, 2, 3])), np.array([500, 3, 0])).tolist()
    [333, 167, 3, 0]
    """
    whole = np.maximum(runs.sums(amounts), 1)[runs.of]
    products = amounts * totals[runs.of]
    shares = products // whole
    missing = totals - runs.sums(shares)
    rows = np.flatnonzero(missing[runs.of])
    if rows.size:
        remainders, of = (products - shares * whole)[rows], runs.of[rows]
        ranked = rows[np.lexsort((-_comparable(remainders), of))]
        among = Runs.along(of)
        shares[ranked] += np.arange(rows.size) - among.starts[among.of] < missing[of]
    return shares


def _comparable(figures: Whole) -> Integers:
    """Numbers of 64 bits that compare as the figures do."""
    if figures.dtype == np.int64:
        return figures
    return np.unique(figures, return_inverse=True)[1].astype(np.int64)
