"""What one step of a plan pays on the lines of a chunk, and on which of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from distrib.columns.commissions.choosing import Mask
from distrib.columns.commissions.rounding import Whole
from distrib.columns.commissions.steps import PlanStep
from distrib.columns.tree import Integers


class Among(NamedTuple):
    """Some lines of a chunk, ascending, and the place of each one's order; ``line`` None: every line."""

    line: Integers | None
    order: Integers

    @staticmethod
    def of_mask(mask: Mask, order_of_lines: Integers) -> Among:
        """The lines of a mask."""
        if mask is None:
            return Among(None, order_of_lines)
        line = np.flatnonzero(mask)
        return Among(line, order_of_lines[line])

    def of(self, of_lines: Whole) -> Whole:
        """A figure of every line, for these."""
        return of_lines if self.line is None else of_lines[self.line]

    def rows(self, rows: Integers) -> Among:
        """Some of these lines."""
        return Among(rows if self.line is None else self.line[rows], self.order[rows])


class ExactColumns(NamedTuple):
    """Exact figures in units of 1 / denominator**level, and of the line's share where something came back."""

    units: Whole
    level: int


class PaidStep(NamedTuple):
    """What one step pays.

    Attributes:
        step: of the plan.
        among: the lines on which it may pay.
        basis: what it is taken of, in units of 1 / ``scale``.
        scale: of each line, or of all.
        numerators: the rates over the plan's denominator; None where there is none.
        amount_minor: rounded, 0 where it pays nothing.
    """

    step: PlanStep
    among: Among
    basis: Whole
    scale: int | Whole
    numerators: Integers | None
    amount_minor: Whole

    @property
    def order(self) -> Integers:
        """The place of each line's order."""
        return self.among.order

    def with_amounts(self, amounts: Whole) -> PaidStep:
        """The same with other amounts."""
        return self._replace(amount_minor=amounts)
