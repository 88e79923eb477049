"""The monthly evaluation of ranks (plan.md, Ranks): promotions, ``keep``, and promotions that lost their basis.

A month is evaluated once, after it is over and its events are applied, in sequence. Figures are as of the month's
last instant, with every refund that is known when it runs; what it decides takes effect at the start of the next
month. All shops are judged at once, in columns; only those whose rank changes are processed one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection

from distrib.columns.evaluation import EarnedRanks, Judgement, judge
from distrib.columns.tree import Integers, Truths, at_places, places_of
from distrib.domain.errors import Refusal
from distrib.domain.periods import next_period, previous_period
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import EVALUATION, PROMOTION, Ladder, RankHistory, known_rank
from distrib.domain.ranks.promotion import Metric, decisive_figures, keep_metrics, promotion_metrics
from distrib.failpoints import reach
from distrib.services.context import Actor, Program, format_period, period_bounds
from distrib.services.plans.versions import Timeline, ladder_of, load_timeline
from distrib.services.ranks.basis import EvaluationMark, TakenBack, take_back
from distrib.services.ranks.figures import RankFigures, Shops, microseconds, shops_at, touched_shops
from distrib.services.ranks.promotion import rank_changes
from distrib.store.orders import queue
from distrib.store.ranks import columns as rank_columns
from distrib.store.ranks import evaluations as store
from distrib.store.ranks import figures
from distrib.store.ranks.evaluations import EvaluationRow, Failure
from distrib.store.ranks.figures import RankChange

_INSTANT = timedelta(microseconds=1)
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)
CHUNK_SHOPS = 10_000


def evaluate_month(
    conn: Connection, program: Program, period: int, actor: Actor, now: datetime
) -> tuple[EvaluationRow, bool]:
    """Evaluates a month once; answers its evaluation, and whether this call made it.

    Raises:
        Refusal: ``period_not_over``, ``events_pending`` or ``evaluation_in_sequence``.
    """
    rank_columns.allow_long_reads(conn)
    store.lock_evaluations(conn, program.program_id)
    known = store.find_evaluation(conn, program.program_id, period)
    if known is not None:
        return known, False
    newest = store.newest_evaluation(conn, program.program_id)
    _check_due(conn, program, period, newest, now)
    queue.hold_timeline(conn, program.program_id)
    timeline = load_timeline(conn, program)
    month = _month_of(program, timeline, period, newest, actor, now)
    judged = None
    if month is not None:
        judged = _judge_between_promotions(conn, month)
        reach("evaluation.judged")
    store.lock_promotions(conn, program.program_id)
    row = _keep(conn, program, period, timeline, month, judged, actor, now)
    reach("evaluation.written")
    return row, True


def evaluate_alone(
    conn: Connection, program: Program, timeline: Timeline, period: int, actor: Actor, now: datetime
) -> EvaluationRow:
    """Evaluates a month for whoever has the ranks to itself, as a simulation has: nothing is locked or waited for."""
    newest = store.newest_evaluation(conn, program.program_id)
    month = _month_of(program, timeline, period, newest, actor, now)
    judged = None if month is None else _judge(conn, month, shops_at(conn, program, month.last_instant))
    return _keep(conn, program, period, timeline, month, judged, actor, now)


def _month_of(
    program: Program, timeline: Timeline, period: int, newest: EvaluationRow | None, actor: Actor, now: datetime
) -> _EvaluatedMonth | None:
    """The month with the plan in force at its last instant; None where none was."""
    _, effective_at = period_bounds(period, program.zone)
    last_instant = effective_at.astimezone(UTC) - _INSTANT
    entry = timeline.in_force(last_instant)
    if entry is None:
        return None
    return _EvaluatedMonth(program, ladder_of(timeline), entry.plan, period, last_instant, newest, now, actor)


def _keep(
    conn: Connection,
    program: Program,
    period: int,
    timeline: Timeline,
    month: _EvaluatedMonth | None,
    judged: _Judged | None,
    actor: Actor,
    now: datetime,
) -> EvaluationRow:
    """Writes what a month's evaluation came to."""
    _, effective_at = period_bounds(period, program.zone)
    entry = timeline.in_force(effective_at.astimezone(UTC) - _INSTANT)
    ranks_seq = store.newest_rank_seq(conn, program.program_id)  # what this one promotes, the next one checks
    counts = Counts() if month is None or judged is None else _write(conn, month, judged)
    row = EvaluationRow(
        period=period,
        version_no=None if entry is None else entry.version_no,
        effective_at=effective_at.astimezone(UTC),
        **asdict(counts),
        ranks_seq=ranks_seq,
        evaluated_at=now,
        evaluated_by=actor.key_id,
    )
    store.insert_evaluation(conn, program.program_id, row)
    return row


def evaluation_view(program: Program, row: EvaluationRow) -> dict[str, Any]:
    """Shows an evaluation as the API and the command line answer it."""
    counts = {name: getattr(row, name) for name in ("shops", "promoted", "lowered", "taken_back", "failing")}
    times = {"effective_at": row.effective_at, "evaluated_at": row.evaluated_at, "evaluated_by": row.evaluated_by}
    return {"program": program.code, "month": format_period(row.period), **counts, **times}


def due_period(conn: Connection, program: Program, now: datetime) -> int | None:
    """Resolves the month that is due for evaluation: the next in sequence, once its end lies behind the program.

    A program whose history is brought in is evaluated by hand (``distrib ranks evaluate``) until the month it was
    opened in is over: what an operator has not finished bringing in is not for a clock to judge.
    """
    newest = store.newest_evaluation(conn, program.program_id)
    opened = program.period_of(store.opened_at(conn, program.program_id))
    period = opened if newest is None else next_period(newest.period)
    _, lived_through = period_bounds(max(period, opened), program.zone)
    _, follows = period_bounds(period, program.zone)
    if now < lived_through or store.count_pending(conn, program.program_id, follows.date()):
        return None
    return period


def list_evaluations(
    conn: Connection, program: Program, cursor: tuple[int] | None = None, limit: int = 50
) -> tuple[list[EvaluationRow], tuple[int] | None]:
    """Lists a page of a program's evaluations, newest month first, and the cursor of the next page."""
    (before,) = cursor or (999_999,)
    rows = store.list_evaluations(conn, program.program_id, before, limit + 1)
    return rows[:limit], (rows[limit - 1].period,) if len(rows) > limit else None


@dataclass(slots=True)
class Counts:
    """How many shops an evaluation judged, promoted, lowered, took a promotion back from, and found failing."""

    shops: int = 0
    promoted: int = 0
    lowered: int = 0
    taken_back: int = 0
    failing: int = 0


@dataclass(frozen=True, slots=True)
class _EvaluatedMonth:
    """The month to be evaluated, the plan in force at its last instant, and the previous evaluation."""

    program: Program
    ladder: Ladder
    plan: Plan
    period: int
    last_instant: datetime
    previous: EvaluationRow | None
    now: datetime
    actor: Actor

    @property
    def effective_at(self) -> datetime:
        """The start of the next month."""
        return self.last_instant + _INSTANT

    @property
    def since(self) -> EvaluationMark:
        """Where the previous evaluation ended."""
        if self.previous is None:
            return EvaluationMark(_BEFORE_ALL, 0)
        return EvaluationMark(self.previous.effective_at, self.previous.ranks_seq)

    @property
    def plan_after(self) -> Plan:
        """The plan in force when the evaluation takes effect; seldom another."""
        return self.ladder.plan_at(self.effective_at) or self.plan


@dataclass(frozen=True, slots=True)
class _Judged:
    """All shops with the decision about each, and the figures that decided; ``recorded`` are the ranks before it."""

    shops: Shops
    figures: Mapping[Metric, Integers]
    judgement: Judgement
    recorded: Integers
    taken_back: Mapping[int, TakenBack]

    def figures_at(self, place: int) -> dict[Metric, int]:
        """Reads the figures of the shop at a place."""
        return {metric: int(column[place]) for metric, column in self.figures.items()}


def _check_due(conn: Connection, program: Program, period: int, newest: EvaluationRow | None, now: datetime) -> None:
    _, follows = period_bounds(period, program.zone)
    if now < follows:
        raise Refusal("period_not_over", period=format_period(period))
    if newest is not None and period != next_period(newest.period):
        raise Refusal("evaluation_in_sequence", next=format_period(next_period(newest.period)))
    events = store.count_pending(conn, program.program_id, follows.date())
    if events:
        raise Refusal("events_pending", events=events)


def _judge_between_promotions(conn: Connection, month: _EvaluatedMonth) -> _Judged:
    """Judges all shops of the program, of which none is promoted from now on; again where one was meanwhile."""
    program_id = month.program.program_id
    seq = store.settled_rank_seq(conn, program_id)
    judged = _judge(conn, month, shops_at(conn, month.program, month.last_instant))
    store.lock_promotions(conn, program_id)
    if store.has_newer_ranks(conn, program_id, seq, month.effective_at):
        judged = _judge(conn, month, shops_at(conn, month.program, month.last_instant))
    return judged


def _write(conn: Connection, month: _EvaluatedMonth, judged: _Judged) -> Counts:
    """Writes the changes of rank and the failures to keep one; answers the counts."""
    failing = judged.judgement.failures > 0
    counts = Counts(shops=judged.shops.count, failing=int(failing.sum()))
    changed = np.flatnonzero(judged.judgement.ranks != judged.recorded)
    for start in range(0, len(changed), CHUNK_SHOPS):
        places = [int(place) for place in changed[start : start + CHUNK_SHOPS]]
        changes = _changes(conn, month, judged, places, counts)
        if changes:
            by = month.actor.key_id
            figures.insert_rank_changes(conn, month.program.program_id, changes, by, month.now)
    reach("evaluation.changed")
    store.copy_failures(conn, month.program.program_id, month.period, _failures(month.plan, judged, failing))
    return counts


def _judge(conn: Connection, month: _EvaluatedMonth, shops: Shops) -> _Judged:
    """Loads figures and earned ranks of all shops and decides about each, promotions without a basis taken back."""
    plan, last_instant, effective_at = month.plan, month.last_instant, month.effective_at
    reader = RankFigures(conn, month.program, month.ladder, shops, last_instant)
    columns = reader.read(plan, promotion_metrics(plan) | keep_metrics(plan))
    at_month_end, _ = reader.earned_ranks(plan, last_instant, last_instant)
    at_effect, since = reader.earned_ranks(plan, effective_at, last_instant)
    if month.plan_after is not plan:  # what takes effect with another version has that version's names
        has_new_name = since == microseconds(effective_at)
        at_effect = np.where(has_new_name, at_month_end, at_effect)
        at_month_end = np.where(has_new_name, -1, at_month_end)
    recorded = at_effect.copy()
    failures = _failures_so_far(conn, month, shops, at_effect)
    taken_back = _taken_back(conn, month, shops)
    for place, shop in taken_back.items():
        at_month_end[place] = _rank_index(plan, shop.rank_at_month_end)
        at_effect[place] = max(_rank_index(plan, shop.rank_at_effect), at_month_end[place])
    earned = EarnedRanks(at_month_end, at_effect, np.where(at_effect == recorded, failures, 0))
    return _Judged(shops, columns, judge(plan.ranks, earned, columns), recorded, taken_back)


def _rank_index(plan: Plan, rank: str | None) -> int:
    return plan.rank_index(known_rank(plan, rank))


def _taken_back(conn: Connection, month: _EvaluatedMonth, shops: Shops) -> dict[int, TakenBack]:
    """Finds, by place, the shops that lose promotions made since the previous evaluation."""
    since, program_id = month.since, month.program.program_id
    promoted = store.promoted_shops(conn, program_id, since.instant, since.seq, month.effective_at)
    if not promoted:
        return {}
    metrics = {metric for plan in month.ladder.plans() for metric in promotion_metrics(plan)}
    touched = touched_shops(conn, month.program, shops, metrics)
    places = places_of(shops.numbers, np.array(promoted, dtype=np.int64))
    exposed = [int(number) for number in shops.numbers[places[touched[places]]]]
    figures.prefer_indexes(conn)
    losing = take_back(conn, month.program, month.ladder, exposed, since, month.last_instant, month.effective_at)
    return {int(np.searchsorted(shops.numbers, shop.shop_no)): shop for shop in losing}


def _failures_so_far(conn: Connection, month: _EvaluatedMonth, shops: Shops, earned: Integers) -> Integers:
    """Counts for every shop how often in a row it has failed to keep the very rank that it has earned."""
    before = previous_period(month.period)
    rows = store.failures_of(conn, month.program.program_id, before)
    _, since = period_bounds(before, month.program.zone)
    numbers = np.array([row.shop_no for row in rows], dtype=np.int64)
    ranks = [month.ladder.carry(row.rank, since - _INSTANT, month.last_instant) for row in rows]
    places = np.array([_rank_index(month.plan, rank) for rank in ranks], dtype=np.int64)
    failures = at_places(shops.numbers, numbers, np.array([row.failures for row in rows], dtype=np.int64))
    return np.where(at_places(shops.numbers, numbers, places) == earned, failures, 0)


def _failures(plan: Plan, judged: _Judged, failing: Truths) -> Iterator[Failure]:
    """Lists the failures to keep a rank, as they are written."""
    judgement = judged.judgement
    for place in np.flatnonzero(failing):
        is_lowered = bool(judgement.is_lowered[place])
        rank = plan.ranks[int(judgement.ranks[place]) + is_lowered].code
        yield Failure(int(judged.shops.numbers[place]), rank, int(judgement.failures[place]), is_lowered)


def _changes(
    conn: Connection, month: _EvaluatedMonth, judged: _Judged, places: Sequence[int], counts: Counts
) -> list[RankChange]:
    """Computes the rows to write for the shops at ``places``, whose decided rank differs from the recorded one."""
    program_id = month.program.program_id
    numbers = [int(judged.shops.numbers[place]) for place in places]
    store.lock_shops(conn, program_id, numbers)
    history = RankHistory(figures.rank_rows(conn, program_id, numbers), month.ladder)
    changes: list[RankChange] = []
    for place in places:
        changes.extend(_change(month, judged, place, history, counts))
    return changes


def _change(
    month: _EvaluatedMonth, judged: _Judged, place: int, history: RankHistory, counts: Counts
) -> list[RankChange]:
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


def _promotion_reason(plan: Plan, judged: _Judged, place: int) -> dict[str, Any]:
    """Lists the figures by which a shop is promoted."""
    promote = plan.ranks[int(judged.judgement.ranks[place])].promote
    return {} if promote is None else {"conditions": decisive_figures(promote, judged.figures_at(place))}


def _loss_reason(plan: Plan, judged: _Judged, place: int, *, is_lowered: bool) -> dict[str, Any]:
    """Lists the figures by which a shop loses a rank: of promotions without a basis, of ``keep``, or both."""
    reason: dict[str, Any] = {}
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
