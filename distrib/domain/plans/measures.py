"""What a policy pack can measure on a plan without any order: one figure per measure.

Figures and thresholds are values, shown as plain text where they are answered; what follows from them is the packs'
(``policies.policy``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from distrib.domain.money import PPM, parse_ratio, show_ratio
from distrib.domain.plans.conditions import HEAD_COUNTS, Rank, leaves
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import AMOUNT, CHAIN, OF_RULE, RATE, UPLINE, Rule

UNBOUNDED = 10**30
"""Above every threshold: nothing in the plan bounds the figure."""
ABOVE, BELOW = "above", "below"
_SIGNS = {ABOVE: ">", BELOW: "<"}


class PlanFigure:
    """What a measure comes to in a plan; ``words`` are those that ``claims`` found.

    >>> str(PlanFigure("tiers", 3)), str(PlanFigure("order_ratio", 450_000)), str(PlanFigure("claims", 1, ["rich"]))
    ('3', '0.45', 'rich')
    """

    __slots__ = ("measure", "value", "words")

    def __init__(self, measure: str, value: int, words: Sequence[str] = ()) -> None:
        self.measure, self.value, self.words = measure, value, tuple(words)

    def __str__(self) -> str:
        """The figure as plain text."""
        return ", ".join(self.words) if self.measure == CLAIMS else show_figure(self.measure, self.value)

    def __eq__(self, other: object) -> bool:
        """Whether the same was measured."""
        if not isinstance(other, PlanFigure):
            return False
        return (self.measure, self.value, self.words) == (other.measure, other.value, other.words)

    def __hash__(self) -> int:
        """Of the figure."""
        return hash((self.measure, self.value, self.words))


class PlanThreshold:
    """Beyond which figure of a measure a finding stands; ``kind`` is ``above`` or ``below``.

    >>> str(PlanThreshold("order_ratio", "above", 300_000))
    '> 0.3'
    """

    __slots__ = ("kind", "measure", "value")

    def __init__(self, measure: str, kind: str, value: int) -> None:
        self.measure, self.kind, self.value = measure, kind, value

    def is_passed(self, figure: int) -> bool:
        """Whether a figure lies beyond it."""
        return figure > self.value if self.kind == ABOVE else figure < self.value

    def __str__(self) -> str:
        """The threshold as plain text."""
        return f"{_SIGNS[self.kind]} {show_figure(self.measure, self.value)}"

    def __eq__(self, other: object) -> bool:
        """Whether the thresholds are the same."""
        if not isinstance(other, PlanThreshold):
            return False
        return (self.measure, self.kind, self.value) == (other.measure, other.kind, other.value)

    def __hash__(self) -> int:
        """Of the threshold."""
        return hash((self.measure, self.kind, self.value))


def tiers(plan: Plan) -> int:
    """Counts the uplines a plan says may be paid; where it does not say, those it pays."""
    return plan.tiers if plan.document.get("tiers") is not None else uplines_paid(plan)


def uplines_paid(plan: Plan) -> int:
    """Counts the uplines of one order that some rule can pay more than nothing."""
    paying = [rule for rule in plan.rules if can_pay(rule)]
    highest = max((rule.tier for rule in paying if rule.pay == UPLINE and rule.tier <= plan.tiers), default=0)
    return max(highest, differential_tiers(plan))


def differential_tiers(plan: Plan) -> int:
    """Counts the uplines that a differential rule (级差) reaches."""
    return max((plan.tiers for rule in plan.rules if rule.pay == CHAIN and can_pay(rule)), default=0)


def can_pay(rule: Rule) -> bool:
    """Whether a rule names any figure above 0."""
    return max([rule.default or 0, *rule.figures.values(), *(rate for _, rate in rule.slabs)]) > 0


def head_count_ranks(plan: Plan) -> int:
    """Counts the ranks that are promoted to by counting people."""
    return sum(counts_heads(rank) for rank in plan.ranks)


def counts_heads(rank: Rank) -> bool:
    """Whether the promotion to a rank reads a number of recruits."""
    return rank.promote is not None and any(leaf.metric.name in HEAD_COUNTS for leaf in leaves(rank.promote))


def _pools(plan: Plan) -> list[Mapping[str, Any]]:
    """Lists the pools that can share anything out, as the document has them."""
    pools = plan.document.get("pools") or ()
    return [pool for pool in pools if parse_ratio(pool["rate"]) > 0]


def team_pools(plan: Plan) -> int:
    """Counts the pools: each shares out the sales of all shops, whatever the depth."""
    return len(_pools(plan))


def head_count_pay(plan: Plan) -> int:
    """Counts the pools that are shared among ranks promoted to by counting people."""
    heads = {rank.code for rank in plan.ranks if counts_heads(rank)}
    return sum(_shares_among(pool, heads) for pool in _pools(plan))


def _shares_among(pool: Mapping[str, Any], ranks: Collection[str]) -> bool:
    """Whether a pool gives anything to holders of these ranks."""
    return any(rank in ranks and weight > 0 for rank, weight in pool["weights"].items())


def team_rank_levels(plan: Plan) -> int:
    """Counts the levels over which the sales of a team promote to any rank."""
    read = (leaf.metric for rank in plan.ranks if rank.promote is not None for leaf in leaves(rank.promote))
    return max((metric.levels for metric in read), default=0)


def entry_fee(plan: Plan) -> int:
    """Reads the declared price of joining, in minor units."""
    return int(plan.declarations.get("entry_fee_minor", 0))


def consideration(plan: Plan) -> int:
    """Whether joining costs anything, a purchase included."""
    return int(entry_fee(plan) > 0 or bool(plan.declarations.get("entry_purchase")))


def paid_head_count(plan: Plan) -> int:
    """Counts the ranks by head count in a plan that charges for joining (Koscot)."""
    return head_count_ranks(plan) * consideration(plan)


def order_ratio(plan: Plan) -> int:
    """Computes the most that one order can cost, in parts per million of what was paid."""
    most = largest_share(plan, frozenset(rank.code for rank in plan.ranks))
    # A list price has no bound in terms of what was paid for the line.
    return _capped(plan, UNBOUNDED if most and plan.base == "list" else most)


def recruiting_share(plan: Plan) -> int:
    """Computes the part of the plan's largest pay that only ranks by head count open, where joining costs.

    Our own reading of "primarily" in C-515/12 (4finance); in parts per million. Pay is taken of the plan's base,
    whatever that is; where fixed amounts leave both without a bound nothing can be said.
    """
    without = _largest_pay(plan, frozenset(rank.code for rank in plan.ranks if not counts_heads(rank)))
    most = _largest_pay(plan, frozenset(rank.code for rank in plan.ranks))
    return (most - without) * PPM // most if most and consideration(plan) else 0


def _largest_pay(plan: Plan, ranks: Collection[str]) -> int:
    """Computes the most that orders and pools pay earners of these ranks, of the base."""
    pooled = sum(parse_ratio(pool["rate"]) for pool in _pools(plan) if _shares_among(pool, ranks))
    return _capped(plan, largest_share(plan, ranks)) + pooled


def _capped(plan: Plan, most: int) -> int:
    return most if plan.order_cap_ppm is None else min(most, plan.order_cap_ppm)


def largest_share(plan: Plan, ranks: Collection[str]) -> int:
    """Bounds commission by base among earners of these ranks from above, before ``order_cap``.

    Rules of one group exclude each other, so the dearest of each group counts; a differential rule pays
    its highest rate once. Fixed amounts have no bound.
    """
    most: dict[int, int] = {}
    for rule in plan.rules:
        _most_of(plan, rule, ranks, most)
    by_group: dict[str, int] = {}
    for rule in plan.rules:
        by_group[rule.group] = max(by_group.get(rule.group, 0), most[rule.index])
    return min(sum(by_group.values()), UNBOUNDED)


def _most_of(plan: Plan, rule: Rule, ranks: Collection[str], most: dict[int, int]) -> int:
    """Computes the most one rule pays, after the rules it is taken of (they form no loop)."""
    if rule.index not in most:
        earners = [rank for rank in ranks if _may_earn(plan, rule, rank)]
        figure = max((rule.figure(rank) or 0 for rank in earners), default=0)
        rate = figure if rule.kind in (RATE, AMOUNT) else max(rate for _, rate in rule.slabs) * bool(earners)
        basis = PPM
        if rule.of == OF_RULE:
            basis = _most_of(plan, plan.rules[rule.of_rule], ranks, most)
        most[rule.index] = UNBOUNDED if rule.kind == AMOUNT and rate > 0 else -(-rate * basis // PPM)
    return most[rule.index]


def _may_earn(plan: Plan, rule: Rule, rank: str) -> bool:
    """Whether the plan has a seat for the rule, and the rank is at least the one that the rule requires."""
    needed = None if rule.requires is None else rule.requires.min_rank
    return rule.tier <= plan.tiers and (needed is None or plan.rank_index(rank) >= plan.rank_index(needed))


def claims(plan: Plan, words: Collection[str]) -> PlanFigure:
    """Finds which of these words of an earnings claim the plan's title has, and counts them."""
    texts = plan.title.values() if isinstance(plan.title, Mapping) else (plan.title,)
    title = " ".join(texts).casefold()
    claimed = [word for word in words if word.casefold() in title]
    return PlanFigure(CLAIMS, len(claimed), claimed)


RATIOS = frozenset({"order_ratio", "recruiting_share"})
"""Measures in parts per million; their thresholds are written as decimal strings."""

_FIGURES: dict[str, Callable[[Plan], int]] = {
    "tiers": tiers,
    "uplines_paid": uplines_paid,
    "differential_tiers": differential_tiers,
    "head_count_ranks": head_count_ranks,
    "head_count_pay": head_count_pay,
    "team_pools": team_pools,
    "team_rank_levels": team_rank_levels,
    "paid_head_count": paid_head_count,
    "entry_fee": entry_fee,
    "consideration": consideration,
    "order_ratio": order_ratio,
    "recruiting_share": recruiting_share,
}
DECLARED = ("minimum_age", "buy_back_days", "cooling_off_days", "written_contract")
"""Measures that are a declaration as it stands; 0 where nothing is declared."""
CLAIMS = "claims"
MEASURES = (CLAIMS, *_FIGURES, *DECLARED)


def show_figure(measure: str, value: int) -> str:
    """Shows a figure or threshold of a measure as text."""
    if value >= UNBOUNDED:
        return "unbounded"
    return show_ratio(value) if measure in RATIOS else str(value)


def measure_plan(plan: Plan, measure: str, words: Collection[str]) -> PlanFigure:
    """Computes the figure of one of ``MEASURES``; ``words`` are those that ``claims`` looks for."""
    if measure == CLAIMS:
        return claims(plan, words)
    value = int(plan.declarations.get(measure, 0)) if measure in DECLARED else _FIGURES[measure](plan)
    return PlanFigure(measure, value)
