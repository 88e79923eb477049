"""The monthly evaluation of ranks (plan.md, Ranks): promotions, ``keep``, and promotions that lost their basis.

A month is evaluated once, after it is over and its events are applied, in sequence. Figures are as of the month's
last instant, with every refund that is known when it runs; what it decides takes effect at the start of the next
month. All shops are judged at once, in columns; only those whose rank changes are processed one by one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from distrib.domain.periods import next_period
from distrib.failpoints import reach
from distrib.services.context import Actor, Program, Unit, format_period, period_bounds
from distrib.services.plans.versions import Timeline, load_timeline
from distrib.services.ranks.facts import StoredRanks
from distrib.services.ranks.figures import shops_at
from distrib.services.ranks.judging import (
    BEFORE_ALL,
    Counts,
    Judged,
    JudgedMonth,
    changes_at,
    failures_of,
    judge_month,
    month_to_judge,
)
from distrib.services.refusals import EvaluationInSequence, EventsPending, PeriodNotOver
from distrib.store.orders import queue
from distrib.store.ranks import columns as rank_columns
from distrib.store.ranks import evaluations as store
from distrib.store.ranks import figures
from distrib.store.ranks.evaluations import EvaluationMark, EvaluationRow

_INSTANT = timedelta(microseconds=1)
CHUNK_SHOPS = 10_000


def evaluate_month(unit: Unit, period: int) -> tuple[EvaluationRow, bool]:
    """Evaluates a month once; answers its evaluation, and whether this call made it.

    Raises:
        Refusal: ``period_not_over``, ``events_pending`` or ``evaluation_in_sequence``.
    """
    rank_columns.allow_long_reads(unit.conn)
    store.lock_evaluations(unit.conn, unit.program_id)
    known = store.find_evaluation(unit.conn, unit.program_id, period)
    if known is not None:
        return known, False
    newest = store.newest_evaluation(unit.conn, unit.program_id)
    _check_due(unit, period, newest)
    queue.hold_timeline(unit.conn, unit.program_id)
    timeline = load_timeline(unit.conn, unit.program)
    month = month_to_judge(unit.program, timeline, period, _mark_of(newest))
    judged = None
    if month is not None:
        judged = _judge_between_promotions(unit.conn, month)
        reach("evaluation.judged")
    store.lock_promotions(unit.conn, unit.program_id)
    row = _keep(unit, period, timeline, month, judged)
    reach("evaluation.written")
    return row, True


def _keep(
    unit: Unit, period: int, timeline: Timeline, month: JudgedMonth | None, judged: Judged | None
) -> EvaluationRow:
    """Writes what a month's evaluation came to."""
    _, effective_at = period_bounds(period, unit.program.zone)
    entry = timeline.in_force(effective_at.astimezone(UTC) - _INSTANT)
    ranks_seq = store.newest_rank_seq(unit.conn, unit.program_id)  # what this one promotes, the next one checks
    counts = Counts() if month is None or judged is None else _write(unit.conn, month, judged, unit.actor, unit.now)
    row = EvaluationRow(
        period=period,
        version_no=None if entry is None else entry.version_no,
        effective_at=effective_at.astimezone(UTC),
        **asdict(counts),
        ranks_seq=ranks_seq,
        evaluated_at=unit.now,
        evaluated_by=unit.actor.key_id,
    )
    store.insert_evaluation(unit.conn, unit.program_id, row)
    return row


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """The evaluation of a month: how many shops it judged, and what became of them."""

    program: str
    month: str
    shops: int
    promoted: int
    lowered: int
    taken_back: int
    failing: int
    effective_at: datetime
    evaluated_at: datetime
    evaluated_by: str


def evaluation_view(program: Program, row: EvaluationRow) -> EvaluationView:
    """Shows an evaluation as the API and the command line answer it."""
    return EvaluationView(
        program=program.code,
        month=format_period(row.period),
        shops=row.shops,
        promoted=row.promoted,
        lowered=row.lowered,
        taken_back=row.taken_back,
        failing=row.failing,
        effective_at=row.effective_at,
        evaluated_at=row.evaluated_at,
        evaluated_by=row.evaluated_by,
    )


def due_period(unit: Unit) -> int | None:
    """Resolves the month that is due for evaluation: the next in sequence, once its end lies behind the program.

    A program whose history is brought in is evaluated by hand (``distrib ranks evaluate``) until the month it was
    opened in is over: what an operator has not finished bringing in is not for a clock to judge.
    """
    newest = store.newest_evaluation(unit.conn, unit.program_id)
    opened = unit.program.period_of(store.opened_at(unit.conn, unit.program_id))
    period = opened if newest is None else next_period(newest.period)
    _, lived_through = period_bounds(max(period, opened), unit.program.zone)
    _, follows = period_bounds(period, unit.program.zone)
    if unit.now < lived_through or store.count_pending(unit.conn, unit.program_id, follows.date()):
        return None
    return period


def list_evaluations(
    conn: Connection, program: Program, cursor: tuple[int] | None = None, limit: int = 50
) -> tuple[list[EvaluationRow], tuple[int] | None]:
    """Lists a page of a program's evaluations, newest month first, and the cursor of the next page."""
    (before,) = cursor or (999_999,)
    rows = store.list_evaluations(conn, program.program_id, before, limit + 1)
    return rows[:limit], (rows[limit - 1].period,) if len(rows) > limit else None


def _check_due(unit: Unit, period: int, newest: EvaluationRow | None) -> None:
    _, follows = period_bounds(period, unit.program.zone)
    if unit.now < follows:
        raise PeriodNotOver(period=format_period(period))
    if newest is not None and period != next_period(newest.period):
        raise EvaluationInSequence(next=format_period(next_period(newest.period)))
    events = store.count_pending(unit.conn, unit.program_id, follows.date())
    if events:
        raise EventsPending(events=events)


def _judge_between_promotions(conn: Connection, month: JudgedMonth) -> Judged:
    """Judges all shops of the program, of which none is promoted from now on; again where one was meanwhile."""
    program_id = month.program.program_id
    seq = store.settled_rank_seq(conn, program_id)
    facts = StoredRanks(conn, program_id)
    judged = judge_month(facts, month, shops_at(facts, month.last_instant))
    store.lock_promotions(conn, program_id)
    if store.has_newer_ranks(conn, program_id, seq, month.effective_at):
        judged = judge_month(facts, month, shops_at(facts, month.last_instant))
    return judged


def _write(conn: Connection, month: JudgedMonth, judged: Judged, actor: Actor, now: datetime) -> Counts:
    """Writes the changes of rank and the failures to keep one; answers the counts."""
    program_id, counts = month.program.program_id, Counts.of(judged)
    facts = StoredRanks(conn, program_id)
    for places in judged.changed(CHUNK_SHOPS):
        store.lock_shops(conn, program_id, judged.shops.numbers[places].tolist())
        changes = changes_at(facts, month, judged, places, counts)
        if changes:
            figures.insert_rank_changes(conn, program_id, changes, actor.key_id, now)
    reach("evaluation.changed")
    store.copy_failures(conn, program_id, month.period, failures_of(month.plan, judged))
    return counts


def _mark_of(newest: EvaluationRow | None) -> EvaluationMark:
    """Where an evaluation ended; before all where there is none."""
    return BEFORE_ALL if newest is None else EvaluationMark(newest.effective_at, newest.ranks_seq)
