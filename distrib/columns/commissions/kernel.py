"""Compiles a plan to a kernel over arrays, and runs it on chunks of history.

    kernel = compile_kernel(plan)
    outcome = kernel.run(chunk)                     # what the orders earn when they settle
    outcome = kernel.run(chunk, left_minor)         # what should stand of it on what refunds left of each line

For several refunds of one order, take the order once for each state: ``kernel.run(chunk.take(places), left_minor)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from distrib.columns.commissions.capping import at_most_posted, cap_each_order, cap_orders
from distrib.columns.commissions.chunk import NOBODY, Chunk, taken_lines
from distrib.columns.commissions.earnings import ChunkOutcome, StepEarnings
from distrib.columns.commissions.paid import PaidStep
from distrib.columns.commissions.rounding import Whole
from distrib.columns.commissions.shares import SharesLeft, bases_of, shares_left
from distrib.columns.commissions.steps import PlanSteps, steps_of_plan
from distrib.columns.commissions.walking import ColumnWalk, LinesLeft, Looks, look_at
from distrib.columns.commissions.widths import Width, are_wide
from distrib.columns.tree import Integers, Truths
from distrib.domain.money import MAX_SUM_MINOR, PPM
from distrib.domain.plans.document import ROUND_PER_LINE
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.seats import ORDER_CAP, RULE_CAP

MOST = 2**62
"""Caps that took more of an order are left to the engine of one order: a figure of 64 bits could not say it."""
COST_MISSING, COMMISSION_TOO_LARGE = "cost_missing", "commission_too_large"


@dataclass(frozen=True, slots=True)
class PlanKernel:
    """A plan as steps over arrays; the same kernel runs on any number of chunks."""

    plan: Plan
    steps: PlanSteps

    def run(self, chunk: Chunk, left_minor: Integers | None = None) -> ChunkOutcome:
        """Computes what each order of a chunk pays, to the unit what the engine of one order computes.

        Args:
            left_minor: what refunds left of each line's ``paid_minor``; None: the orders as they settled. With it the
                rows are those that should stand, no rule, tier and earner above what it was first paid for the order.
        """
        if not len(chunk):
            return ChunkOutcome((), {}, np.zeros(0, np.bool_), {})
        wholes = None if left_minor is None else self.shares(chunk, left_minor).whole
        is_wide = are_wide(self._width(chunk, left_minor), chunk, bases_of(self.plan, chunk), wholes)
        if not is_wide.any():
            return run_exactly(self, chunk, left_minor, np.int64)
        return self._run_apart(chunk, left_minor, is_wide)

    def shares(self, chunk: Chunk, left_minor: Integers) -> SharesLeft:
        """Computes what is left of each line, in the units in which the plan rounds."""
        return shares_left(chunk, left_minor, over_order=self.plan.round_per != ROUND_PER_LINE)

    def _width(self, chunk: Chunk, left_minor: Integers | None) -> Width:
        over_order = self.plan.round_per != ROUND_PER_LINE
        is_capped = bool((chunk.orders.order_cap_ppm != NOBODY).any())
        return Width(self.steps, over_order or is_capped or left_minor is not None, over_order)

    def _run_apart(self, chunk: Chunk, left_minor: Integers | None, is_wide: Truths) -> ChunkOutcome:
        """Runs the orders that 64 bits carry and, in Python's integers, those that they might not."""
        of, starts, counts = chunk.order_of_lines, chunk.starts, chunk.orders.lines
        outcomes = []
        for mask, dtype in ((~is_wide, np.int64), (is_wide, object)):
            orders = np.flatnonzero(mask)
            if orders.size:
                lines = np.flatnonzero(mask[of])
                left = None if left_minor is None else left_minor[lines]
                outcome = run_exactly(self, chunk.take(orders), left, dtype)
                outcomes.append(outcome.placed(orders, taken_lines(starts, counts, orders), len(chunk)))
        return ChunkOutcome.joined(outcomes)


def compile_kernel(plan: Plan) -> PlanKernel:
    """Compiles a plan; every plan has a kernel."""
    return PlanKernel(plan, steps_of_plan(plan))


def run_exactly(kernel: PlanKernel, chunk: Chunk, left_minor: Integers | None, dtype: DTypeLike) -> ChunkOutcome:
    """Runs a kernel on orders all of whose figures a type carries.

    Args:
        dtype: ``np.int64``, or ``object`` for Python's integers.
    """
    plan, steps = kernel.plan, kernel.steps
    has_seller = chunk.people.shop_no[0] != NOBODY
    lacks_cost = has_seller & lack_cost(plan, chunk)
    looks = look_at(plan, steps, chunk, has_seller & ~lacks_cost)
    base_minor = bases_of(plan, chunk).astype(dtype)
    walk = ColumnWalk(plan, steps, chunk, looks, LinesLeft(base_minor))
    paid, taken = after_caps(plan, chunk, walk.run(), chunk.lines.paid_minor)
    left_out = walk.asks_sales | counted(plan, paid, len(chunk))
    is_large = are_large(plan, paid, len(chunk))
    if left_minor is not None:
        shares = kernel.shares(chunk, left_minor)
        shares = SharesLeft(shares.left.astype(dtype), shares.whole.astype(dtype))
        first, standing = paid, ColumnWalk(plan, steps, chunk, looks, LinesLeft(base_minor, shares)).run()
        paid, taken = after_caps(plan, chunk, standing, left_minor)
        left_out |= counted(plan, paid, len(chunk))
        paid = at_most_posted(paid, first, len(chunk))
    for minor in taken.values():
        left_out |= np.asarray(minor > MOST, np.bool_)
    failing = {COST_MISSING: lacks_cost, COMMISSION_TOO_LARGE: is_large}
    pays_nothing = is_large | left_out
    return ChunkOutcome(
        earnings_of(steps, looks, paid, pays_nothing),
        {code: mask for code, mask in failing.items() if mask.any()},
        left_out,
        {cap: np.where(pays_nothing, 0, minor).astype(np.int64) for cap, minor in taken.items() if minor.any()},
    )


def after_caps(
    plan: Plan, chunk: Chunk, paid: list[PaidStep], line_minor: Integers
) -> tuple[list[PaidStep], dict[str, Whole]]:
    """What the caps by order leave of each step's commissions, and by cap what they took of each order.

    Args:
        line_minor: what was paid for each line, or what is left of it.
    """
    taken = {}
    if plan.book.per_order:
        paid, taken[RULE_CAP] = cap_each_order(paid, plan.book.per_order, len(chunk))
    if (chunk.orders.order_cap_ppm != NOBODY).any():
        paid, taken[ORDER_CAP] = cap_orders(paid, chunk, chunk.sums(line_minor))
    return paid, taken


def lack_cost(plan: Plan, chunk: Chunk) -> Truths:
    """Which orders have a line without the cost that the plan's base needs."""
    if plan.base != "margin":
        return np.zeros(len(chunk), np.bool_)
    return np.logical_or.reduceat(chunk.lines.cost_minor == NOBODY, chunk.starts)


def counted(plan: Plan, paid: Sequence[PaidStep], count: int) -> Truths:
    """Which of the orders pay by a rule that a month or a customer's cap bounds."""
    touched = np.zeros(count, np.bool_)
    for whole in paid:
        if whole.step.rule.index in plan.book.counted:
            touched[whole.order[whole.amount_minor > 0]] = True
    return touched


def are_large(plan: Plan, paid: Sequence[PaidStep], count: int) -> Truths:
    """Which of the orders pay a commission that no transfer carries (``caps.check_payable``)."""
    is_large = np.zeros(count, np.bool_)
    for whole in paid if plan.book.has_amounts else ():
        is_large[whole.order[whole.amount_minor > MAX_SUM_MINOR]] = True
    return is_large


def earnings_of(steps: PlanSteps, looks: Looks, paid: Sequence[PaidStep], pays_nothing: Truths) -> list[StepEarnings]:
    """What each step pays, nothing on some orders."""
    earnings = []
    for whole in paid:
        amounts = whole.amount_minor
        if pays_nothing.any():
            amounts = np.where(pays_nothing[whole.order], 0, amounts)
        seat_no = looks.seats.of(whole.step).shop_no
        amounts = amounts.astype(np.int64, copy=False)
        earnings.append(StepEarnings(amounts, whole, seat_no, PPM // steps.denominator))
    return earnings
