"""What a line's rates apply to, and what is left of it as an exact proportion (plan.md, Refunds).

The twin in columns of ``distrib.domain.settlement.commission.shares_left``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distrib.columns.commissions.chunk import NOBODY, Chunk
from distrib.columns.commissions.rounding import Whole
from distrib.columns.tree import Integers
from distrib.domain.plans.plan import Plan


@dataclass(frozen=True, slots=True)
class SharesLeft:
    """Of each line the proportion that is left: in lowest terms, or over one denominator for all lines of an order."""

    left: Whole
    whole: Whole


def shares_left(chunk: Chunk, left_minor: Integers, *, over_order: bool) -> SharesLeft:
    """Computes what is left of each line; a line that was free follows the order's proportion.

    Args:
        over_order: all lines of an order get the same denominator, in Python's integers.
    """
    of, paid_minor = chunk.order_of_lines, chunk.lines.paid_minor
    paid, left = (np.add.reduceat(figures, chunk.starts)[of] for figures in (paid_minor, left_minor))
    is_free = paid_minor == 0
    lefts = np.where(is_free, np.where(paid == 0, 0, left), left_minor)
    wholes = np.where(is_free, np.where(paid == 0, 1, paid), paid_minor)
    common = np.gcd(lefts, wholes)
    shares = SharesLeft(lefts // common, wholes // common)
    return _over_order(shares, chunk) if over_order else shares


def _over_order(shares: SharesLeft, chunk: Chunk) -> SharesLeft:
    whole = shares.whole.astype(object)
    common = np.lcm.reduceat(whole, chunk.starts)[chunk.order_of_lines]
    return SharesLeft(shares.left.astype(object) * (common // whole), common)


def bases_of(plan: Plan, chunk: Chunk) -> Integers:
    """Computes what each line's rates apply to under the plan's ``base``; 0 where the cost is missing."""
    lines = chunk.lines
    if plan.base == "paid":
        return lines.paid_minor
    if plan.base == "list":
        return np.where(lines.list_minor == NOBODY, lines.paid_minor, lines.list_minor)
    return np.where(lines.cost_minor == NOBODY, 0, np.maximum(lines.paid_minor - lines.cost_minor, 0))
