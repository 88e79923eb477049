"""What a kernel pays on a chunk: step by step in columns, or as rows, one for each commission. What comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from distrib.columns.commissions.paid import PaidStep
from distrib.columns.tree import Integers, Truths

_Scalar = TypeVar("_Scalar", bound=np.generic)

NO_RATE: Final = -1
"""The rate of a fixed amount and of marginal slabs."""


@dataclass(frozen=True)
class StepEarnings:
    """What one rule pays at one tier: a column for each figure, an element for each line on which it may pay.

    Attributes:
        amount_minor: in minor units, 0 where the line pays nothing.
        paid: what the figures come from.
        seat_no: the shop that sits at the tier, for each order of the run.
        rate_unit: the rate in parts per million of a numerator of 1.
        placed: the places of the run's orders and lines in the chunk; None: they are the chunk's.
    """

    amount_minor: Integers
    paid: PaidStep
    seat_no: Integers
    rate_unit: int
    placed: tuple[Integers, Integers] | None = None

    @property
    def rule(self) -> int:
        """The index of the rule in the plan."""
        return self.paid.step.rule.index

    @property
    def tier(self) -> int:
        """From 0 to 3; leader and opener at 0."""
        return self.paid.step.tier

    @property
    def order(self) -> Integers:
        """The place of each line's order in the chunk."""
        order = self.paid.order
        return order if self.placed is None else self.placed[0][order]

    @property
    def line(self) -> Integers:
        """The place of each line among the chunk's lines."""
        line = self.paid.among.line
        if line is None:
            line = np.arange(self.amount_minor.size)
        return line if self.placed is None else self.placed[1][line]

    @property
    def shop_no(self) -> Integers:
        """The earner; without a meaning where the amount is 0."""
        return self.seat_no[self.paid.order]

    @property
    def base_minor(self) -> Integers:
        """What was taken of, rounded down."""
        return (self.paid.basis // self.paid.scale).astype(np.int64, copy=False)

    @property
    def rate_ppm(self) -> Integers:
        """In parts per million; ``NO_RATE`` where there is none."""
        if self.paid.numerators is None:
            return np.full(self.amount_minor.size, NO_RATE)
        return self.paid.numerators * self.rate_unit


@dataclass(frozen=True, slots=True)
class Earnings:
    """The commissions of a chunk as rows, one array a field, all of one length; every amount is above 0.

    In the order of work: by line, on a line by tier and rule, leader and opener last.

    Attributes:
        order: place of the order in the chunk.
        line: place of the line in the chunk's lines.
        rule: index of the rule in the plan.
        tier: 0 to 3; leader and opener at 0.
        shop_no: the earner.
        base_minor: what it was taken of, rounded down.
        rate_ppm: in parts per million; ``NO_RATE`` where there is none.
        amount_minor: in minor units.
    """

    order: Integers
    line: Integers
    rule: Integers
    tier: Integers
    shop_no: Integers
    base_minor: Integers
    rate_ppm: Integers
    amount_minor: Integers

    @staticmethod
    def of_steps(steps: Sequence[StepEarnings]) -> Earnings:
        """The rows of all steps."""
        rows = [np.flatnonzero(step.amount_minor) for step in steps]
        sizes = [part.size for part in rows]
        paired = list(zip(steps, rows, strict=True))
        if not sum(sizes):
            return Earnings(*(np.zeros(0, np.int64) for _ in fields(Earnings)))
        last = max(step.paid.step.place for step in steps) + 1
        earned = Earnings(
            order=np.concatenate([step.order[part] for step, part in paired]),
            line=np.concatenate([step.line[part] for step, part in paired]),
            rule=np.repeat([step.rule for step in steps], sizes),
            tier=np.repeat([step.tier for step in steps], sizes),
            shop_no=np.concatenate([step.shop_no[part] for step, part in paired]),
            base_minor=np.concatenate([step.base_minor[part] for step, part in paired]),
            rate_ppm=np.concatenate([step.rate_ppm[part] for step, part in paired]),
            amount_minor=np.concatenate([step.amount_minor[part] for step, part in paired]),
        )
        places = np.repeat([step.paid.step.place for step in steps], sizes)
        return earned.among(np.argsort(earned.line * last + places, kind="stable"))

    def among(self, rows: Integers | Truths) -> Earnings:
        """Some of the rows."""
        return Earnings(*(getattr(self, name.name)[rows] for name in fields(self)))


@dataclass(frozen=True)
class ChunkOutcome:
    """What a chunk came to.

    Attributes:
        steps: what is paid, by rule and tier in the order of work; a rule and tier may stand several times.
        failing: by code of the refusal (``cost_missing``, ``commission_too_large``) which orders fail: they pay nobody.
        left_out: which orders have to go to the engine of one order, in time order: a month or customer cap, or sales
            that a rule requires and that are not judged, touch them. They pay nothing here.
        cap_minor: by code (``rule_cap``, ``order_cap``) what caps by order took of each order, in minor units.
    """

    steps: Sequence[StepEarnings]
    failing: dict[str, Truths]
    left_out: Truths
    cap_minor: dict[str, Integers]

    @cached_property
    def earned(self) -> Earnings:
        """What is paid as rows; they are made when they are first asked for."""
        return Earnings.of_steps(self.steps)

    def placed(self, orders: Integers, lines: Integers, count: int) -> ChunkOutcome:
        """The same of a part of a chunk, by the places of the whole.

        Args:
            orders: the place of each order of the part.
            lines: the place of each line of the part.
            count: of the chunk's orders.
        """
        return ChunkOutcome(
            [replace(step, placed=(orders, lines)) for step in self.steps],
            {code: _spread(mask, orders, count) for code, mask in self.failing.items()},
            _spread(self.left_out, orders, count),
            {code: _spread(taken, orders, count) for code, taken in self.cap_minor.items()},
        )

    @staticmethod
    def joined(parts: Sequence[ChunkOutcome]) -> ChunkOutcome:
        """What the parts of a chunk came to together, each placed."""
        failing: dict[str, Truths] = {}
        cap_minor: dict[str, Integers] = {}
        for part in parts:
            for code, mask in part.failing.items():
                failing[code] = failing[code] | mask if code in failing else mask
            for code, taken in part.cap_minor.items():
                cap_minor[code] = cap_minor[code] + taken if code in cap_minor else taken
        left_out = np.logical_or.reduce([part.left_out for part in parts])
        return ChunkOutcome([step for part in parts for step in part.steps], failing, left_out, cap_minor)


def _spread(of_part: NDArray[_Scalar], orders: Integers, count: int) -> NDArray[_Scalar]:
    """Figures of some orders over all of them, 0 for the others."""
    spread = np.zeros(count, of_part.dtype)
    spread[orders] = of_part
    return spread
