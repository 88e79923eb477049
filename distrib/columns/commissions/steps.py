"""The steps of a plan in the order of work, with the units in which each is exact and the bounds of what it pays.

Rates are whole numbers over one denominator for the whole plan, as small as its rates allow. A figure of level n is in
units of 1 / denominator**n: a rate takes what it is of one level higher, so that no division is needed before the
rounding at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Final

from distrib.domain.money import PPM
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import (
    AMOUNT,
    CHAIN,
    LEADER,
    OF_BASE,
    OF_REMAINING,
    OF_RULE,
    OPENER,
    PER_ORDER,
    RATE,
    Rule,
    order_steps,
)

SLOTS: Final = (LEADER, OPENER)


@dataclass(frozen=True, slots=True)
class Most:
    """The most that something pays: so many times the line's base, so much a piece, and so much for the order."""

    bases: int = 0
    a_piece: int = 0
    an_order: int = 0

    def __add__(self, other: Most) -> Most:
        return Most(self.bases + other.bases, self.a_piece + other.a_piece, self.an_order + other.an_order)


NOTHING: Final = Most()


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One rule at one tier, by its place among the steps.

    Attributes:
        place: in the order of work.
        rule: of the plan.
        tier: leader and opener at 0.
        of: ``OF_BASE``, ``OF_REMAINING`` or ``OF_RULE``; at tier 0 nothing was paid below, so remaining is the base.
        is_named: another rule is taken of what this one pays.
    """

    place: int
    rule: Rule
    tier: int
    of: str
    is_named: bool

    @property
    def is_slot(self) -> bool:
        """Whether it pays a leader or an opener, who stand beside the chain."""
        return self.rule.pay in SLOTS

    @property
    def is_own_seller(self) -> bool:
        """Whether it pays tier 0 of the chain: the order's own selling shop where nothing shifts it."""
        return self.tier == 0 and not self.is_slot


@dataclass(frozen=True, slots=True)
class PlanSteps:
    """All steps of a plan.

    Attributes:
        steps: in the order of work.
        denominator: of all rates.
        highest_level: of any figure.
        last_remaining: the place of the last that is taken of what remains, -1: there is none.
        most: that all steps together pay on a line.
    """

    steps: tuple[PlanStep, ...]
    denominator: int
    highest_level: int
    last_remaining: int
    most: Most


def steps_of_plan(plan: Plan) -> PlanSteps:
    """Computes the steps of a plan; rules at tiers that the plan does not pay have none."""
    named = {rule.of_rule for rule in plan.rules}
    within = [(tier, rule) for tier, rule in order_steps(plan.rules, plan.tiers) if tier <= plan.tiers]
    steps = tuple(
        PlanStep(place, rule, tier, OF_BASE if rule.of == OF_REMAINING and tier == 0 else rule.of, rule.index in named)
        for place, (tier, rule) in enumerate(within)
    )
    remaining = [step.place for step in steps if step.of == OF_REMAINING]
    return PlanSteps(steps, denominator_of(plan.rules), _highest_level(steps), max(remaining, default=-1), _most(steps))


def denominator_of(rules: Iterable[Rule]) -> int:
    """Computes the least denominator over which all rates of the rules are whole numbers; it divides a million."""
    common = PPM
    for rule in rules:
        rates = [rate for _, rate in rule.slabs]
        if rule.kind == RATE:
            rates += [*rule.figures.values(), rule.default or 0]
        common = gcd(common, *rates)
    return PPM // common


def _highest_level(steps: Sequence[PlanStep]) -> int:
    """The highest level of any figure: a rate takes what it is of one higher, whatever rules a line has."""
    levels: dict[int, int] = {}
    for step in steps:
        basis = 0
        if step.of == OF_RULE:
            basis = levels.get(step.rule.of_rule, 0)
        elif step.of == OF_REMAINING:
            basis = max(
                [levels[lower.rule.index] for lower in steps[: step.place] if lower.tier < step.tier], default=0
            )
        levels[step.rule.index] = 0 if step.rule.kind == AMOUNT else basis + 1
    return max(levels.values(), default=0)


def _most(steps: Iterable[PlanStep]) -> Most:
    """Adds up the most that each step pays: a rate is at most 1, a chain's differences together are, too."""
    by_rule: dict[int, Most] = {}
    for step in steps:
        rule = step.rule
        if rule.kind == AMOUNT:
            amount = max(0, rule.default or 0, *rule.figures.values())
            most = Most(0, 0, amount) if rule.per == PER_ORDER else Most(0, amount, 0)
        else:
            most = by_rule.get(rule.of_rule, NOTHING) if step.of == OF_RULE else Most(1, 0, 0)
        by_rule[rule.index] = most if rule.pay == CHAIN else by_rule.get(rule.index, NOTHING) + most
    total = NOTHING
    for most in by_rule.values():
        total += most
    return total
