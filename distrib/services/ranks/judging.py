"""What a monthly evaluation decides about every shop of a program, by whatever facts: judged, and spelled as rows.

Nothing is written here; ``evaluation`` does, and ``services.history.evaluating`` shows what it would be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from distrib.columns.evaluation import EarnedRanks, Judgement, judge
from distrib.columns.tree import Integers, at_places, places_of
from distrib.domain.periods import previous_period
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import EVALUATION, PROMOTION, RankHistory, known_rank
from distrib.domain.ranks.promotion import Metric, decisive_figures, keep_metrics, promotion_metrics
from distrib.services.context import Program, format_period, period_bounds
from distrib.services.plans.versions import Timeline, ladder_of
from distrib.services.ranks.basis import JudgedMonth, TakenBack, take_back
from distrib.services.ranks.facts import RankFacts
from distrib.services.ranks.figures import RankFigures, Shops, microseconds, touched_shops
from distrib.services.ranks.promotion import rank_changes
from distrib.store.ranks.evaluations import EvaluationMark, Failure
from distrib.store.ranks.figures import RankChange

__all__ = ["JudgedMonth"]

_INSTANT = timedelta(microseconds=1)
BEFORE_ALL = EvaluationMark(datetime(1, 1, 1, tzinfo=UTC), 0)
"""Where no month was evaluated before."""


@dataclass(slots=True)
class Counts:
    """How many shops an evaluation judged, promoted, lowered, took a promotion back from, and found failing."""

    shops: int = 0
    promoted: int = 0
    lowered: int = 0
    taken_back: int = 0
    failing: int = 0

    @staticmethod
    def of(judged: Judged) -> Counts:
        """Counts those judged and those failing; whose ranks change are counted as they do."""
        return Counts(shops=judged.shops.count, failing=int((judged.judgement.failures > 0).sum()))


@dataclass(frozen=True, slots=True)
class Judged:
    """All shops with the decision about each, and the figures that decided; ``recorded`` are the ranks before it."""

    shops: Shops
    figures: Mapping[Metric, Integers]
    judgement: Judgement
    recorded: Integers
    taken_back: Mapping[int, TakenBack]

    def changed(self, size: int) -> Iterator[list[int]]:
        """Yields the places of the shops whose decided rank differs from the recorded one, some at a time."""
        places = np.flatnonzero(self.judgement.ranks != self.recorded)
        for start in range(0, len(places), size):
            yield [int(place) for place in places[start : start + size]]

    def figures_at(self, place: int) -> dict[Metric, int]:
        """Reads the figures of the shop at a place."""
        return {metric: int(column[place]) for metric, column in self.figures.items()}


def month_to_judge(program: Program, timeline: Timeline, period: int, since: EvaluationMark) -> JudgedMonth | None:
    """The month with the plan in force at its last instant; None where none was."""
    _, effective_at = period_bounds(period, program.zone)
    last_instant = effective_at.astimezone(UTC) - _INSTANT
    entry = timeline.in_force(last_instant)
    if entry is None:
        return None
    return JudgedMonth(program, ladder_of(timeline), entry.plan, period, last_instant, since)


def judge_month(facts: RankFacts, month: JudgedMonth, shops: Shops) -> Judged:
    """Loads figures and earned ranks of all shops and decides about each, promotions without a basis taken back."""
    plan, last_instant, effective_at = month.plan, month.last_instant, month.effective_at
    reader = RankFigures(facts, month.program, month.ladder, shops, last_instant)
    columns = reader.read(plan, promotion_metrics(plan) | keep_metrics(plan))
    at_month_end, _ = reader.earned_ranks(plan, last_instant, last_instant)
    at_effect, since = reader.earned_ranks(plan, effective_at, last_instant)
    if month.plan_after is not plan:  # what takes effect with another version has that version's names
        has_new_name = since == microseconds(effective_at)
        at_effect = np.where(has_new_name, at_month_end, at_effect)
        at_month_end = np.where(has_new_name, -1, at_month_end)
    recorded = at_effect.copy()
    failures = _failures_so_far(facts, month, shops, at_effect)
    taken_back = _taken_back(facts, month, shops)
    for place, shop in taken_back.items():
        at_month_end[place] = _rank_index(plan, shop.rank_at_month_end)
        at_effect[place] = max(_rank_index(plan, shop.rank_at_effect), at_month_end[place])
    earned = EarnedRanks(at_month_end, at_effect, np.where(at_effect == recorded, failures, 0))
    return Judged(shops, columns, judge(plan.ranks, earned, columns), recorded, taken_back)


def _rank_index(plan: Plan, rank: str | None) -> int:
    return plan.rank_index(known_rank(plan, rank))


def _taken_back(facts: RankFacts, month: JudgedMonth, shops: Shops) -> dict[int, TakenBack]:
    """Finds, by place, the shops that lose promotions made since the previous evaluation."""
    promoted = facts.promoted_shops(month.since, month.effective_at)
    if not promoted:
        return {}
    metrics = {metric for plan in month.ladder.plans() for metric in promotion_metrics(plan)}
    touched = touched_shops(facts, shops, metrics)
    places = places_of(shops.numbers, np.array(promoted, dtype=np.int64))
    exposed = [int(number) for number in shops.numbers[places[touched[places]]]]
    losing = take_back(facts, month, exposed)
    return {int(np.searchsorted(shops.numbers, shop.shop_no)): shop for shop in losing}


def _failures_so_far(facts: RankFacts, month: JudgedMonth, shops: Shops, earned: Integers) -> Integers:
    """Counts for every shop how often in a row it has failed to keep the very rank that it has earned."""
    before = previous_period(month.period)
    rows = facts.failures(before)
    _, since = period_bounds(before, month.program.zone)
    numbers = np.array([row.shop_no for row in rows], dtype=np.int64)
    ranks = [month.ladder.carry(row.rank, since - _INSTANT, month.last_instant) for row in rows]
    places = np.array([_rank_index(month.plan, rank) for rank in ranks], dtype=np.int64)
    failures = at_places(shops.numbers, numbers, np.array([row.failures for row in rows], dtype=np.int64))
    return np.where(at_places(shops.numbers, numbers, places) == earned, failures, 0)


def failures_of(plan: Plan, judged: Judged) -> Iterator[Failure]:
    """Lists the failures to keep a rank, as they are written."""
    judgement = judged.judgement
    for place in np.flatnonzero(judgement.failures):
        is_lowered = bool(judgement.is_lowered[place])
        rank = plan.ranks[int(judgement.ranks[place]) + is_lowered].code
        yield Failure(int(judged.shops.numbers[place]), rank, int(judgement.failures[place]), is_lowered)


def changes_at(
    facts: RankFacts, month: JudgedMonth, judged: Judged, places: Sequence[int], counts: Counts
) -> list[RankChange]:
    """Computes the rows to write for the shops at ``places``, whose decided rank differs from the recorded one."""
    numbers = [int(judged.shops.numbers[place]) for place in places]
    history = RankHistory(facts.rank_rows(numbers), month.ladder)
    changes: list[RankChange] = []
    for place in places:
        changes.extend(_change(month, judged, place, history, counts))
    return changes


def _change(month: JudgedMonth, judged: Judged, place: int, history: RankHistory, counts: Counts) -> list[RankChange]:
    """Computes the rows to write for one shop, and counts it as promoted, lowered or taken back."""
    shop_no, effective_at, plan_after = int(judged.shops.numbers[place]), month.effective_at, month.plan_after
    code = month.plan.ranks[int(judged.judgement.ranks[place])].code
    rank = known_rank(plan_after, month.ladder.carry(code, month.last_instant, effective_at))
    recorded = history.earned(shop_no, effective_at, plan_after)
    reason = {
        "evaluation": format_period(month.period),
        "at": month.last_instant.isoformat(),
        "from": recorded,
        "to": code,
    }
    if plan_after.rank_index(rank) > plan_after.rank_index(recorded):
        counts.promoted += 1
        rows = history.promote(shop_no, effective_at, rank, plan_after)
        return rank_changes(shop_no, rows, PROMOTION, reason | _promotion_reason(month.plan, judged, place))
    is_lowered, is_taken_back = bool(judged.judgement.is_lowered[place]), place in judged.taken_back
    if rank == recorded or not (is_lowered or is_taken_back):
        return []
    counts.lowered += is_lowered
    counts.taken_back += is_taken_back
    rows = history.demote(shop_no, effective_at, rank, plan_after)
    loss = _loss_reason(month.plan, judged, place, is_lowered=is_lowered)
    return rank_changes(shop_no, rows, EVALUATION, reason | loss)


def _promotion_reason(plan: Plan, judged: Judged, place: int) -> dict[str, object]:
    """Lists the figures by which a shop is promoted."""
    promote = plan.ranks[int(judged.judgement.ranks[place])].promote
    return {} if promote is None else {"conditions": decisive_figures(promote, judged.figures_at(place))}


def _loss_reason(plan: Plan, judged: Judged, place: int, *, is_lowered: bool) -> dict[str, object]:
    """Lists the figures by which a shop loses a rank: of promotions without a basis, of ``keep``, or both."""
    reason: dict[str, object] = {}
    taken_back = judged.taken_back.get(place)
    if taken_back is not None:
        reasons = [promotion.reason for promotion in taken_back.unfounded]
        reason = {"code": "basis_refunded", "taken_back": reasons}
    if is_lowered:
        judgement = judged.judgement
        lost = plan.ranks[int(judgement.ranks[place]) + 1]
        assert lost.keep is not None
        conditions = decisive_figures(lost.keep, judged.figures_at(place))
        failed = {"keep": conditions, "failures": int(judgement.failures[place]), "grace": lost.grace}
        reason = {"code": "keep_failed"} | reason | failed
    return reason
