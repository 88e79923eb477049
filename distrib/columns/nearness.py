"""How near every shop of a program is to a condition, at once: the share of what it takes that is there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from distrib.columns.tree import Integers, Truths
from distrib.domain.plans.conditions import AllOf, AtLeast, Condition, Metric

WHOLE_PPM = 1_000_000


def shares(condition: Condition, figures: Mapping[Metric, Integers], count: int) -> Integers:
    """Computes for all ``count`` shops the share of a condition that is there, in millionths, rounded down.

    Of ``all`` the part that is farthest decides, of ``any`` the nearest. Below zero counts as nothing. Only what holds
    is whole: 999,999 millionths of a large threshold are not it.

    >>> sales, orders = Metric("personal_sales_minor", 0, "ever"), Metric("personal_orders", 0, "ever")
    >>> both = AllOf((AtLeast(sales, 1_000), AtLeast(orders, 4)))
    >>> shares(both, {sales: np.array([900, 2_000, -5]), orders: np.array([3, 4, 9])}, 3).tolist()
    [750000, 1000000, 0]
    """
    if isinstance(condition, AtLeast):
        figure = figures.get(condition.metric, np.zeros(count, dtype=np.int64))
        if condition.at_least <= 0:
            return np.where(figure >= condition.at_least, WHOLE_PPM, 0)
        have = np.clip(figure, 0, condition.at_least)
        # Exact: a figure of 10^15 times a million would not fit an int64, so the quotient is taken digit by digit.
        thousands, rest = have * 1_000 // condition.at_least, have * 1_000 % condition.at_least
        return thousands * 1_000 + rest * 1_000 // condition.at_least
    parts = [shares(part, figures, count) for part in condition.parts]
    combine = np.minimum if isinstance(condition, AllOf) else np.maximum
    return np.asarray(combine.reduce(parts), dtype=np.int64)


def nearest(share: Integers, is_asked: Truths, most: int) -> NDArray[np.intp]:
    """Lists the places of those that are asked and have some of it and not all, the nearest first, up to ``most``.

    >>> nearest(np.array([0, 500_000, 1_000_000, 900_000, 900_000]), np.ones(5, dtype=np.bool_), 2).tolist()
    [4, 3]
    """
    places = np.flatnonzero(is_asked & (share > 0) & (share < WHOLE_PPM))
    if len(places) > most:
        places = places[np.argpartition(share[places], -most)[-most:]]
    return places[np.lexsort((places, share[places]))[::-1]]
