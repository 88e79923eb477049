"""Claiming whole orders from the queue, and the outcomes of their events.

The row in ``queue`` is the lock: it is deleted by whoever settles the order, in the same
transaction. A post that meets an order being settled waits there and queues it anew.
Nothing that knows what an event means may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.locks import TIMELINE
from distrib.store.sql import column, execute, execute_as, only, value, value_or_none

_BATCH_BYTES = 8 * 1024 * 1024

# By their places in the table, so that no statistics can turn this into a join of all by all. A row that a post has
# changed since the statement began has another place by now; it stays for the next batch.
_CLAIM = """
WITH locked AS MATERIALIZED (
    SELECT ctid AS place, order_no, day, bytes FROM queue
    WHERE program_id = %(program)s AND day <= %(day)s
    ORDER BY program_id, day, order_no LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM queue WHERE ctid = ANY(ARRAY(
    SELECT place FROM (
        SELECT place, sum(bytes) OVER (ORDER BY day, order_no ROWS UNBOUNDED PRECEDING) - bytes AS before FROM locked
    ) claimed WHERE before < %(bytes)s))
RETURNING order_no, trace
"""

_CLAIM_NAMED = """
DELETE FROM queue WHERE ctid = ANY(ARRAY(
    SELECT q.ctid FROM unnest(%(orders)b::bigint[]) AS o (order_no)
    JOIN queue q ON q.program_id = (SELECT %(program)s::integer) AND q.order_no = o.order_no
    ORDER BY q.order_no FOR UPDATE OF q SKIP LOCKED))
RETURNING order_no, trace
"""

# Order by order, by the key: a program that the statistics do not know yet would be read whole for every batch.
_PENDING = """
SELECT e.order_no, e.event_no, e.day, e.payload, x.status, COALESCE(x.attempts, 0) AS attempts
FROM unnest(%(orders)b::bigint[]) AS o (order_no)
CROSS JOIN LATERAL (
    SELECT n.order_no, n.event_no, n.day, n.payload FROM events n
    WHERE n.program_id = (SELECT %(program)s::integer) AND n.order_no = o.order_no ORDER BY n.event_no OFFSET 0
) e
LEFT JOIN LATERAL (
    SELECT y.status, y.attempts FROM event_outcomes y
    WHERE y.program_id = (SELECT %(program)s::integer) AND y.order_no = e.order_no AND y.event_no = e.event_no OFFSET 0
) x ON true
WHERE x.status IS NULL OR x.status IN ('pending', 'waiting')
ORDER BY e.order_no, e.event_no
"""

_UPSERT_OUTCOMES = """
INSERT INTO event_outcomes (program_id, order_no, event_no, status, code, params, waits_for, attempts, done_at)
SELECT %(program)s, * FROM unnest(%(orders)b::bigint[], %(events)b::bigint[], %(statuses)b::text[], %(codes)b::text[],
    %(params)b::text[], %(waits)b::text[], %(attempts)b::integer[], %(done)b::timestamptz[])
ON CONFLICT (program_id, order_no, event_no) DO UPDATE SET status = EXCLUDED.status, code = EXCLUDED.code,
    params = EXCLUDED.params, waits_for = EXCLUDED.waits_for, attempts = EXCLUDED.attempts, done_at = EXCLUDED.done_at
"""


# After a payment failed: what contradicted it; where nothing is expected by another, later payments and all refunds.
_REOPEN_AFTER_FAILURE = """
UPDATE event_outcomes x SET status = 'pending', done_at = NULL
FROM unnest(%(orders)b::bigint[], %(events)b::bigint[], %(times)b::timestamptz[], %(days)b::date[],
            %(conflicts)b::boolean[]) AS f (order_no, event_no, failed_at, day, only_conflicts)
JOIN events e ON e.program_id = (SELECT %(program)s::integer) AND e.order_no = f.order_no AND e.event_no <> f.event_no
WHERE x.program_id = e.program_id AND x.order_no = e.order_no AND x.event_no = e.event_no
  AND x.status IN ('done', 'failed')
  AND (x.status = 'failed' AND x.code = 'order_conflict'
       OR NOT f.only_conflicts AND (e.type IN ('order.refunded', 'refund.reversed')
                                    OR e.type = 'order.paid' AND e.occurred_at > f.failed_at))
RETURNING e.order_no, GREATEST(e.day, f.day)
"""
# After a refund was undone: refunds of more than was left then.
_REOPEN_REFUNDS = """
UPDATE event_outcomes x SET status = 'pending', done_at = NULL
FROM unnest(%(orders)b::bigint[], %(days)b::date[]) AS f (order_no, day)
JOIN events e ON e.program_id = (SELECT %(program)s::integer) AND e.order_no = f.order_no AND e.type = 'order.refunded'
WHERE x.program_id = e.program_id AND x.order_no = e.order_no AND x.event_no = e.event_no
  AND x.status = 'failed' AND x.code = 'refund_exceeds'
RETURNING e.order_no, GREATEST(e.day, f.day)
"""


_STANDING = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM queue WHERE program_id = %(program)s LIMIT %(most)s) q) AS orders_waiting,
       n.day AS first_day, n.received_at AS first_received_at,
       (SELECT count(*) FROM (SELECT 1 FROM event_outcomes WHERE program_id = %(program)s AND status = 'waiting'
                              LIMIT %(most)s) w) AS waiting_events,
       (SELECT count(*) FROM (SELECT 1 FROM event_outcomes WHERE program_id = %(program)s AND status = 'failed'
                              LIMIT %(most)s) f) AS failed_events
FROM (SELECT 1) one LEFT JOIN LATERAL (
    SELECT f.day, (SELECT min(e.received_at) FROM events e
                   LEFT JOIN event_outcomes x ON x.program_id = e.program_id AND x.order_no = e.order_no
                        AND x.event_no = e.event_no
                   WHERE e.program_id = %(program)s AND e.order_no = f.order_no
                     AND (x.status IS NULL OR x.status = 'pending')) AS received_at
    FROM (SELECT day, order_no FROM queue WHERE program_id = %(program)s ORDER BY program_id, day, order_no LIMIT 1) f
) n ON true
"""


class QueueStanding(NamedTuple):
    """What waits to be worked on; of each kind no more is counted than was asked for."""

    orders_waiting: int
    first_day: date | None
    first_received_at: datetime | None
    waiting_events: int
    failed_events: int


class EventFigures(NamedTuple):
    """Of all programs: since when an event next in line waits, how many wait for a fact, how many failed.

    Of each program no more than 50 orders are looked at, and no more than 10,000 events of a kind counted.
    """

    oldest: datetime | None
    waiting: int
    failed: int


class Claimed(NamedTuple):
    """Orders claimed, and the traces under which any of them were queued."""

    orders: list[int]
    traces: list[str]


class Reopening(NamedTuple):
    """An event that makes others of its order be tried again, not before its own day."""

    order_no: int
    event_no: int
    occurred_at: datetime
    day: date
    only_conflicts: bool = False


class PendingEvent(NamedTuple):
    """An event that is to be applied."""

    order_no: int
    event_no: int
    day: date
    payload: str
    status: str | None
    attempts: int


class Reopened(NamedTuple):
    """An event that is pending again: its order, and the day on which it is to be applied."""

    order_no: int
    day: date


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """The outcome of an event; ``code`` says why where it is not simply done."""

    order_no: int
    event_no: int
    status: str
    attempts: int
    code: str | None = None
    params: str | None = None
    waits_for: str | None = None
    done_at: datetime | None = None


def read_by_keys(conn: Connection) -> None:
    """Has the statements of this transaction find their rows by keys, whatever the statistics say.

    Tables that were small or empty when they were counted, or when a statement was planned, would be read whole once an
    order for as long as the plan is kept.
    """
    execute(conn, "SET LOCAL enable_seqscan = off")


def programs_with_pending_events(conn: Connection, now: datetime) -> list[int]:
    """Lists the programs that have orders in the queue or promotions to decide by ``now``, by number."""
    statement = (
        "SELECT p.program_id FROM programs p"
        " WHERE EXISTS (SELECT 1 FROM queue q WHERE q.program_id = p.program_id)"
        " OR EXISTS (SELECT 1 FROM rank_signals s WHERE s.program_id = p.program_id AND s.at <= %(now)s)"
        " ORDER BY 1"
    )
    return column(conn, int, statement, {"now": now})


def queue_length(conn: Connection, program_id: int | None = None) -> int:
    """Counts the orders in the queue, of one program or of all."""
    if program_id is None:
        return value(conn, int, "SELECT queued_orders()")
    statement = "SELECT count(*) FROM queue WHERE program_id = %(program)s"
    return value(conn, int, statement, {"program": program_id})


def queue_standing(conn: Connection, program_id: int, most: int) -> QueueStanding:
    """Reads what waits in a program: how much, up to ``most`` of each, and since when the next in line does."""
    return QueueStanding._make(only(conn, _STANDING, {"program": program_id, "most": most}))


def event_figures(conn: Connection) -> EventFigures:
    """Reads what waits and what failed over all programs; costs the same however much it is."""
    return EventFigures._make(only(conn, "SELECT oldest, waiting, failed FROM event_figures()"))


def first_day(conn: Connection, program_id: int) -> date | None:
    """Reads the earliest day in the queue, rows in other hands included; None where it is empty."""
    statement = "SELECT day FROM queue WHERE program_id = %(program)s ORDER BY program_id, day, order_no LIMIT 1"
    return value_or_none(conn, date, statement, {"program": program_id})


def claim_orders(conn: Connection, program_id: int, until: date, limit: int) -> Claimed:
    """Claims up to ``limit`` queued orders of days up to ``until`` that are in nobody's hands.

    Fewer where they are heavy: orders of a thousand lines must not fill a worker's memory.
    """
    cursor = execute(conn, _CLAIM, {"program": program_id, "day": until, "limit": limit, "bytes": _BATCH_BYTES})
    return _claimed(cursor.fetchall())


def claim_named(conn: Connection, program_id: int, orders: Sequence[int]) -> Claimed:
    """Claims those of the orders that are in the queue and in nobody's hands."""
    cursor = execute(conn, _CLAIM_NAMED, {"program": program_id, "orders": list(orders)})
    return _claimed(cursor.fetchall())


def _claimed(rows: Sequence[tuple[int, str | None]]) -> Claimed:
    traces = dict.fromkeys(trace for _, trace in rows if trace is not None)
    return Claimed([order_no for order_no, _ in rows], list(traces))


def pending_events(conn: Connection, program_id: int, orders: Sequence[int]) -> list[PendingEvent]:
    """Reads the open events of the orders, by order and arrival."""
    return execute_as(
        conn, PendingEvent, _PENDING, {"program": program_id, "orders": list(orders)}, binary=True
    ).fetchall()


def upsert_outcomes(conn: Connection, program_id: int, outcomes: Sequence[EventOutcome]) -> None:
    """Writes the outcomes of events that had one before, or are not simply done."""
    columns = {
        "program": program_id,
        "orders": [outcome.order_no for outcome in outcomes],
        "events": [outcome.event_no for outcome in outcomes],
        "statuses": [outcome.status for outcome in outcomes],
        "codes": [outcome.code for outcome in outcomes],
        "params": [outcome.params for outcome in outcomes],
        "waits": [outcome.waits_for for outcome in outcomes],
        "attempts": [outcome.attempts for outcome in outcomes],
        "done": [outcome.done_at for outcome in outcomes],
    }
    execute(conn, _UPSERT_OUTCOMES, columns)


def reopen_after_failures(conn: Connection, program_id: int, failures: Sequence[Reopening]) -> list[Reopened]:
    """Makes the events pending again that happened to orders after their payment failed, or contradicted that payment.

    Returns:
        The order and the day of each.
    """
    return _reopened(conn, program_id, _REOPEN_AFTER_FAILURE, failures)


def reopen_exceeding_refunds(conn: Connection, program_id: int, undone: Sequence[Reopening]) -> list[Reopened]:
    """Makes the refunds pending again that were of more than was left, before a refund of their order was undone."""
    return _reopened(conn, program_id, _REOPEN_REFUNDS, undone)


def _reopened(conn: Connection, program_id: int, statement: str, causes: Sequence[Reopening]) -> list[Reopened]:
    columns = {
        "program": program_id,
        "orders": [cause.order_no for cause in causes],
        "events": [cause.event_no for cause in causes],
        "times": [cause.occurred_at for cause in causes],
        "conflicts": [cause.only_conflicts for cause in causes],
        "days": [cause.day for cause in causes],
    }
    return [Reopened(*row) for row in execute(conn, statement, columns)]


def hold_timeline(conn: Connection, program_id: int) -> None:
    """Keeps plans from being published until the transaction ends."""
    lock = "SELECT pg_advisory_xact_lock_shared(%(lock)s, %(program)s)"
    execute(conn, lock, {"lock": TIMELINE, "program": program_id})
