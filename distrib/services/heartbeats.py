"""Which processes live and what they do, and how the periodic jobs go, as they tell it themselves.

They work for all programs; nothing that is told names one. No SQL may enter.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from sqlalchemy import Connection

from distrib.store import heartbeats as store
from distrib.store.heartbeats import BatchRow, JobRun, PeriodicRow, ProcessRow

__all__ = ["JobRun"]

SUPERVISOR, WORKER = KINDS = ("supervisor", "worker")
DRAINS, SWEEPS = "drains", "sweeps"
BUSY, IDLE, LOST, ENDED = STATES = ("busy", "idle", "lost", "ended")
BEATS_EVERY: Final = timedelta(seconds=5)
LOST_AFTER: Final = timedelta(seconds=30)
"""A process that was not heard of for so long is taken for dead."""
KEPT_FOR: Final = timedelta(days=1)
MOST_SHOWN: Final = 200
MISSED_RUNS: Final = 3
"""A job is late that should have run so many times since it last went well,"""
LEAST_LATE: Final = timedelta(minutes=2)
"""but never before this: some take a while."""


BATCH_BOUNDS_MS: Final = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 2**31 - 1)
"""By which the times of batches are counted; none takes longer than the last."""


class BatchSeconds(NamedTuple):
    """How long batches took: seconds, and how many took no longer; all that they spent, settled and applied.

    The last count, of all, has no bound: None.
    """

    counts: Sequence[tuple[float | None, int]]
    spent_s: float
    orders: int
    events: int


class BatchTimes:
    """How long the batches of one process took, since it last told."""

    def __init__(self) -> None:
        self._by_bound: dict[int, BatchRow] = {}

    def add(self, took_ms: int, orders: int, events: int) -> None:
        """Adds one batch."""
        bound = BATCH_BOUNDS_MS[bisect_left(BATCH_BOUNDS_MS, took_ms)]
        self.add_all([BatchRow(bound, 1, took_ms, orders, events)])

    def add_all(self, rows: Sequence[BatchRow]) -> None:
        """Adds what others counted."""
        for row in rows:
            known = self._by_bound.get(row.up_to_ms, BatchRow(row.up_to_ms, 0, 0, 0, 0))
            sums = (before + more for before, more in zip(known[1:], row[1:], strict=True))
            self._by_bound[row.up_to_ms] = BatchRow(row.up_to_ms, *sums)

    def take(self) -> list[BatchRow]:
        """Takes out what there is."""
        taken, self._by_bound = self._by_bound, {}
        return list(taken.values())


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """What a process says of itself.

    Args:
        activity: what it is at (``DRAINS``, ``SWEEPS``) since when; None: nothing.
        orders: settled since it began.
        is_first: the first that it says.
        is_last: it ends as it should.
        batches: how long those took that it has not told of yet.
    """

    process_id: str
    kind: str
    began_at: datetime
    activity: tuple[str, datetime] | None
    orders: int
    is_first: bool = False
    is_last: bool = False
    batches: Sequence[BatchRow] = ()


def beat(conn: Connection, sign: SignOfLife, now: datetime) -> None:
    """Records that a process lives and what it is at; when one begins, who was not heard of for a day is forgotten."""
    activity, since = sign.activity or (None, None)
    ended_at = now if sign.is_last else None
    row = ProcessRow(sign.process_id, sign.kind, sign.began_at, now, activity, since, sign.orders, ended_at)
    store.write_beat(conn, row)
    if sign.batches:
        store.add_batches(conn, sign.batches)
    if sign.is_first:
        store.forget_processes(conn, now - KEPT_FOR)


def note_run(conn: Connection, run: JobRun, now: datetime) -> None:
    """Records that a periodic job ended."""
    store.write_run(conn, run, now)


@dataclass(frozen=True, slots=True)
class ProcessView:
    """A process that works, or worked, with what it is at."""

    id: str
    kind: str
    state: str
    began_at: datetime
    seen_at: datetime
    activity: str | None
    busy_since: datetime | None
    orders: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobView:
    """A periodic job with how it went last, and when it is next."""

    name: str
    every_seconds: int
    last_success_at: datetime | None
    took_ms: int | None
    last_failure_at: datetime | None
    error: str | None
    next_at: datetime
    is_late: bool


@dataclass(frozen=True, slots=True)
class Workers:
    """The processes, the last heard of first, and the periodic jobs by name."""

    as_of: datetime
    processes: list[ProcessView]
    jobs: list[JobView]


def show_workers(conn: Connection, now: datetime) -> Workers:
    """Lists processes and periodic jobs, each with whether it is as it should."""
    return Workers(
        now,
        [_process(row, now) for row in store.list_processes(conn, MOST_SHOWN)],
        [_job(row, now) for row in store.list_runs(conn, MOST_SHOWN)],
    )


def processes_alive(conn: Connection, now: datetime) -> dict[str, int]:
    """Counts, by their kind, the processes that work: heard of lately, and not ended."""
    alive = Counter(row.kind for row in store.list_processes(conn, MOST_SHOWN) if _state(row, now) in (BUSY, IDLE))
    return {kind: alive[kind] for kind in KINDS}


def job_figures(conn: Connection, now: datetime) -> dict[str, dict[str, float]]:
    """Reads of each periodic job, by its name, when it last went well, how long that took, and whether it is late."""
    rows = store.list_runs(conn, MOST_SHOWN)
    done = {row.job: row for row in rows if row.done_at is not None}
    return {
        "distrib_periodic_job_success_timestamp_seconds": {
            job: int(row.done_at.timestamp()) for job, row in done.items() if row.done_at is not None
        },
        "distrib_periodic_job_seconds": {job: (row.took_ms or 0) / 1_000 for job, row in done.items()},
        "distrib_periodic_job_late": {row.job: int(_is_late(row, now)) for row in rows},
    }


def batch_seconds(conn: Connection) -> BatchSeconds:
    """Reads how long all batches took that workers have told of, none of them ever forgotten."""
    by_bound = {row.up_to_ms: row for row in store.list_batches(conn, len(BATCH_BOUNDS_MS))}
    rows = [by_bound.get(bound, BatchRow(bound, 0, 0, 0, 0)) for bound in BATCH_BOUNDS_MS]
    counts = accumulate(row.batches for row in rows)
    bounds = [*(bound / 1_000 for bound in BATCH_BOUNDS_MS[:-1]), None]
    return BatchSeconds(
        list(zip(bounds, counts, strict=True)),
        sum(row.spent_ms for row in rows) / 1_000,
        sum(row.orders for row in rows),
        sum(row.events for row in rows),
    )


def _process(row: ProcessRow, now: datetime) -> ProcessView:
    return ProcessView(
        id=row.process_id,
        kind=row.kind,
        state=_state(row, now),
        began_at=row.began_at,
        seen_at=row.seen_at,
        activity=row.activity,
        busy_since=row.busy_since,
        orders=row.orders,
        ended_at=row.ended_at,
    )


def _state(row: ProcessRow, now: datetime) -> str:
    if row.ended_at is not None:
        return ENDED
    if now - row.seen_at > LOST_AFTER:
        return LOST
    return IDLE if row.activity is None else BUSY


def _job(row: PeriodicRow, now: datetime) -> JobView:
    every = timedelta(seconds=row.every_seconds)
    since = row.done_at or row.failed_at or now
    return JobView(
        name=row.job,
        every_seconds=row.every_seconds,
        last_success_at=row.done_at,
        took_ms=row.took_ms,
        last_failure_at=row.failed_at,
        error=row.error,
        next_at=since + every,
        is_late=_is_late(row, now),
    )


def _is_late(row: PeriodicRow, now: datetime) -> bool:
    since = row.done_at or row.failed_at or now
    return now - since > max(MISSED_RUNS * timedelta(seconds=row.every_seconds), LEAST_LATE)
