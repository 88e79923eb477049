"""The monthly evaluation of ranks (plan.md, Ranks): promotions, ``keep``, and promotions that lost their basis.

A month is evaluated once, after it is over and its events are worked on, in sequence. Figures are as of the month's
last instant, with every refund that is known when it runs; what it decides takes effect at the start of the next
month. All shops are judged at once, in columns; only those whose rank changes are looked at one by one. No SQL may
enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection

from distrib.columns.evaluation import Judgement, Standing, judge
from distrib.columns.tree import Integers, Truths, at_places, places_of
from distrib.domain.errors import Refusal
from distrib.domain.periods import next_period, previous_period
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import EVALUATION, PROMOTION, Ladder, RankHistory, known_rank
from distrib.domain.ranks.promotion import Metric, decided, metrics_kept, metrics_needed
from distrib.services.context import Actor, Program, format_period, period_bounds
from distrib.services.plans.versions import ladder_of, load_timeline
from distrib.services.ranks.basis import Since, TakenBack, take_back
from distrib.services.ranks.figures import Figures, Shops, microseconds, shops_at, touched_shops
from distrib.services.ranks.promotion import rank_changes
from distrib.store.orders import queue
from distrib.store.ranks import columns as rank_columns
from distrib.store.ranks import evaluations as store
from distrib.store.ranks import figures
from distrib.store.ranks.evaluations import EvaluationRow
from distrib.store.ranks.figures import RankChange

_INSTANT = timedelta(microseconds=1)
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)
SHOPS_AT_ONCE = 10_000


def evaluate_month(
    conn: Connection, program: Program, period: int, actor: Actor, now: datetime
) -> tuple[EvaluationRow, bool]:
    """Evaluates a month, and whether this call did it: what is evaluated already stays as it is.

    Raises:
        Refusal: ``period_not_over``, ``events_pending`` or ``evaluation_in_sequence``.
    """
    rank_columns.have_time(conn)
    store.lock_evaluations(conn, program.program_id)
    known = store.find_evaluation(conn, program.program_id, period)
    if known is not None:
        return known, False
    newest = store.newest_evaluation(conn, program.program_id)
    _check_due(conn, program, period, newest, now)
    queue.hold_timeline(conn, program.program_id)
    timeline = load_timeline(conn, program)
    _, effective_at = period_bounds(period, program.zone)
    last_instant = effective_at.astimezone(UTC) - _INSTANT
    entry = timeline.in_force(last_instant)
    seen = store.newest_rank_seq(conn, program.program_id)  # what this one promotes, the next one looks at
    counts = Counts()
    if entry is not None:
        month = _Month(program, ladder_of(timeline), entry.plan, period, last_instant, newest, now, actor)
        counts = _evaluate(conn, month)
    row = EvaluationRow(
        period,
        None if entry is None else entry.version_no,
        effective_at.astimezone(UTC),
        counts.shops,
        counts.promoted,
        counts.lowered,
        counts.taken_back,
        counts.failing,
        seen,
        now,
        actor.key_id,
    )
    store.insert_evaluation(conn, program.program_id, row)
    return row, True


def evaluation_view(program: Program, row: EvaluationRow) -> dict[str, Any]:
    """An evaluation as it is answered."""
    counts = {name: getattr(row, name) for name in ("shops", "promoted", "lowered", "taken_back", "failing")}
    times = {"effective_at": row.effective_at, "evaluated_at": row.evaluated_at, "evaluated_by": row.evaluated_by}
    return {"program": program.code, "month": format_period(row.period), **counts, **times}


def due_period(conn: Connection, program: Program, now: datetime) -> int | None:
    """The month whose evaluation is due by itself: the next in sequence, once the program has lived through its end.

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
    """A program's evaluations, newest month first, and after what the next page begins."""
    rows = store.list_evaluations(conn, program.program_id, cursor[0] if cursor else 999_999, limit + 1)
    return rows[:limit], (rows[limit - 1].period,) if len(rows) > limit else None


@dataclass(slots=True)
class Counts:
    """What an evaluation came to."""

    shops: int = 0
    promoted: int = 0
    lowered: int = 0
    taken_back: int = 0
    failing: int = 0


@dataclass(frozen=True, slots=True)
class _Month:
    """What is evaluated: the month, the plan in force at its last instant, and the evaluation before."""

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
    def since(self) -> Since:
        """Where the evaluation before left off."""
        if self.previous is None:
            return Since(_BEFORE_ALL, 0)
        return Since(self.previous.effective_at, self.previous.ranks_seq)

    @property
    def plan_after(self) -> Plan:
        """The plan in force when the evaluation takes effect; seldom another."""
        return self.ladder.plan_at(self.effective_at) or self.plan


@dataclass(frozen=True, slots=True)
class _Judged:
    """All shops with what was decided about each, and by which figures."""

    shops: Shops
    figures: Mapping[Metric, Integers]
    judgement: Judgement
    listed: Integers
    taken: Mapping[int, TakenBack]

    def at(self, place: int) -> dict[Metric, int]:
        """The figures of one shop."""
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


def _evaluate(conn: Connection, month: _Month) -> Counts:
    shops = shops_at(conn, month.program, month.last_instant)
    judged = _judge(conn, month, shops)
    failing = judged.judgement.failures > 0
    counts = Counts(shops=shops.count, failing=int(failing.sum()))
    changed = np.flatnonzero(judged.judgement.ranks != judged.listed)
    for start in range(0, len(changed), SHOPS_AT_ONCE):
        places = [int(place) for place in changed[start : start + SHOPS_AT_ONCE]]
        changes = _changes(conn, month, judged, places, counts)
        if changes:
            by = month.actor.key_id
            figures.insert_rank_changes(conn, month.program.program_id, changes, by, month.now)
    store.copy_failures(conn, month.program.program_id, month.period, _failures(month.plan, judged, failing))
    return counts


def _judge(conn: Connection, month: _Month, shops: Shops) -> _Judged:
    plan, at, effective_at = month.plan, month.last_instant, month.effective_at
    reader = Figures(conn, month.program, month.ladder, shops, at)
    columns = reader.read(plan, metrics_needed(plan) | metrics_kept(plan))
    before, _ = reader.earned_ranks(plan, at, at)
    now, since = reader.earned_ranks(plan, effective_at, at)
    if month.plan_after is not plan:  # what takes effect with another version has that version's names
        has_new_name = since == microseconds(effective_at)
        now = np.where(has_new_name, before, now)
        before = np.where(has_new_name, -1, before)
    listed = now.copy()
    failures = _failures_so_far(conn, month, shops, now)
    taken = _taken_back(conn, month, shops)
    for place, found in taken.items():
        before[place] = _place(plan, found.before)
        now[place] = max(_place(plan, found.now), before[place])
    judgement = judge(plan.ranks, Standing(before, now, np.where(now == listed, failures, 0)), columns)
    return _Judged(shops, columns, judgement, listed, taken)


def _place(plan: Plan, rank: str | None) -> int:
    return plan.rank_index(known_rank(plan, rank))


def _taken_back(conn: Connection, month: _Month, shops: Shops) -> dict[int, TakenBack]:
    """By place: whoever loses promotions made since the evaluation before."""
    since, program_id = month.since, month.program.program_id
    promoted = store.promoted_shops(conn, program_id, since.instant, since.seq, month.effective_at)
    if not promoted:
        return {}
    metrics = {metric for plan in month.ladder.plans() for metric in metrics_needed(plan)}
    touched = touched_shops(conn, month.program, shops, metrics)
    places = places_of(shops.numbers, np.array(promoted, dtype=np.int64))
    some = [int(number) for number in shops.numbers[places[touched[places]]]]
    figures.prefer_indexes(conn)
    found = take_back(conn, month.program, month.ladder, some, since, month.last_instant, month.effective_at)
    return {int(np.searchsorted(shops.numbers, one.shop_no)): one for one in found}


def _failures_so_far(conn: Connection, month: _Month, shops: Shops, now: Integers) -> Integers:
    """How often in a row every shop has failed to keep the very rank that it has now."""
    before = previous_period(month.period)
    rows = store.failures_of(conn, month.program.program_id, before)
    _, since = period_bounds(before, month.program.zone)
    numbers = np.array([row[0] for row in rows], dtype=np.int64)
    ranks = [month.ladder.carry(row[1], since - _INSTANT, month.last_instant) for row in rows]
    places = np.array([_place(month.plan, rank) for rank in ranks], dtype=np.int64)
    failures = at_places(shops.numbers, numbers, np.array([row[2] for row in rows], dtype=np.int64))
    return np.where(at_places(shops.numbers, numbers, places) == now, failures, 0)


def _failures(plan: Plan, judged: _Judged, failing: Truths) -> Iterator[tuple[int, str, int, bool]]:
    judgement = judged.judgement
    for place in np.flatnonzero(failing):
        is_lowered = bool(judgement.is_lowered[place])
        rank = plan.ranks[int(judgement.ranks[place]) + is_lowered].code
        yield int(judged.shops.numbers[place]), rank, int(judgement.failures[place]), is_lowered


def _changes(
    conn: Connection, month: _Month, judged: _Judged, places: Sequence[int], counts: Counts
) -> list[RankChange]:
    """The rows of some shops whose rank is another than the history says."""
    program_id = month.program.program_id
    numbers = [int(judged.shops.numbers[place]) for place in places]
    store.lock_shops(conn, program_id, numbers)
    history = RankHistory(figures.rank_rows(conn, program_id, numbers), month.ladder)
    changes: list[RankChange] = []
    for place in places:
        changes.extend(_change(month, judged, place, history, counts))
    return changes


def _change(month: _Month, judged: _Judged, place: int, history: RankHistory, counts: Counts) -> list[RankChange]:
    shop_no, at, there = int(judged.shops.numbers[place]), month.effective_at, month.plan_after
    code = month.plan.ranks[int(judged.judgement.ranks[place])].code
    rank = known_rank(there, month.ladder.carry(code, month.last_instant, at))
    listed = history.earned(shop_no, at, there)
    reason = {"evaluation": format_period(month.period), "at": month.last_instant.isoformat(), "from": listed}
    if there.rank_index(rank) > there.rank_index(listed):
        counts.promoted += 1
        shown = _why_up(month.plan, judged, place)
        return rank_changes(shop_no, history.rise(shop_no, at, rank, there), PROMOTION, reason | {"to": code} | shown)
    is_lowered, is_taken = bool(judged.judgement.is_lowered[place]), place in judged.taken
    if rank == listed or not (is_lowered or is_taken):
        return []
    counts.lowered += is_lowered
    counts.taken_back += is_taken
    shown = _why_down(month.plan, judged, place, is_lowered=is_lowered)
    return rank_changes(shop_no, history.fall(shop_no, at, rank, there), EVALUATION, reason | {"to": code} | shown)


def _why_up(plan: Plan, judged: _Judged, place: int) -> dict[str, Any]:
    promote = plan.ranks[int(judged.judgement.ranks[place])].promote
    return {} if promote is None else {"conditions": decided(promote, judged.at(place))}


def _why_down(plan: Plan, judged: _Judged, place: int, *, is_lowered: bool) -> dict[str, Any]:
    """The numbers that cost a rank: of promotions without a basis, of ``keep``, or both."""
    why: dict[str, Any] = {}
    taken = judged.taken.get(place)
    if taken is not None:
        why = {"code": "basis_refunded", "taken_back": [one.shown for one in taken.unfounded]}
    if is_lowered:
        judgement = judged.judgement
        lost = plan.ranks[int(judgement.ranks[place]) + 1]
        assert lost.keep is not None
        conditions = decided(lost.keep, judged.at(place))
        kept = {"keep": conditions, "failures": int(judgement.failures[place]), "grace": lost.grace}
        why = {"code": "keep_failed"} | why | kept
    return why
