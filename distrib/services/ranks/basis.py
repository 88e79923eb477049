"""Finds promotions whose condition no longer holds as of their instant, now that refunds are known (plan.md, Ranks).

An evaluation takes them back: what a shop has earned is then what its other rows say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from distrib.domain.plans.conditions import Condition
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import Ladder
from distrib.domain.ranks.promotion import decisive_figures, holds, leaves
from distrib.services.context import Program
from distrib.services.ranks.facts import EvaluationMark, PromotedRank, RankFacts
from distrib.services.ranks.promotion import PromotionCheck, figures_of

CHUNK_SHOPS = 20_000
_INSTANT = timedelta(microseconds=1)
ALL_REFUNDS = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class JudgedMonth:
    """The month to be evaluated, the plan in force at its last instant, and where the previous evaluation ended."""

    program: Program
    ladder: Ladder
    plan: Plan
    period: int
    last_instant: datetime
    since: EvaluationMark

    @property
    def effective_at(self) -> datetime:
        """The start of the next month."""
        return self.last_instant + _INSTANT

    @property
    def plan_after(self) -> Plan:
        """The plan in force when the evaluation takes effect; seldom another."""
        return self.ladder.plan_at(self.effective_at) or self.plan


@dataclass(slots=True)
class _PastPromotion:
    """A promotion as of the instant at which it was decided, and the sequence numbers of the rows that it wrote."""

    shop_no: int
    earned_at: datetime
    rank: str
    row_seqs: set[int]


@dataclass(frozen=True, slots=True)
class UnfoundedPromotion:
    """A promotion that lacks its basis: the sequence numbers of its rows, and the reason with today's figures."""

    row_seqs: frozenset[int]
    reason: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A shop with promotions to be taken back, and the rank it has earned without them: at month end, and at effect."""

    shop_no: int
    rank_at_month_end: str | None
    rank_at_effect: str | None
    unfounded: Sequence[UnfoundedPromotion]


def take_back(facts: RankFacts, month: JudgedMonth, shops: Sequence[int]) -> Iterator[TakenBack]:
    """Lists those of the shops that lose promotions made since the previous evaluation, with the ranks that remain.

    Args:
        shops: those whose figures a refund may have changed.
    """
    ladder, last_instant, effective_at = month.ladder, month.last_instant, month.effective_at
    for start in range(0, len(shops), CHUNK_SHOPS):
        chunk = shops[start : start + CHUNK_SHOPS]
        rows = facts.promotions(chunk, month.since, effective_at)
        unfounded = _unfounded_promotions(facts, month.program, ladder, _past_promotions(rows))
        earned = facts.earned_rows(list(unfounded), effective_at)
        for shop_no, promotions in unfounded.items():
            dropped = frozenset().union(*(promotion.row_seqs for promotion in promotions))
            left = [row for row in reversed(earned[shop_no]) if row.seq not in dropped]
            row = next((row for row in left if row.effective_at <= last_instant), None)
            yield TakenBack(
                shop_no,
                None if row is None else ladder.carry(row.rank, row.effective_at, last_instant),
                next((row.rank for row in left), None),
                promotions,
            )


def _past_promotions(rows: Sequence[PromotedRank]) -> list[_PastPromotion]:
    """Groups rows by the promotion that wrote them: one decided late was written for later instants too."""
    promotions: dict[tuple[int, datetime, str], _PastPromotion] = {}
    for row in rows:
        promotion = _PastPromotion(row.shop_no, row.earned_at, row.rank, set())
        promotions.setdefault((row.shop_no, row.earned_at, row.rank), promotion).row_seqs.add(row.seq)
    return list(promotions.values())


def _unfounded_promotions(
    facts: RankFacts, program: Program, ladder: Ladder, promotions: Sequence[_PastPromotion]
) -> dict[int, list[UnfoundedPromotion]]:
    """Lists by shop the promotions whose condition does not hold with every refund known."""
    unfounded: dict[int, list[UnfoundedPromotion]] = {}
    for plan, group in _by_plan(ladder, promotions):
        metrics = sorted({leaf.metric for promotion in group for leaf in leaves(_condition(plan, promotion))})
        checks = [PromotionCheck(entry.shop_no, entry.earned_at, entry.earned_at, ALL_REFUNDS) for entry in group]
        columns = {metric: figures_of(facts, program, plan, metric, checks) for metric in metrics}
        for place, promotion in enumerate(group):
            figures = {metric: column[place] for metric, column in columns.items()}
            if not holds(_condition(plan, promotion), figures):
                conditions = decisive_figures(_condition(plan, promotion), figures)
                reason = {"at": promotion.earned_at.isoformat(), "to": promotion.rank, "conditions": conditions}
                entry = UnfoundedPromotion(frozenset(promotion.row_seqs), reason)
                unfounded.setdefault(promotion.shop_no, []).append(entry)
    return unfounded


def _by_plan(ladder: Ladder, promotions: Sequence[_PastPromotion]) -> list[tuple[Plan, list[_PastPromotion]]]:
    """Groups promotions by the plan in force when they were earned, where it still has a condition for their rank."""
    plans: dict[int, Plan] = {}
    groups: dict[int, list[_PastPromotion]] = {}
    for promotion in promotions:
        plan = ladder.plan_at(promotion.earned_at)
        if plan is not None and _has_condition(plan, promotion):
            plans[id(plan)] = plan
            groups.setdefault(id(plan), []).append(promotion)
    return [(plans[key], group) for key, group in groups.items()]


def _has_condition(plan: Plan, promotion: _PastPromotion) -> bool:
    return promotion.rank in plan.rank_indexes and plan.ranks[plan.rank_index(promotion.rank)].promote is not None


def _condition(plan: Plan, promotion: _PastPromotion) -> Condition:
    """By what a plan promotes to the rank of a promotion that ``_by_plan`` has grouped under it."""
    condition = plan.ranks[plan.rank_index(promotion.rank)].promote
    if condition is None:
        raise LookupError("promotions are grouped under plans that promote to their rank")
    return condition
