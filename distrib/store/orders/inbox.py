"""The inbox: events as they came, the heads of their orders, and the queue of orders.

Payloads are never changed. What became of an event stands in ``event_outcomes``. Nothing
that knows what an event means may enter.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from itertools import compress

from sqlalchemy import Connection

from distrib.domain.events import DecodedEvent
from distrib.store.arrays import bytes_array, day_array, instant_array, integer_array, json_texts, text_array
from distrib.store.sql import execute
from distrib.tracing import trace_here

# So that an order and its group always meet on a row, whichever comes first.
_ENSURE_GROUPS = """
INSERT INTO groups (program_id, group_id)
SELECT %(program)s, group_id FROM unnest(%(group_ids)b::text[]) AS fresh (group_id)
ON CONFLICT (program_id, group_id) DO NOTHING
"""
_ENSURE_ORDERS = """
INSERT INTO orders (program_id, order_id)
SELECT %(program)s, order_id FROM unnest(%(order_ids)b::text[]) AS fresh (order_id)
ON CONFLICT (program_id, order_id) DO NOTHING
RETURNING order_no, order_id
"""

# Events under their heads and the queue's rows of those that are new, in one statement; where others may hold a row of
# the queue, every event is written before the first of them. What was new is named only where not all were. A group's
# own events are kept under the group's number, which no order has.
_KEEP = """
, kept AS (
    INSERT INTO events (program_id, order_no, event_id, type, occurred_at, day, received_at, digest, payload)
    SELECT %(program)s, h.{number}, e.event_id, e.type, e.occurred_at, e.day, %(now)s, e.digest, e.payload
    FROM unnest(%(event_ids)b::text[], %(types)b::text[], %(head_ids)b::text[], %(times)b::timestamptz[],
                %(days)b::date[], %(digests)b::bytea[], %(payloads)b::text[])
         AS e (event_id, type, head_id, occurred_at, day, digest, payload)
    JOIN heads h ON h.{id} = e.head_id
    ORDER BY e.event_id COLLATE "C"
    ON CONFLICT (program_id, event_id) DO NOTHING
    RETURNING event_id, order_no, day, octet_length(payload) AS bytes
), queued AS (
    INSERT INTO queue (program_id, order_no, day, bytes, trace) {queued}
)
SELECT CASE WHEN count(*) < %(count)s THEN coalesce(array_agg(event_id), '{{}}') END FROM kept
"""
_KNOWN_HEADS = """
WITH heads AS (
    SELECT {number}, {id} FROM {heads} WHERE program_id = %(program)s AND {id} = ANY (%(head_ids)b::text[])
)
"""
# An order that is new has no place in the queue; with one event it needs no adding up either.
_QUEUED_ALONE = "SELECT %(program)s, order_no, day, bytes, %(trace)s::text FROM kept"
_QUEUED = (
    "SELECT %(program)s, order_no, min(day), sum(bytes), %(trace)s::text FROM kept GROUP BY order_no ORDER BY order_no"
)
_QUEUED_AGAIN = f"""{_QUEUED}
    ON CONFLICT (program_id, order_no) DO UPDATE
    SET day = LEAST(queue.day, EXCLUDED.day), bytes = queue.bytes + EXCLUDED.bytes,
        trace = COALESCE(EXCLUDED.trace, queue.trace)"""
_OF_ORDER, _OF_GROUP = ({"number": "order_no", "id": "order_id"}, {"number": "group_no", "id": "group_id"})
_NEW_ORDERS = f"WITH heads AS ({_ENSURE_ORDERS})"
_KEEP_ALONE_OF_NEW_ORDERS = _NEW_ORDERS + _KEEP.format(**_OF_ORDER, queued=_QUEUED_ALONE)
_KEEP_OF_NEW_ORDERS = _NEW_ORDERS + _KEEP.format(**_OF_ORDER, queued=_QUEUED)
_KEEP_OF_ORDERS = _KNOWN_HEADS.format(heads="orders", **_OF_ORDER) + _KEEP.format(**_OF_ORDER, queued=_QUEUED_AGAIN)
_KEEP_OF_GROUPS = _KNOWN_HEADS.format(heads="groups", **_OF_GROUP) + _KEEP.format(**_OF_GROUP, queued=_QUEUED_AGAIN)

# What undoes a refund whose order is not known yet waits apart, under its number as an event.
_INSERT_UNPLACED = """
INSERT INTO unplaced_events (program_id, event_id, type, refund_id, occurred_at, day, received_at, digest, payload)
SELECT %(program)s, e.event_id, e.type, e.refund_id, e.occurred_at, e.day, %(now)s, e.digest, e.payload
FROM unnest(%(event_ids)b::text[], %(types)b::text[], %(head_ids)b::text[], %(times)b::timestamptz[], %(days)b::date[],
            %(digests)b::bytea[], %(payloads)b::text[])
     AS e (event_id, type, refund_id, occurred_at, day, digest, payload)
ORDER BY e.event_id COLLATE "C"
ON CONFLICT DO NOTHING
RETURNING event_id
"""
_ORDERS_OF_REFUNDS = """
SELECT DISTINCT e.payload::json #>> '{refund,id}', o.order_id
FROM events e JOIN orders o ON o.program_id = e.program_id AND o.order_no = e.order_no
WHERE e.program_id = %(program)s AND e.type = 'order.refunded'
  AND e.payload::json #>> '{refund,id}' = ANY(%(refund_ids)b::text[])
"""
# Each is kept under the one order whose refund it undoes; where several orders have one it stays.
_PLACE = """
WITH due AS (
    SELECT u.program_id, u.event_id, min(e.order_no) AS order_no
    FROM unplaced_events u
    JOIN events e ON e.program_id = u.program_id AND e.type = 'order.refunded'
         AND e.payload::json #>> '{refund,id}' = u.refund_id
    WHERE (%(program)s::integer IS NULL OR u.program_id = %(program)s)
      AND (%(refund_ids)s::text[] IS NULL OR u.refund_id = ANY(%(refund_ids)s::text[]))
      AND NOT EXISTS (SELECT 1 FROM events k WHERE k.program_id = u.program_id AND k.event_id = u.event_id)
    GROUP BY u.program_id, u.event_id HAVING min(e.order_no) = max(e.order_no)
    ORDER BY u.program_id, u.event_id LIMIT %(limit)s
), gone AS (
    DELETE FROM unplaced_events u USING due d WHERE u.program_id = d.program_id AND u.event_id = d.event_id
    RETURNING u.*, d.order_no
), kept AS (
    INSERT INTO events (program_id, order_no, event_no, event_id, type, occurred_at, day, received_at, digest, payload)
    SELECT program_id, order_no, event_no, event_id, type, occurred_at, day, received_at, digest, payload FROM gone
    RETURNING program_id, order_no, day, octet_length(payload) AS bytes
)
INSERT INTO queue (program_id, order_no, day, bytes)
SELECT program_id, order_no, min(day), sum(bytes) FROM kept GROUP BY program_id, order_no ORDER BY program_id, order_no
ON CONFLICT (program_id, order_no) DO UPDATE
SET day = LEAST(queue.day, EXCLUDED.day), bytes = queue.bytes + EXCLUDED.bytes
"""

_ENQUEUE = """
INSERT INTO queue (program_id, order_no, day, bytes)
SELECT %(program)s, order_no, min(day), sum(bytes)
FROM unnest(%(orders)b::bigint[], %(days)b::date[], %(sizes)b::bigint[]) AS due (order_no, day, bytes)
GROUP BY order_no ORDER BY order_no
ON CONFLICT (program_id, order_no) DO UPDATE
SET day = LEAST(queue.day, EXCLUDED.day), bytes = queue.bytes + EXCLUDED.bytes
"""

# The queue first, as a batch takes it: one that has these orders in its hands is waited for.
_AWAITED = """
FROM unnest(%(awaited)b::text[]) AS s (awaited)
CROSS JOIN LATERAL (
    SELECT y.order_no, y.event_no FROM event_outcomes y
    WHERE y.program_id = (SELECT %(program)s::integer) AND y.waits_for = s.awaited AND y.status = 'waiting' OFFSET 0
) w
"""
_QUEUE_AWAITED = f"""
INSERT INTO queue (program_id, order_no, day, bytes)
SELECT (SELECT %(program)s::integer), w.order_no, min(e.day), sum(octet_length(e.payload))
{_AWAITED}
CROSS JOIN LATERAL (
    SELECT n.day, n.payload FROM events n
    WHERE n.program_id = (SELECT %(program)s::integer) AND n.order_no = w.order_no AND n.event_no = w.event_no OFFSET 0
) e
GROUP BY w.order_no ORDER BY w.order_no
ON CONFLICT (program_id, order_no) DO UPDATE
SET day = LEAST(queue.day, EXCLUDED.day), bytes = queue.bytes + EXCLUDED.bytes
"""
_REOPEN_AWAITED = f"""
UPDATE event_outcomes x SET status = 'pending'
FROM (SELECT w.order_no, w.event_no {_AWAITED}) d
WHERE x.program_id = (SELECT %(program)s::integer) AND x.order_no = d.order_no AND x.event_no = d.event_no
  AND x.status = 'waiting'
"""


def insert_events(
    conn: Connection, program_id: int, events: Sequence[DecodedEvent], days: Sequence[date], now: datetime
) -> set[str]:
    """Writes the events that are new and queues their orders; returns the ids that were new.

    Heads, events and queue are written in one order of rows each, so that two posts
    that meet on them wait and do not deadlock.

    Args:
        conn: the unit of work.
        program_id: whose they are.
        events: each under an order, or a group's own.
        days: on which each happened, in the program's time zone.
        now: when they were received.
    """
    groups = sorted({event.group_id for event in events if event.group_id is not None})
    if groups:
        execute(conn, _ENSURE_GROUPS, {"program": program_id, "group_ids": text_array(groups)})
    of_orders = [event.order_id is not None for event in events]
    if all(of_orders):
        return _keep_of_orders(conn, program_id, events, days, now)
    fresh: set[str] = set()
    if any(of_orders):
        whose, on = list(compress(events, of_orders)), list(compress(days, of_orders))
        fresh = _keep_of_orders(conn, program_id, whose, on, now)
    of_groups = [event.order_id is None and event.group_id is not None for event in events]
    decided, on = list(compress(events, of_groups)), list(compress(days, of_groups))
    heads = [event.group_id or "" for event in decided]
    return fresh | _keep(conn, _KEEP_OF_GROUPS, _columns(program_id, decided, heads, on, now), decided)


def _keep_of_orders(
    conn: Connection, program_id: int, events: Sequence[DecodedEvent], days: Sequence[date], now: datetime
) -> set[str]:
    """Writes events under their orders: of orders that are new in one statement with them, then of those known."""
    order_ids = [event.order_id or "" for event in events]
    columns = _columns(program_id, events, order_ids, days, now)
    orders = sorted(set(order_ids))
    columns["order_ids"] = text_array(orders)
    statement = _KEEP_ALONE_OF_NEW_ORDERS if len(orders) == len(events) else _KEEP_OF_NEW_ORDERS
    fresh = _keep(conn, statement, columns, events)
    if len(fresh) == len(events):
        return fresh
    is_left = [event.id not in fresh for event in events]
    left, on, heads = (
        list(compress(events, is_left)),
        list(compress(days, is_left)),
        list(compress(order_ids, is_left)),
    )
    return fresh | _keep(conn, _KEEP_OF_ORDERS, _columns(program_id, left, heads, on, now), left)


def _keep(conn: Connection, statement: str, columns: dict[str, object], events: Sequence[DecodedEvent]) -> set[str]:
    """Writes events and their orders' places in the queue; returns the ids of those that were new."""
    columns["count"] = len(events)
    row = execute(conn, statement, columns).fetchone()
    if row is None or row[0] is None:
        return {event.id for event in events}
    return set(row[0])


def _columns(
    program_id: int, events: Sequence[DecodedEvent], head_ids: Sequence[str], days: Sequence[date], now: datetime
) -> dict[str, object]:
    """Events as columns, each with the id of what it is kept under."""
    return {
        "program": program_id,
        "now": now,
        "trace": trace_here(),
        "event_ids": text_array([event.id for event in events]),
        "types": text_array([event.type for event in events]),
        "head_ids": text_array(head_ids),
        "times": instant_array([event.occurred_at for event in events]),
        "days": day_array(days),
        "digests": bytes_array([event.digest for event in events]),
        "payloads": json_texts([event.payload for event in events]),
    }


def insert_unplaced(
    conn: Connection, program_id: int, events: Sequence[DecodedEvent], days: Sequence[date], now: datetime
) -> set[str]:
    """Keeps what undoes refunds of which nothing is known yet; returns the ids that were new."""
    columns = _columns(program_id, events, [event.refund_id or "" for event in events], days, now)
    return {event_id for (event_id,) in execute(conn, _INSERT_UNPLACED, columns)}


def orders_of_refunds(conn: Connection, program_id: int, refund_ids: Collection[str]) -> dict[str, set[str]]:
    """The ids of the orders that have a refund of those ids, by the refund's id."""
    orders: dict[str, set[str]] = {}
    bound = {"program": program_id, "refund_ids": sorted(refund_ids)}
    for refund_id, order_id in execute(conn, _ORDERS_OF_REFUNDS, bound):
        orders.setdefault(refund_id, set()).add(order_id)
    return orders


def has_unplaced(conn: Connection, program_id: int) -> bool:
    """Whether the program has any event that is not kept under an order yet."""
    rows = execute(
        conn, "SELECT 1 FROM unplaced_events WHERE program_id = %(program)s LIMIT 1", {"program": program_id}
    )
    return rows.fetchone() is not None


def unplaced_among(conn: Connection, program_id: int, event_ids: Collection[str]) -> dict[str, tuple[bytes, str]]:
    """Digest and payload of those events that are not kept under an order yet, by id."""
    rows = execute(
        conn,
        "SELECT event_id, digest, payload FROM unplaced_events WHERE program_id = %(program)s"
        " AND event_id = ANY(%(event_ids)b::text[])",
        {"program": program_id, "event_ids": list(event_ids)},
    )
    return {event_id: (bytes(digest), payload) for event_id, digest, payload in rows}


def place_events(
    conn: Connection, limit: int, program_id: int | None = None, refund_ids: Collection[str] | None = None
) -> int:
    """Keeps events under their orders whose refunds have come, of one program or of all; returns how many orders."""
    wanted = None if refund_ids is None else sorted(refund_ids)
    return execute(conn, _PLACE, {"program": program_id, "refund_ids": wanted, "limit": limit}).rowcount


def enqueue(
    conn: Connection, program_id: int, orders: Sequence[int], days: Sequence[date], sizes: Sequence[int] | None = None
) -> None:
    """Queues orders with pending events of those days, of about so many bytes."""
    execute(
        conn,
        _ENQUEUE,
        {
            "program": program_id,
            "orders": integer_array(orders),
            "days": day_array(days),
            "sizes": integer_array(sizes or [0] * len(orders)),
        },
    )


def digests_of(conn: Connection, program_id: int, event_ids: Sequence[str]) -> dict[str, bytes]:
    """Reads the digests of the known events among those ids."""
    rows = execute(
        conn,
        "SELECT event_id, digest FROM events WHERE program_id = %(program)s AND event_id = ANY(%(event_ids)b::text[])",
        {"program": program_id, "event_ids": list(event_ids)},
    )
    return {event_id: bytes(digest) for event_id, digest in rows}


def payloads_of(conn: Connection, program_id: int, event_ids: Sequence[str]) -> dict[str, str]:
    """Reads the payloads of the known events among those ids."""
    rows = execute(
        conn,
        "SELECT event_id, payload FROM events WHERE program_id = %(program)s AND event_id = ANY(%(event_ids)b::text[])",
        {"program": program_id, "event_ids": list(event_ids)},
    )
    return dict(rows.fetchall())


def reopen(conn: Connection, program_id: int, event_id: str) -> bool:
    """Makes a failed event pending again and queues its order; False where it is not failed."""
    statement = (
        "UPDATE event_outcomes x SET status = 'pending' FROM events e"
        " WHERE e.program_id = %(program)s AND e.event_id = %(event_id)s AND x.program_id = e.program_id"
        " AND x.order_no = e.order_no AND x.event_no = e.event_no AND x.status = 'failed'"
        " RETURNING e.order_no, e.day"
    )
    row = execute(conn, statement, {"program": program_id, "event_id": event_id}).fetchone()
    if row is None:
        return False
    order_no, day = row
    enqueue(conn, program_id, [order_no], [day])
    return True


def wake_for_shops(conn: Connection, program_id: int, shop_ids: Collection[str]) -> int:
    """Queues the orders that wait for these shops, and makes their events pending; returns how many orders."""
    bound = {"program": program_id, "awaited": [f"shop:{shop_id}" for shop_id in shop_ids]}
    queued = execute(conn, _QUEUE_AWAITED, bound).rowcount
    if queued:
        execute(conn, _REOPEN_AWAITED, bound)
    return queued


def wake_waiting(conn: Connection, limit: int) -> int:
    """Queues orders whose missing shop has come, of every program; returns how many."""
    statement = (
        "INSERT INTO queue (program_id, order_no, day, bytes)"
        " SELECT x.program_id, x.order_no, min(e.day), sum(octet_length(e.payload)) FROM event_outcomes x"
        " JOIN shops s ON s.program_id = x.program_id AND s.shop_id = substr(x.waits_for, 6)"
        " JOIN events e ON e.program_id = x.program_id AND e.order_no = x.order_no AND e.event_no = x.event_no"
        " WHERE x.status = 'waiting' AND x.status <> 'done' AND starts_with(x.waits_for, 'shop:')"
        " AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.program_id = x.program_id AND q.order_no = x.order_no)"
        " GROUP BY x.program_id, x.order_no ORDER BY x.program_id, x.order_no LIMIT %(limit)s"
        " ON CONFLICT (program_id, order_no) DO UPDATE SET day = LEAST(queue.day, EXCLUDED.day)"
    )
    return execute(conn, statement, {"limit": limit}).rowcount
