"""Which orders have figures that 64 bits might not carry, by the most that their lines can pay. Those are worked out in
Python's integers; nothing is rounded in between either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np

from distrib.columns.commissions.chunk import Chunk
from distrib.columns.commissions.rounding import Whole
from distrib.columns.commissions.steps import PlanSteps
from distrib.columns.tree import Integers, Truths

WIDEST: Final = 2**60
"""What exact figures stay below where 64 bits carry them: twice their sum and a denominator fit."""
_SIDE: Final = isqrt(WIDEST)
_WIDEST_LINE: Final = WIDEST // 2**11
"""What one line may pay at most there, by its base and by its pieces: the sum over 1,000 lines fits."""


@dataclass(frozen=True, slots=True)
class Width:
    """How large figures of a kernel become: in units of 1 / ``unit``, and as products of amounts.

    ``squares``: amounts of an order are multiplied with each other, to be shared out; ``unit_squares``: exact figures
    of an order with its amounts, where it is rounded as a whole.
    """

    steps: PlanSteps
    squares: bool
    unit_squares: bool

    @property
    def unit(self) -> int:
        """Units in one minor unit at the highest level."""
        return int(self.steps.denominator**self.steps.highest_level)

    def fits(self, most_minor: int, whole: int) -> bool:
        """Whether an order that pays at most so much is carried, its lines' proportions being over ``whole``."""
        if self.squares and most_minor > _SIDE:
            return False
        return most_minor * (most_minor if self.unit_squares else 1) * self.unit * whole <= WIDEST


def are_wide(width: Width, chunk: Chunk, base_minor: Integers, wholes: Whole | None) -> Truths:
    """Computes which orders have figures that 64 bits might not carry.

    Args:
        base_minor: of each line, 0 or more.
        wholes: the denominator of what is left of each line; None: nothing came back.
    """
    most, quantity, counts = width.steps.most, chunk.lines.quantity, chunk.orders.lines
    largest = int(base_minor.max(initial=0)) * most.bases + int(quantity.max(initial=0)) * most.a_piece
    rest = most.an_order + len(width.steps.steps) * int(counts.max(initial=0))
    if width.fits(largest * int(counts.max(initial=0)) + rest, 1 if wholes is None else int(wholes.max())):
        return np.zeros(len(chunk), np.bool_)
    is_wide = (base_minor > _WIDEST_LINE // max(most.bases, 1)) | (quantity > _WIDEST_LINE // max(most.a_piece, 1))
    pays = np.where(is_wide, 0, base_minor) * most.bases + np.where(is_wide, 0, quantity) * most.a_piece
    order_minor = np.add.reduceat(pays, chunk.starts) + min(rest, WIDEST)
    bounds: int | Whole = WIDEST // width.unit
    if wholes is not None:
        bounds = bounds // np.maximum.reduceat(wholes, chunk.starts)
    return np.logical_or.reduceat(is_wide, chunk.starts) | _is_above(order_minor, bounds, width)


def _is_above(order_minor: Integers, bounds: int | Whole, width: Width) -> Truths:
    """Which orders pay more than their bound carries."""
    is_above = order_minor > _SIDE if width.squares else np.zeros(order_minor.size, np.bool_)
    if width.unit_squares:
        order_minor = np.minimum(order_minor, _SIDE) ** 2
        is_above |= order_minor == _SIDE**2
    return is_above | np.asarray(order_minor > bounds, np.bool_)
