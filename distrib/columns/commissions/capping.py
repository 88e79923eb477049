"""What caps by order leave of rounded commissions, and what a refund may leave of them at most.

The twin in columns of ``distrib.domain.settlement.caps`` and of ``commission.at_most_posted``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from distrib.columns.commissions.chunk import NOBODY, Chunk
from distrib.columns.commissions.paid import PaidStep
from distrib.columns.commissions.rounding import Runs, Whole, scaled_down
from distrib.columns.tree import Integers, Truths
from distrib.domain.money import PPM


class CappedSteps(NamedTuple):
    """What is left of each step's commissions, and by order what the caps took."""

    paid: list[PaidStep]
    taken_minor: Whole


def cap_each_order(paid: Sequence[PaidStep], limits: Mapping[int, int], count: int) -> CappedSteps:
    """Leaves each rule and earner no more than its ``per_order_minor``, filled over the lines in order.

    A shop stands once in a chain, so that a step pays one earner an order.

    Args:
        limits: the most by rule index.
        count: of orders.
    """
    left: list[PaidStep] = []
    taken_minor: Whole = np.zeros(count, paid[0].amount_minor.dtype if paid else np.int64)
    for whole in paid:
        limit = limits.get(whole.step.rule.index)
        if limit is None or not whole.order.size:
            left.append(whole)
            continue
        runs = Runs.along(whole.order)
        room = np.maximum(limit - runs.sums_before(whole.amount_minor), 0)
        amounts = np.minimum(whole.amount_minor, room)
        taken_minor[runs.values] += runs.sums(whole.amount_minor - amounts)
        left.append(whole.with_amounts(amounts))
    return CappedSteps(left, taken_minor)


def cap_orders(paid: Sequence[PaidStep], chunk: Chunk, paid_minor: Integers) -> CappedSteps:
    """Scales the commissions of orders above their ``order_cap`` down to it; ties: nearer tier, rule, line.

    Args:
        paid_minor: what was paid for each order, or what is left of it.
    """
    cap_ppm = chunk.orders.order_cap_ppm
    limits = paid_minor // PPM * cap_ppm + paid_minor % PPM * cap_ppm // PPM
    totals = order_totals(paid, chunk)
    is_over = (cap_ppm != NOBODY) & np.asarray(totals > limits, np.bool_)
    taken_minor = np.where(is_over, totals - limits, 0)
    if not is_over.any():
        return CappedSteps([*paid], taken_minor)
    return CappedSteps(_scaled(paid, limits, is_over), taken_minor)


def _scaled(paid: Sequence[PaidStep], limits: Integers, is_over: Truths) -> list[PaidStep]:
    """Scales the rows of the orders over their limit down to it, all steps of an order together."""
    rows = [np.flatnonzero(is_over[whole.order]) for whole in paid]
    sizes = [part.size for part in rows]
    order = np.concatenate([whole.order[part] for whole, part in zip(paid, rows, strict=True)])
    line = np.concatenate([whole.among.rows(part).line for whole, part in zip(paid, rows, strict=True)])
    tier = np.repeat([whole.step.tier for whole in paid], sizes)
    rule = np.repeat([whole.step.rule.index for whole in paid], sizes)
    ranked = np.lexsort((line, rule, tier, order))
    amounts = np.concatenate([whole.amount_minor[part] for whole, part in zip(paid, rows, strict=True)])
    runs = Runs.along(order[ranked])
    amounts[ranked] = scaled_down(amounts[ranked], runs, limits[runs.values])
    scaled = []
    for whole, part, figures in zip(paid, rows, np.split(amounts, np.cumsum(sizes)[:-1]), strict=True):
        changed = whole.amount_minor.copy()
        changed[part] = figures
        scaled.append(whole.with_amounts(changed))
    return scaled


def order_totals(paid: Sequence[PaidStep], chunk: Chunk) -> Whole:
    """Adds up by order what all steps pay."""
    of_lines: Whole = np.zeros(len(chunk.order_of_lines), paid[0].amount_minor.dtype if paid else np.int64)
    for whole in paid:
        if whole.among.line is None:
            of_lines += whole.amount_minor
        else:
            of_lines[whole.among.line] += whole.amount_minor
    return chunk.sums(of_lines)


def at_most_posted(left: Sequence[PaidStep], first: Sequence[PaidStep], count: int) -> list[PaidStep]:
    """Leaves each rule, tier and earner over all lines no more than was first paid (plan.md, Refunds).

    Where it would be more, the lines are scaled down by largest remainder; ties: line order.

    Args:
        left: what each step pays on what is left.
        first: what each step paid when the orders settled.
        count: of orders.
    """
    posted = {whole.step.place: _by_order(whole, count) for whole in first}
    bounded = []
    for whole in left:
        limits = posted.get(whole.step.place)
        if limits is not None and whole.order.size:
            runs = Runs.along(whole.order)
            totals = np.minimum(runs.sums(whole.amount_minor), limits[runs.values])
            bounded.append(whole.with_amounts(scaled_down(whole.amount_minor, runs, totals)))
    return bounded


def _by_order(whole: PaidStep, count: int) -> Whole:
    """What a step pays each order."""
    runs = Runs.along(whole.order)
    sums: Whole = np.zeros(count, whole.amount_minor.dtype)
    sums[runs.values] = runs.sums(whole.amount_minor)
    return sums
