"""Signs of life of the processes that work, and how periodic jobs went. What is too old may not enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import columns_of, execute, execute_as


class ProcessRow(NamedTuple):
    """A process as it said last: what it is at, since when, and how many orders it has settled."""

    process_id: str
    kind: str
    began_at: datetime
    seen_at: datetime
    activity: str | None
    busy_since: datetime | None
    orders: int
    ended_at: datetime | None = None


class JobRun(NamedTuple):
    """A run of a periodic job that ended: well, or with an error by its kind."""

    job: str
    every_seconds: int
    took_ms: int
    error: str | None


class PeriodicRow(NamedTuple):
    """A periodic job: how often it runs, the last time that it went well, and the last that it did not."""

    job: str
    every_seconds: int
    done_at: datetime | None
    took_ms: int | None
    failed_at: datetime | None
    error: str | None


class BatchRow(NamedTuple):
    """Batches that took no longer than a bound, and longer than the bound before, with all that they did."""

    up_to_ms: int
    batches: int
    spent_ms: int
    orders: int
    events: int


_BEAT = f"""
INSERT INTO service_processes ({", ".join(ProcessRow._fields)})
VALUES ({", ".join(f"%({name})s" for name in ProcessRow._fields)})
ON CONFLICT (process_id) DO UPDATE SET seen_at = excluded.seen_at, activity = excluded.activity,
    busy_since = excluded.busy_since, orders = excluded.orders, ended_at = excluded.ended_at
"""
_FORGET = "DELETE FROM service_processes WHERE seen_at < %(before)s"
_PROCESSES = f"""
SELECT {", ".join(ProcessRow._fields)} FROM service_processes ORDER BY seen_at DESC, process_id LIMIT %(limit)s
"""
_DONE = """
INSERT INTO periodic_runs (job, every_seconds, done_at, took_ms) VALUES (%(job)s, %(every)s, %(now)s, %(took_ms)s)
ON CONFLICT (job) DO UPDATE SET every_seconds = excluded.every_seconds, done_at = excluded.done_at,
    took_ms = excluded.took_ms
"""
_FAILED = """
INSERT INTO periodic_runs (job, every_seconds, failed_at, error) VALUES (%(job)s, %(every)s, %(now)s, %(error)s)
ON CONFLICT (job) DO UPDATE SET every_seconds = excluded.every_seconds, failed_at = excluded.failed_at,
    error = excluded.error
"""
_ADD_BATCHES = """
INSERT INTO batch_times AS b (up_to_ms, batches, spent_ms, orders, events)
SELECT * FROM unnest(%(up_to_ms)s::integer[], %(batches)s::bigint[], %(spent_ms)s::bigint[], %(orders)s::bigint[],
    %(events)s::bigint[]) AS more (up_to_ms)
ORDER BY up_to_ms
ON CONFLICT (up_to_ms) DO UPDATE SET batches = b.batches + excluded.batches, spent_ms = b.spent_ms + excluded.spent_ms,
    orders = b.orders + excluded.orders, events = b.events + excluded.events
"""
_BATCHES = f"SELECT {', '.join(BatchRow._fields)} FROM batch_times ORDER BY up_to_ms LIMIT %(limit)s"
_RUNS = f"SELECT {', '.join(PeriodicRow._fields)} FROM periodic_runs ORDER BY job LIMIT %(limit)s"


def write_beat(conn: Connection, row: ProcessRow) -> None:
    """Writes what a process is at in place of what it was."""
    execute(conn, _BEAT, row._asdict())


def forget_processes(conn: Connection, before: datetime) -> None:
    """Deletes processes that were last seen before an instant."""
    execute(conn, _FORGET, {"before": before})


def list_processes(conn: Connection, limit: int) -> list[ProcessRow]:
    """Lists processes, the last seen first."""
    return execute_as(conn, ProcessRow, _PROCESSES, {"limit": limit}).fetchall()


def add_batches(conn: Connection, rows: Sequence[BatchRow]) -> None:
    """Adds up how long batches took, by bound."""
    execute(conn, _ADD_BATCHES, columns_of(BatchRow, rows))


def list_batches(conn: Connection, limit: int) -> list[BatchRow]:
    """Lists how long batches took, all there ever were, by bound."""
    return execute_as(conn, BatchRow, _BATCHES, {"limit": limit}).fetchall()


def write_run(conn: Connection, run: JobRun, now: datetime) -> None:
    """Writes that a job ended now."""
    bound = {"job": run.job, "every": run.every_seconds, "now": now, "took_ms": run.took_ms, "error": run.error}
    execute(conn, _DONE if run.error is None else _FAILED, bound)


def list_runs(conn: Connection, limit: int) -> list[PeriodicRow]:
    """Lists how each periodic job went, by name."""
    return execute_as(conn, PeriodicRow, _RUNS, {"limit": limit}).fetchall()
