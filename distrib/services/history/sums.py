"""Sums by shop that add up month by month. What the figures are must not enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from distrib.columns.sums import sums_by
from distrib.columns.tree import Integers


class MonthSums(NamedTuple):
    """Sums by shop: shops by ascending number, and a column a figure."""

    shops: Integers
    columns: Sequence[Integers]

    @staticmethod
    def nothing(columns: int) -> MonthSums:
        """Of no shop, with so many columns."""
        return MonthSums(np.zeros(0, np.int64), [np.zeros(0, np.int64)] * columns)

    @staticmethod
    def of(shops: Integers, columns: Sequence[Integers]) -> MonthSums:
        """The sums of columns by shop.

        >>> MonthSums.of(np.array([7, 5, 7]), [np.array([1, 2, 10])])
        MonthSums(shops=array([5, 7]), columns=[array([ 2, 11])])
        """
        (numbered,), sums = sums_by([shops], columns)
        return MonthSums(numbered, sums)


def added(parts: Sequence[MonthSums]) -> MonthSums:
    """The sums of sums, of which there is at least one."""
    columns = [np.concatenate(column) for column in zip(*(part.columns for part in parts), strict=True)]
    return MonthSums.of(np.concatenate([part.shops for part in parts]), columns)
