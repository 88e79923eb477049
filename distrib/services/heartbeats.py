"""Which processes live and what they do, and how the periodic jobs go, as they tell it themselves.

They work for all programs; nothing that is told names one. No SQL may enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from distrib.store import heartbeats as store
from distrib.store.heartbeats import PeriodicRow, ProcessRow

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


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """What a process says of itself.

    Args:
        activity: what it is at (``DRAINS``, ``SWEEPS``) since when; None: nothing.
        orders: settled since it began.
        is_first: the first that it says.
        is_last: it ends as it should.
    """

    process_id: str
    kind: str
    began_at: datetime
    activity: tuple[str, datetime] | None
    orders: int
    is_first: bool = False
    is_last: bool = False


def beat(conn: Connection, sign: SignOfLife, now: datetime) -> None:
    """Records that a process lives and what it is at; when one begins, who was not heard of for a day is forgotten."""
    activity, since = sign.activity or (None, None)
    ended_at = now if sign.is_last else None
    row = ProcessRow(sign.process_id, sign.kind, sign.began_at, now, activity, since, sign.orders, ended_at)
    store.write_beat(conn, row)
    if sign.is_first:
        store.forget_processes(conn, now - KEPT_FOR)


def note_run(conn: Connection, job: str, every_seconds: int, now: datetime, took_ms: int, error: str | None) -> None:
    """Records that a periodic job ended, well or with an error by its kind."""
    store.write_run(conn, job, every_seconds, now, took_ms, error)


def show_workers(conn: Connection, now: datetime) -> dict[str, Any]:
    """Lists processes, the last heard of first, and the periodic jobs by name, each with whether it is as it should."""
    return {
        "as_of": now,
        "processes": [_process(row, now) for row in store.list_processes(conn, MOST_SHOWN)],
        "jobs": [_job(row, now) for row in store.list_runs(conn, MOST_SHOWN)],
    }


def _process(row: ProcessRow, now: datetime) -> dict[str, Any]:
    return {
        "id": row.process_id,
        "kind": row.kind,
        "state": _state(row, now),
        "began_at": row.began_at,
        "seen_at": row.seen_at,
        "activity": row.activity,
        "busy_since": row.busy_since,
        "orders": row.orders,
        "ended_at": row.ended_at,
    }


def _state(row: ProcessRow, now: datetime) -> str:
    if row.ended_at is not None:
        return ENDED
    if now - row.seen_at > LOST_AFTER:
        return LOST
    return IDLE if row.activity is None else BUSY


def _job(row: PeriodicRow, now: datetime) -> dict[str, Any]:
    every = timedelta(seconds=row.every_seconds)
    since = row.done_at or row.failed_at or now
    return {
        "name": row.job,
        "every_seconds": row.every_seconds,
        "last_success_at": row.done_at,
        "took_ms": row.took_ms,
        "last_failure_at": row.failed_at,
        "error": row.error,
        "next_at": since + every,
        "is_late": now - since > max(MISSED_RUNS * every, LEAST_LATE),
    }
