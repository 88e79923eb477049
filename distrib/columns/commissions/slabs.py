"""What slabs pay of exact figures, for all lines at once (plan.md, ``slabs``): ``slab_amount`` in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distrib.columns.commissions.rounding import Whole
from distrib.columns.tree import Integers
from distrib.domain.money import PPM
from distrib.domain.plans.rules import SLAB_WHOLE, Rule


@dataclass(frozen=True, slots=True)
class Slabs:
    """Slabs as (from in minor units, rate over the plan's denominator), ascending.

    ``is_whole``: the whole amount at the slab it falls in, in place of each part at its own.
    """

    slabs: Sequence[tuple[int, int]]
    is_whole: bool

    @staticmethod
    def of(rule: Rule, denominator: int) -> Slabs:
        """The slabs of a rule."""
        slabs = [(from_minor, rate * denominator // PPM) for from_minor, rate in rule.slabs]
        return Slabs(slabs, rule.kind == SLAB_WHOLE)

    def paid(self, basis: Whole, basis_minor: Whole, scale: int | Whole) -> tuple[Integers | None, Whole]:
        """The rate of each figure, None where several slabs share it, and the exact amount in units of a rate more.

        Args:
            basis: in units of 1 / ``scale``.
            basis_minor: the same in minor units, rounded down.

        >>> slabs, figures = [(10, 1), (20, 2)], np.array([9, 10, 25])
        >>> [column.tolist() for column in Slabs(slabs, True).paid(figures, figures, 1)]
        [[0, 1, 2], [0, 10, 50]]
        >>> Slabs(slabs, False).paid(figures, figures, 1)[1].tolist()
        [0, 0, 20]
        """
        reach = (int(basis_minor.max(initial=0)) if isinstance(scale, int) else basis_minor) + 1
        starts = [np.minimum(from_minor, reach) * scale for from_minor, _ in self.slabs]
        if self.is_whole:
            rates = np.zeros(basis.size, np.int64)
            for start, (_, rate) in zip(starts, self.slabs, strict=True):
                rates[basis >= start] = rate
            return rates, basis * rates
        paid = np.zeros_like(basis)
        for start, end, (_, rate) in zip(starts, [*starts[1:], None], self.slabs, strict=True):
            upper = basis if end is None else np.minimum(basis, end)
            paid += np.maximum(upper - start, 0) * rate
        return None, paid
