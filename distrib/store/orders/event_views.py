"""Reading events with what became of them, one or a page; a page's numbers first, then each by its own key.

Events are listed by number. What an event means is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from distrib.store.pages.windows import read_windows

# Those that are not kept under their order yet, in the words of the others.
_UNPLACED = """
SELECT u.event_no, u.event_id AS id, u.type, NULL AS order_id, NULL AS group_id, u.occurred_at, u.received_at,
       CASE WHEN k.orders > 1 THEN 'failed' ELSE 'waiting' END AS status,
       CASE WHEN k.orders > 1 THEN 'refund_ambiguous' ELSE 'waits_for_refund' END AS code,
       json_build_object('id', u.refund_id)::text AS params, 0 AS attempts, NULL::timestamptz AS done_at
FROM unplaced_events u
CROSS JOIN LATERAL (SELECT count(DISTINCT e.order_no) AS orders FROM events e
                    WHERE e.program_id = u.program_id AND e.type = 'order.refunded'
                      AND e.payload::json #>> '{refund,id}' = u.refund_id) k
WHERE u.program_id = :program
"""
_EVENT = """
SELECT e.event_no, e.event_id AS id, e.type, o.order_id, g.group_id, e.occurred_at, e.received_at,
       COALESCE(x.status, 'pending') AS status, x.code, x.params, COALESCE(x.attempts, 0) AS attempts, x.done_at
{events}
LEFT JOIN LATERAL (SELECT order_id FROM orders
                   WHERE program_id = e.program_id AND order_no = e.order_no OFFSET 0) o ON true
LEFT JOIN LATERAL (SELECT status, code, params, attempts, done_at FROM event_outcomes
                   WHERE program_id = e.program_id AND order_no = e.order_no AND event_no = e.event_no
                   OFFSET 0) x ON true
LEFT JOIN LATERAL (SELECT group_id FROM groups
                   WHERE o.order_id IS NULL AND program_id = e.program_id AND group_no = e.order_no OFFSET 0) g ON true
"""
_BY_ID = _EVENT.format(events="FROM events e") + "WHERE e.program_id = :program AND e.event_id = :event_id"
_ROWS = (
    _EVENT.format(
        events="""FROM unnest(CAST(:numbers AS bigint[])) k (event_no)
CROSS JOIN LATERAL (SELECT * FROM events WHERE program_id = :program AND event_no = k.event_no OFFSET 0) e"""
    )
    + "WHERE CAST(:status AS text) IS NULL OR COALESCE(x.status, 'pending') = :status ORDER BY e.event_no"
)
_ANY = "SELECT event_no FROM events WHERE program_id = :program AND event_no > :after ORDER BY event_no LIMIT :limit"
_OPEN = """SELECT event_no FROM event_outcomes
WHERE program_id = :program AND status = '{status}' AND status <> 'done' AND event_no > :after
ORDER BY event_no LIMIT :limit"""
# Nothing is pending but of orders that are queued, and what was made pending again.
_PENDING = f"""
SELECT event_no FROM (
    (SELECT e.event_no FROM queue q CROSS JOIN LATERAL (
         SELECT e.event_no FROM events e
         WHERE e.program_id = q.program_id AND e.order_no = q.order_no AND e.event_no > :after AND NOT EXISTS (
             SELECT 1 FROM event_outcomes x
             WHERE x.program_id = e.program_id AND x.order_no = e.order_no AND x.event_no = e.event_no)
         OFFSET 0) e
     WHERE q.program_id = :program ORDER BY e.event_no LIMIT :limit)
    UNION ({_OPEN.format(status="pending")})) e
ORDER BY event_no LIMIT :limit
"""
_NUMBERS = {
    "pending": _PENDING,
    "waiting": _OPEN.format(status="waiting"),
    "failed": _OPEN.format(status="failed"),
    "done": _ANY,
}
_WAITING = f"""
SELECT * FROM ({_UNPLACED} AND u.event_no > :after) w
WHERE CAST(:status AS text) IS NULL OR w.status = :status ORDER BY w.event_no LIMIT :limit
"""


def event_view(conn: Connection, program_id: int, event_id: str) -> dict[str, Any] | None:
    """Reads one event with what became of it; None without one."""
    statement = text(f"{_BY_ID} UNION ALL {_UNPLACED} AND u.event_id = :event_id")
    row = conn.execute(statement, {"program": program_id, "event_id": event_id}).mappings().first()
    return dict(row) if row else None


def event_views(conn: Connection, program_id: int, status: str | None, after: int, limit: int) -> list[dict[str, Any]]:
    """Lists events by number, with what became of them, ``limit`` at the most after number ``after``."""
    bound = {"program": program_id, "status": status}
    numbers = text(_ANY if status is None else _NUMBERS[status])

    def numbers_after(number: int, size: int) -> list[int]:
        return list(conn.execute(numbers, bound | {"after": number, "limit": size}).scalars())

    kept = read_windows(after, limit, numbers_after, partial(_rows, conn, bound))
    waiting = conn.execute(text(_WAITING), bound | {"after": after, "limit": limit}).mappings()
    return sorted([*kept, *map(dict, waiting)], key=lambda row: int(row["event_no"]))[:limit]


def _rows(conn: Connection, bound: dict[str, Any], numbers: Sequence[int]) -> list[dict[str, Any]]:
    rows = conn.execute(text(_ROWS), bound | {"numbers": list(numbers)})
    return [dict(row) for row in rows.mappings()]
