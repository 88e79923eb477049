"""Reading events with what became of them, one or a page; a page's numbers first, then each by its own key.

Events are listed by number, or where a time or a type is asked for by the instant of their receipt. What an event means
is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection

from distrib.store.database import Bound
from distrib.store.pages.windows import read_windows
from distrib.store.recorded import Part
from distrib.store.sql import column, execute, execute_as

# Those that are not kept under their order yet, in the words of the others.
_UNPLACED = """
SELECT u.event_no, u.event_id AS id, u.type, NULL AS order_id, NULL AS group_id, u.occurred_at, u.received_at,
       CASE WHEN k.orders > 1 THEN 'failed' ELSE 'waiting' END AS status,
       CASE WHEN k.orders > 1 THEN 'refund_ambiguous' ELSE 'waits_for_refund' END AS code,
       json_build_object('id', u.refund_id)::text AS params, 0 AS attempts, NULL::timestamptz AS done_at{payload}
FROM unplaced_events u
CROSS JOIN LATERAL (SELECT count(DISTINCT e.order_no) AS orders FROM events e
                    WHERE e.program_id = u.program_id AND e.type = 'order.refunded'
                      AND e.payload::json #>> '{{refund,id}}' = u.refund_id) k
WHERE u.program_id = %(program)s
"""
_EVENT = """
SELECT e.event_no, e.event_id AS id, e.type, o.order_id, g.group_id, e.occurred_at, e.received_at,
       COALESCE(x.status, 'pending') AS status, x.code, x.params, COALESCE(x.attempts, 0) AS attempts,
       x.done_at{payload}
{events}
LEFT JOIN LATERAL (SELECT order_id FROM orders
                   WHERE program_id = e.program_id AND order_no = e.order_no OFFSET 0) o ON true
LEFT JOIN LATERAL (SELECT status, code, params, attempts, done_at FROM event_outcomes
                   WHERE program_id = e.program_id AND order_no = e.order_no AND event_no = e.event_no
                   OFFSET 0) x ON true
LEFT JOIN LATERAL (SELECT group_id FROM groups
                   WHERE o.order_id IS NULL AND program_id = e.program_id AND group_no = e.order_no OFFSET 0) g ON true
"""
_BY_ID = _EVENT.format(events="FROM events e", payload=", e.payload") + (
    "WHERE e.program_id = %(program)s AND e.event_id = %(event_id)s"
)
_UNPLACED_BY_ID = _UNPLACED.format(payload=", u.payload") + " AND u.event_id = %(event_id)s"
_RECEIVED = (
    "{row}.received_at >= CAST(%(from_at)s AS timestamptz) AND {row}.received_at < CAST(%(to_at)s AS timestamptz)"
)
_ROWS = (
    _EVENT.format(
        events="""FROM unnest(CAST(%(numbers)s AS bigint[])) WITH ORDINALITY k (event_no, place)
CROSS JOIN LATERAL (SELECT * FROM events WHERE program_id = %(program)s AND event_no = k.event_no OFFSET 0) e""",
        payload="",
    )
    + f"""WHERE (CAST(%(status)s AS text) IS NULL OR COALESCE(x.status, 'pending') = %(status)s)
  AND (CAST(%(type)s AS text) IS NULL OR e.type = %(type)s)
  AND (CAST(%(code)s AS text) IS NULL OR x.code = %(code)s AND x.status <> 'done') AND {_RECEIVED.format(row="e")}
ORDER BY k.place"""
)
_ANY = """
SELECT event_no FROM events WHERE program_id = %(program)s AND event_no > %(after)s
ORDER BY event_no LIMIT %(limit)s
"""
_OF_ORDER = """
SELECT e.event_no FROM orders o JOIN events e ON e.program_id = o.program_id AND e.order_no = o.order_no
WHERE o.program_id = %(program)s AND o.order_id = %(order_id)s AND e.event_no > %(after)s
ORDER BY e.event_no LIMIT %(limit)s
"""
_OF_CODE = """
SELECT event_no FROM event_outcomes
WHERE program_id = %(program)s AND code = %(code)s AND status <> 'done' AND event_no > %(after)s
ORDER BY event_no LIMIT %(limit)s
"""
_OPEN = """SELECT event_no FROM event_outcomes
WHERE program_id = %(program)s AND status = '{status}' AND status <> 'done' AND event_no > %(after)s
ORDER BY event_no LIMIT %(limit)s"""
# Nothing is pending but of orders that are queued, and what was made pending again.
_PENDING = f"""
SELECT event_no FROM (
    (SELECT e.event_no FROM queue q CROSS JOIN LATERAL (
         SELECT e.event_no FROM events e
         WHERE e.program_id = q.program_id AND e.order_no = q.order_no AND e.event_no > %(after)s AND NOT EXISTS (
             SELECT 1 FROM event_outcomes x
             WHERE x.program_id = e.program_id AND x.order_no = e.order_no AND x.event_no = e.event_no)
         OFFSET 0) e
     WHERE q.program_id = %(program)s ORDER BY e.event_no LIMIT %(limit)s)
    UNION ({_OPEN.format(status="pending")})) e
ORDER BY event_no LIMIT %(limit)s
"""
_NUMBERS = {
    "pending": _PENDING,
    "waiting": _OPEN.format(status="waiting"),
    "failed": _OPEN.format(status="failed"),
    "done": _ANY,
}
# Of one type by its index; of all types by that of each, for one index carries both.
_OF_TYPE = """(SELECT received_at, event_no FROM events
WHERE program_id = %(program)s AND type = '{type}'
  AND (received_at, event_no) > (CAST(%(since)s AS timestamptz), %(after)s)
  AND received_at < CAST(%(to_at)s AS timestamptz)
ORDER BY received_at, event_no LIMIT %(limit)s)"""
_BY_TIME = "SELECT received_at, event_no FROM ({each}) t ORDER BY received_at, event_no LIMIT %(limit)s"
_WAITING = f"""
SELECT * FROM ({_UNPLACED.format(payload="")} AND {_RECEIVED.format(row="u")}) w
WHERE (CAST(%(status)s AS text) IS NULL OR w.status = %(status)s) AND (CAST(%(type)s AS text) IS NULL
    OR w.type = %(type)s)
  AND (CAST(%(code)s AS text) IS NULL OR w.code = %(code)s)
"""
_WAITING_BY_NUMBER = f"{_WAITING} AND w.event_no > %(after)s ORDER BY w.event_no LIMIT %(limit)s"
_WAITING_BY_TIME = f"""{_WAITING} AND (w.received_at, w.event_no) > (CAST(%(since)s AS timestamptz), %(after)s)
ORDER BY w.received_at, w.event_no LIMIT %(limit)s"""
_EVER = {"from_at": "-infinity", "to_at": "infinity"}
BEGINNING: Final = "-infinity"
"""The receipt in a place of a page by number."""


class EventFilters(NamedTuple):
    """What a page may show; None: any. ``code`` is that of what waits or failed; times are those of receipt.

    ``is_newest_first``: the other way round, by number; not where the page is read by time.
    """

    status: str | None = None
    order_id: str | None = None
    type: str | None = None
    code: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    is_newest_first: bool = False

    @property
    def is_by_time(self) -> bool:
        """Whether the page is read, and ordered, by the instants of receipt: nothing else would find few."""
        has_few = self.order_id is not None or self.code is not None or self.status not in (None, "done")
        return not has_few and (self.type, self.from_at, self.to_at) != (None, None, None)


@dataclass(frozen=True, slots=True)
class EventStanding:
    """One event and what became of it; ``code`` says why it waits or failed, ``params`` are the code's, as JSON."""

    event_no: int
    id: str
    type: str
    order_id: str | None
    group_id: str | None
    occurred_at: datetime
    received_at: datetime
    status: str
    code: str | None
    params: str | None
    attempts: int
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptEvent(EventStanding):
    """One event with what was sent."""

    payload: str


Place: TypeAlias = tuple[datetime | str, int]
"""After which event a page begins: its receipt (``-infinity`` where pages go by number) and its number."""
FIRST: Place = (BEGINNING, 0)
NEWEST: Place = (BEGINNING, 2**62)
"""Before the newest event, where they are listed from there down."""


_FIND = f"{_BY_ID} UNION ALL {_UNPLACED_BY_ID}"


def event_view(conn: Connection, program_id: int, event_id: str) -> KeptEvent | None:
    """Reads one event with its payload and what became of it; None without one."""
    return next(
        iter(execute_as(conn, KeptEvent, _FIND, {"program": program_id, "event_id": event_id}).fetchall()), None
    )


def event_views(
    conn: Connection, program_id: int, filters: EventFilters, types: Sequence[str], part: Part[Place]
) -> list[EventStanding]:
    """Lists events that pass the filters with what became of them.

    Args:
        types: all that there are.
    """
    after, limit = part
    given = {name: value for name, value in filters._asdict().items() if name not in _EVER or value is not None}
    bound = {"program": program_id} | _EVER | given
    if filters.is_by_time:
        after = (filters.from_at, 0) if after == FIRST and filters.from_at is not None else after
        kept = _by_time(conn, bound, (filters.type,) if filters.type else types, after, limit)
        waiting, key = _WAITING_BY_TIME, attrgetter("received_at", "event_no")
    else:
        kept = _by_number(conn, bound, filters, after, limit)
        waiting, key = _way(_WAITING_BY_NUMBER, filters), attrgetter("event_no")
    if filters.order_id is not None:
        return kept
    since, number = after
    asked = {**bound, "since": since, "after": number, "limit": limit}
    unplaced = execute_as(conn, EventStanding, waiting, asked)
    return sorted([*kept, *unplaced], key=key, reverse=filters.is_newest_first)[:limit]


def _way(source: str, filters: EventFilters) -> str:
    """A source by number in the order that is asked for; newest first, what comes before the number from it down."""
    if not filters.is_newest_first:
        return source
    before = source.replace("event_no > %(after)s", "event_no < %(after)s")
    return before.replace("event_no LIMIT", "event_no DESC LIMIT")


def _by_number(conn: Connection, bound: Bound, filters: EventFilters, after: Place, limit: int) -> list[EventStanding]:
    """Reads a page by number, from what names the fewest."""
    if filters.order_id is not None:
        source = _OF_ORDER
    elif filters.code is not None:
        source = _OF_CODE
    else:
        source = _ANY if filters.status is None else _NUMBERS[filters.status]

    def numbers_after(number: int, size: int) -> list[int]:
        return column(conn, int, (_way(source, filters)), {**bound, "after": number, "limit": size})

    return read_windows(after[1], limit, numbers_after, partial(_rows, conn, bound))


def _by_time(conn: Connection, bound: Bound, types: Sequence[str], after: Place, limit: int) -> list[EventStanding]:
    """Reads a page by the instants of receipt, of one type or of all."""
    statement = _BY_TIME.format(each=" UNION ALL ".join(_OF_TYPE.format(type=name) for name in types))

    def places_after(place: Place, size: int) -> list[Place]:
        since, number = place
        return execute(conn, statement, {**bound, "since": since, "after": number, "limit": size}).fetchall()

    return read_windows(after, limit, places_after, lambda keys: _rows(conn, bound, [number for _, number in keys]))


def _rows(conn: Connection, bound: Bound, numbers: Sequence[int]) -> list[EventStanding]:
    return execute_as(conn, EventStanding, _ROWS, {**bound, "numbers": list(numbers)}).fetchall()
