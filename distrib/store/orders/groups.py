"""Groups (拼团): their heads, what was decided, and the orders that a decision wakes.

A group's row is the lock on which its orders and its decision meet: orders hold it shared while
they look whether the group is decided, the decision holds it alone. Nothing that knows what a
decision means for money may enter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import column, execute, execute_as

# In the order of their numbers, so that two batches that meet wait and do not deadlock.
_LOCK = """
SELECT group_no, group_id FROM groups
WHERE program_id = (SELECT %(program)s::integer)
  AND (group_id = ANY(%(ids)b::text[]) OR group_no = ANY(%(numbers)b::bigint[]))
ORDER BY group_no FOR {strength}
"""
_DECISIONS = """
SELECT group_no, event_no, has_succeeded, occurred_at, day FROM group_decisions
WHERE program_id = (SELECT %(program)s::integer) AND group_no = ANY(%(numbers)b::bigint[])
"""
_INSERT_DECISIONS = """
INSERT INTO group_decisions (program_id, group_no, event_no, has_succeeded, occurred_at, day)
SELECT %(program)s, * FROM unnest(%(groups)b::bigint[], %(events)b::bigint[], %(succeeded)b::boolean[],
    %(times)b::timestamptz[], %(days)b::date[])
"""
_INSERT_ORDERS = """
INSERT INTO group_orders (program_id, group_no, order_no)
SELECT %(program)s, * FROM unnest(%(groups)b::bigint[], %(orders)b::bigint[])
ON CONFLICT DO NOTHING
"""
# In the transaction of the decision itself, so that there is no moment at which nothing is pending: the settlements
# that wait for the group, and after a failure the payments of which something is expected.
_REOPEN_WAITING = """
UPDATE event_outcomes x SET status = 'pending' FROM group_orders m
WHERE m.program_id = (SELECT %(program)s::integer) AND m.group_no = ANY(%(groups)b::bigint[])
  AND x.program_id = m.program_id AND x.order_no = m.order_no AND x.status = 'waiting' AND x.code = 'waits_for_group'
"""
_REOPEN_PAID = """
UPDATE event_outcomes x SET status = 'pending', done_at = NULL
FROM group_orders m
JOIN expecting_orders q USING (program_id, order_no)
JOIN paid_orders p USING (program_id, order_no, payment_no)
WHERE m.program_id = (SELECT %(program)s::integer) AND m.group_no = ANY(%(groups)b::bigint[])
  AND x.program_id = m.program_id AND x.order_no = m.order_no AND x.event_no = p.event_no
"""
# Not before the decision's own day, so that days which are through stay so.
_WAKE = """
INSERT INTO queue (program_id, order_no, day, bytes)
SELECT w.program_id, w.order_no, min(w.day), sum(w.bytes)
FROM (
    SELECT m.program_id, m.order_no, GREATEST(d.day, e.day) AS day, octet_length(e.payload) AS bytes
    FROM group_decisions d
    JOIN group_orders m USING (program_id, group_no)
    JOIN event_outcomes x ON x.program_id = m.program_id AND x.order_no = m.order_no
    JOIN events e ON e.program_id = x.program_id AND e.order_no = x.order_no AND e.event_no = x.event_no
    WHERE d.program_id = (SELECT %(program)s::integer) AND d.group_no = ANY(%(groups)b::bigint[])
      AND x.status = 'pending'
) w
WHERE NOT EXISTS (SELECT 1 FROM queue q
                  WHERE q.program_id = w.program_id AND q.order_no = w.order_no AND q.day <= w.day)
GROUP BY w.program_id, w.order_no ORDER BY w.order_no LIMIT %(limit)s
ON CONFLICT (program_id, order_no) DO UPDATE
SET day = LEAST(queue.day, EXCLUDED.day), bytes = queue.bytes + EXCLUDED.bytes
"""
_WAKE_FORGOTTEN = """
INSERT INTO queue (program_id, order_no, day)
SELECT DISTINCT d.program_id, d.group_no, d.day
FROM event_outcomes x
JOIN group_orders m USING (program_id, order_no)
JOIN group_decisions d USING (program_id, group_no)
WHERE x.status = 'pending'
  AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.program_id = x.program_id AND q.order_no IN (m.order_no, m.group_no))
ORDER BY 1, 2
ON CONFLICT (program_id, order_no) DO NOTHING
"""
WAKE_CHUNK = 5_000


class Decision(NamedTuple):
    """Whether a group succeeded; ``event_no`` is the event that said so."""

    group_no: int
    event_no: int
    has_succeeded: bool
    occurred_at: datetime
    day: date


_LOCK_TO_DECIDE, _LOCK_SHARED = _LOCK.format(strength="UPDATE"), _LOCK.format(strength="SHARE")


def lock_groups(
    conn: Connection, program_id: int, ids: Collection[str], numbers: Collection[int], to_decide: bool
) -> dict[str, int]:
    """Locks groups and returns their numbers by id: alone where one is to be decided, shared otherwise."""
    params = {"program": program_id, "ids": sorted(ids), "numbers": sorted(numbers)}
    return {
        group_id: group_no
        for group_no, group_id in execute(conn, _LOCK_TO_DECIDE if to_decide else _LOCK_SHARED, params)
    }


def decisions_of(conn: Connection, program_id: int, numbers: Collection[int]) -> dict[int, Decision]:
    """Reads the decisions on the groups of those numbers; those undecided are left out."""
    bound = {"program": program_id, "numbers": sorted(numbers)}
    return {decision.group_no: decision for decision in execute_as(conn, Decision, _DECISIONS, bound)}


def groups_among(conn: Connection, program_id: int, numbers: Collection[int]) -> set[int]:
    """Finds which of the numbers are groups' and no orders'."""
    statement = "SELECT group_no FROM groups WHERE program_id = %(program)s AND group_no = ANY(%(numbers)b::bigint[])"
    return set(column(conn, int, statement, {"program": program_id, "numbers": sorted(numbers)}))


def insert_decisions(conn: Connection, program_id: int, decisions: Sequence[Decision]) -> None:
    """Writes decisions on groups."""
    columns = {
        "program": program_id,
        "groups": [row.group_no for row in decisions],
        "events": [row.event_no for row in decisions],
        "succeeded": [row.has_succeeded for row in decisions],
        "times": [row.occurred_at for row in decisions],
        "days": [row.day for row in decisions],
    }
    execute(conn, _INSERT_DECISIONS, columns)


def insert_orders(conn: Connection, program_id: int, members: Iterable[tuple[int, int]]) -> None:
    """Writes which orders belong to which groups, as (group, order)."""
    rows = sorted(members)
    columns = {"program": program_id, "groups": [group for group, _ in rows], "orders": [order for _, order in rows]}
    execute(conn, _INSERT_ORDERS, columns)


def reopen_events(conn: Connection, program_id: int, decisions: Sequence[Decision]) -> None:
    """Makes the events pending again that waited for these decisions, or that a failure undoes."""
    with _by_index(conn):
        groups = sorted(row.group_no for row in decisions)
        execute(conn, _REOPEN_WAITING, {"program": program_id, "groups": groups})
        failed = sorted(row.group_no for row in decisions if not row.has_succeeded)
        if failed:
            execute(conn, _REOPEN_PAID, {"program": program_id, "groups": failed})


def wake_orders(conn: Connection, program_id: int, groups: Collection[int]) -> bool:
    """Queues the orders of decided groups that have something pending, some thousands at once.

    Returns:
        Whether there may be more of them.
    """
    params = {"program": program_id, "groups": sorted(groups), "limit": WAKE_CHUNK}
    with _by_index(conn):
        return execute(conn, _WAKE, params).rowcount >= WAKE_CHUNK


def wake_forgotten(conn: Connection) -> int:
    """Queues decided groups, of every program, with orders that are pending and in no queue; returns how many."""
    return execute(conn, _WAKE_FORGOTTEN).rowcount


_BY_INDEX_ALONE, _AS_BEFORE = (
    [f"SET LOCAL {name} {switched}" for name in ("enable_hashjoin", "enable_mergejoin", "enable_seqscan")]
    for switched in ("= off", "TO DEFAULT")
)


@contextmanager
def _by_index(conn: Connection) -> Iterator[None]:
    """Makes the planner read few rows of large tables by index; without statistics it would read them whole."""
    for setting in _BY_INDEX_ALONE:
        execute(conn, setting)
    yield
    for setting in _AS_BEFORE:
        execute(conn, setting)
