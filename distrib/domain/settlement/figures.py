"""What the rules of one line come to: exact figures, without any rounding in between.

Takes the figures of whoever is paid; people, caps and other lines must not enter.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from distrib.domain.events import OrderLine
from distrib.domain.money import PPM
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import SLAB_WHOLE, Rule
from distrib.domain.settlement.earners import STEP_OF_BASE, STEP_OF_REMAINING, Step
from distrib.domain.settlement.refusals import CostMissing


def line_figures(
    steps: Sequence[Step], base: int, piece: int, scale: int, standing: Collection[int] = ()
) -> list[tuple[int, int | None, int]]:
    """What each step is taken of (rounded down), its rate, and its exact amount in units of 1 / scale, on one line.

    Args:
        steps: in the order of work; whoever is not paid gets 0.
        base: the line's base, in units of 1 / scale; a multiple of PPM for every rate in a row.
        piece: the line's quantity, in the same units: what an amount of 1 a piece comes to.
        scale: units in one minor unit.
        standing: the indexes of the rules whose one amount for the order stands on this line.
    """
    amounts: list[tuple[int, int | None, int]] = []
    base_minor = base // scale
    paid = below = last_tier = 0
    by_rule: dict[int, int] = {}
    for rule_index, tier, of, own_rate, fixed, is_per_order, slabs, is_named in steps:
        if tier != last_tier:
            last_tier, below = tier, paid
        basis, basis_minor = base, base_minor
        if of != STEP_OF_BASE:
            basis = max(base - below, 0) if of == STEP_OF_REMAINING else by_rule.get(of, 0)
            basis_minor = basis // scale
        rate = own_rate
        if rate is not None:
            amount = basis * rate // PPM
        elif slabs is not None:
            rate, amount = slab_amount(slabs, basis, scale)
        elif is_per_order:
            amount = fixed * scale if rule_index in standing else 0
        else:
            amount = fixed * piece
        paid += amount
        if is_named:
            by_rule[rule_index] = by_rule.get(rule_index, 0) + amount
        amounts.append((basis_minor, rate, amount))
    return amounts


def slab_amount(rule: Rule, basis: int, scale: int) -> tuple[int | None, int]:
    """The rate (None where several slabs share) and the exact amount of a slab rule.

    Intervals are half open: exactly ``from_minor`` belongs to the higher slab. What lies below the first slab pays
    nothing.
    """
    is_whole = rule.kind == SLAB_WHOLE
    amount, end = 0, basis
    for from_minor, rate in reversed(rule.slabs):
        start = from_minor * scale
        if start > basis:
            continue
        if is_whole:
            return rate, basis * rate // PPM
        amount += (end - start) * rate // PPM
        end = start
    return 0 if is_whole else None, amount


def base_of(plan: Plan, line: OrderLine) -> int:
    """What a line's rates apply to under the plan's ``base``."""
    if plan.base == "paid":
        return line.paid_minor
    if plan.base == "list":
        return line.paid_minor if line.list_minor is None else line.list_minor
    if line.cost_minor is None:
        raise CostMissing(line=line.id)
    return max(line.paid_minor - line.cost_minor, 0)
