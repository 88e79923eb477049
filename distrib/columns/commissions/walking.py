"""Walks a plan's steps over all lines of a chunk: exact figures, each rounded once. Before any cap.

The twin in columns of ``distrib.domain.settlement.figures`` and ``whole_order``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from distrib.columns.commissions.choosing import Mask, choose_lines
from distrib.columns.commissions.chunk import Chunk
from distrib.columns.commissions.paid import Among, ExactColumns, PaidStep
from distrib.columns.commissions.rounding import Runs, Whole, rounded, scaled_down
from distrib.columns.commissions.seating import SeatedPeople, figures_of, seat_people
from distrib.columns.commissions.shares import SharesLeft
from distrib.columns.commissions.slabs import Slabs
from distrib.columns.commissions.steps import PlanStep, PlanSteps
from distrib.columns.tree import Integers, Truths
from distrib.domain.plans.document import ROUND_PER_LINE
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import AMOUNT, OF_BASE, OF_REMAINING, PER_ORDER, RATE, Rule


class Looks(NamedTuple):
    """Where a plan looks in a chunk, whatever was paid.

    Attributes:
        seats: of every order.
        figures: step by step what is named for each order (``seating.figures_of``).
        lines: by rule index the lines on which it applies; None: all.
    """

    seats: SeatedPeople
    figures: Sequence[Integers]
    lines: Sequence[Mask]


def look_at(plan: Plan, steps: PlanSteps, chunk: Chunk, pays: Truths) -> Looks:
    """Seats all people and chooses all rules of a chunk; orders that do not pay have figures of 0."""
    seats = seat_people(plan, chunk)
    return Looks(seats, figures_of(plan, steps, chunk, seats, pays), choose_lines(plan, chunk))


class LinesLeft(NamedTuple):
    """What a chunk's lines are worked out on.

    Args:
        base_minor: of each line; its type is that of all exact figures.
        shares: what is left of each line; None: all of it.
    """

    base_minor: Whole
    shares: SharesLeft | None = None


class ColumnWalk:
    """One walk over a chunk."""

    def __init__(self, plan: Plan, steps: PlanSteps, chunk: Chunk, looks: Looks, left: LinesLeft) -> None:
        base_minor, shares = left
        self._plan, self._steps, self._chunk, self._looks, self._shares = plan, steps, chunk, looks, shares
        self._base, self._pieces = base_minor, chunk.lines.quantity.astype(base_minor.dtype)
        if shares is not None:
            self._base, self._pieces = self._base * shares.left, self._pieces * shares.left
        self._by_rule: dict[int, ExactColumns] = {}
        self._nothing = self._below = self._sum = ExactColumns(np.zeros_like(base_minor), 0)
        self._tier = 0
        self._among: dict[tuple[int, bool], Among] = {}
        self._has_entry = bool(chunk.lines.is_entry.any())
        self.asks_sales = np.zeros(len(chunk), np.bool_)

    def run(self) -> list[PaidStep]:
        """What each step pays, in the order of work; ``asks_sales`` marks the orders whose earners' sales decide."""
        paid = []
        for step, figure in zip(self._steps.steps, self._looks.figures, strict=True):
            if step.tier != self._tier:
                self._tier, self._below = step.tier, self._sum
            if figure.any():
                among = self._lines_of(step)
                paid.append(self._pay(step, among, figure[among.order]))
        return paid

    def _lines_of(self, step: PlanStep) -> Among:
        """The lines on which a step's rule applies to its seat; entry lines pay the selling shop alone."""
        rule, chunk = step.rule, self._chunk
        key = rule.index, step.is_own_seller
        known = self._among.get(key)
        if known is None:
            mask = self._looks.lines[rule.index]
            if self._has_entry:
                open_lines = ~chunk.lines.is_entry
                if step.is_own_seller:
                    pays_entry = chunk.orders.entry_pays_seller & ~self._looks.seats.is_shifted
                    open_lines |= pays_entry[chunk.order_of_lines]
                mask = open_lines if mask is None else mask & open_lines
            known = self._among[key] = Among.of_mask(mask, chunk.order_of_lines)
        return known

    def _pay(self, step: PlanStep, among: Among, named: Integers) -> PaidStep:
        """What a step pays on these lines, rounded; what it pays exactly is kept for those that are taken of it."""
        rule = step.rule
        if rule.index in self._plan.book.on_sales and rule.index not in self._chunk.people.unmet:
            self.asks_sales[among.order[named > 0]] = True
        if rule.per == PER_ORDER:
            rows = self._standing(among, np.flatnonzero(named))
            among, named = among.rows(rows), named[rows]
        basis = self._basis(step, among)
        exact, numerators = self._exact(rule, basis, among, named)
        self._keep(step, among, exact)
        amounts = self._rounded(exact, among)
        return PaidStep(step, among, basis.units, self._scale(basis.level, among), numerators, amounts)

    def _standing(self, among: Among, rows: Integers) -> Integers:
        """The rows of the lines on which an amount for the order stands: the first, if anything is left of any.

        Args:
            rows: those of the lines on which the rule names its earner something.
        """
        runs = Runs.along(among.order[rows])
        if self._shares is None or not rows.size:
            return rows[runs.starts]
        is_left = among.of(self._shares.left)[rows] > 0
        return rows[runs.starts[np.logical_or.reduceat(is_left, runs.starts)]]

    def _basis(self, step: PlanStep, among: Among) -> ExactColumns:
        """What a step is taken of on these lines."""
        if step.of == OF_BASE:
            return ExactColumns(among.of(self._base), 0)
        if step.of == OF_REMAINING:
            below, level = self._below
            base = among.of(self._base) * self._steps.denominator**level
            return ExactColumns(np.maximum(base - among.of(below), 0), level)
        units, level = self._by_rule.get(step.rule.of_rule, self._nothing)
        return ExactColumns(among.of(units), level)

    def _exact(
        self, rule: Rule, basis: ExactColumns, among: Among, named: Integers
    ) -> tuple[ExactColumns, Integers | None]:
        """What a rule pays of a basis, and at which rate over the plan's denominator."""
        units, level = basis
        if rule.kind == RATE:
            return ExactColumns(units * named, level + 1), named
        if rule.kind == AMOUNT:
            times = self._unit_of(among) if rule.per == PER_ORDER else among.of(self._pieces)
            return ExactColumns(named * times, 0), None
        scale = self._scale(level, among)
        numerators, paid = Slabs.of(rule, self._steps.denominator).paid(units, units // scale, scale)
        is_paid = named > 0
        return ExactColumns(paid * is_paid, level + 1), numerators

    def _keep(self, step: PlanStep, among: Among, exact: ExactColumns) -> None:
        """Adds what a step pays to all that is paid on its lines, as far as later steps are taken of it."""
        if step.place < self._steps.last_remaining:
            self._sum = self._added(self._sum, among, exact)
        if step.is_named:
            known = self._by_rule.get(step.rule.index, self._nothing)
            self._by_rule[step.rule.index] = self._added(known, among, exact)

    def _added(self, total: ExactColumns, among: Among, exact: ExactColumns) -> ExactColumns:
        """A figure of every line with those of some lines added, in the finer of both units."""
        denominator, level = self._steps.denominator, max(total.level, exact.level)
        units, added = (
            figure.units if figure.level == level else figure.units * denominator ** (level - figure.level)
            for figure in (total, exact)
        )
        if among.line is None:
            return ExactColumns(units + added, level)
        units = units.copy()
        units[among.line] += added
        return ExactColumns(units, level)

    def _unit_of(self, among: Among) -> Whole:
        """How many units of level 0 one minor unit has on each line."""
        if self._shares is None:
            return np.ones(len(among.order), self._base.dtype)
        return among.of(self._shares.whole)

    def _scale(self, level: int, among: Among) -> int | Whole:
        """How many units of a level one minor unit has."""
        unit: int = self._steps.denominator**level
        return unit if self._shares is None else among.of(self._shares.whole) * unit

    def _rounded(self, exact: ExactColumns, among: Among) -> Whole:
        """Exact figures in minor units as the plan rounds: each by itself, or once for the earner's whole order."""
        scale = self._scale(exact.level, among)
        if self._plan.round_per == ROUND_PER_LINE or not exact.units.size:
            return rounded(exact.units, scale, self._plan.rounding)
        runs = Runs.along(among.order)
        of_runs = scale if isinstance(scale, int) else scale[runs.starts]
        return scaled_down(exact.units, runs, rounded(runs.sums(exact.units), of_runs, self._plan.rounding))
