"""The settled orders of a span with all that a plan can be tried on: content, snapshot, refunds, the ledger's rows.

Numbers come from a cursor on the server, what belongs to them a page at a time, so that memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from distrib.store.database import allow_long_reads
from distrib.store.sql import execute, execute_as, streamed, streamed_as

_Row = TypeVar("_Row")

_MINUTES = 60
_NUMBERS = """
SELECT s.order_no FROM settlements s
WHERE s.program_id = %(program)s AND s.paid_at >= %(since)s AND s.paid_at < %(until)s ORDER BY {order}
"""
_COUNT = """
SELECT count(*) FROM settlements WHERE program_id = %(program)s AND paid_at >= %(since)s AND paid_at < %(until)s
"""
_ORDERS = """
SELECT s.order_no, s.event_no, s.version_no, s.settled_at, s.snapshot, e.payload
FROM settlements s
JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
WHERE s.program_id = (SELECT %(program)s::integer) AND s.order_no = ANY(%(orders)b::bigint[])
"""
_POSTED = """
SELECT cause_no AS order_no, seq, kind = 'earned' AS is_earned, event_no, line_id, rule_id, tier, shop_no, base_minor,
       rate_ppm, signed_minor(shop_no, credit_account, amount_minor) AS amount_minor,
       occurred_at, available_at
FROM transfers
WHERE program_id = (SELECT %(program)s::integer) AND cause_no = ANY(%(orders)b::bigint[])
ORDER BY cause_no, seq
"""
REFUNDS = """
SELECT r.order_no, r.refund_id, r.line_id, r.amount_minor, r.occurred_at, r.event_no, o.done_at,
       e.occurred_at AS happened_at
FROM refund_lines r
JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
LEFT JOIN event_outcomes o
    ON o.program_id = r.program_id AND o.order_no = r.order_no AND o.event_no = r.event_no
WHERE r.program_id = (SELECT %(program)s::integer) AND {refund}
"""
"""What came back of orders, bound by a condition on ``r.order_no``."""
_REFUNDS_OF_ORDERS = REFUNDS.format(refund="r.order_no = ANY(%(orders)b::bigint[])")
_FAILED = """
SELECT o.order_no FROM event_outcomes o JOIN events e USING (program_id, order_no, event_no)
WHERE o.program_id = %(program)s AND o.status = 'failed' AND o.code = ANY(%(codes)s::text[])
  AND e.type = 'order.settled'
  AND (e.payload::json #>> '{order,paid_at}')::timestamptz >= %(since)s
  AND (e.payload::json #>> '{order,paid_at}')::timestamptz < %(until)s
  AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.program_id = o.program_id AND s.order_no = o.order_no)
ORDER BY o.event_no
"""
_FAILED_EVENTS = """
SELECT DISTINCT ON (o.order_no) o.order_no, o.event_no, e.payload
FROM event_outcomes o JOIN events e USING (program_id, order_no, event_no)
WHERE o.program_id = (SELECT %(program)s::integer) AND o.order_no = ANY(%(orders)b::bigint[])
  AND o.status = 'failed' AND e.type = 'order.settled'
ORDER BY o.order_no, o.event_no
"""
_EVENTS_OF_FAILED = """
SELECT e.order_no, e.event_no, e.day, e.payload
FROM events e JOIN event_outcomes o USING (program_id, order_no, event_no)
WHERE e.program_id = (SELECT %(program)s::integer) AND e.order_no = ANY(%(orders)b::bigint[]) AND o.status <> 'pending'
ORDER BY e.order_no, e.event_no
"""
_DECIDED = """
SELECT g.group_id, d.event_no, d.has_succeeded, d.occurred_at
FROM groups g JOIN group_decisions d USING (program_id, group_no)
WHERE g.program_id = (SELECT %(program)s::integer) AND g.group_id = ANY(%(groups)b::text[])
"""
# What rules with counted caps paid on orders that were paid outside of the span, in the order of time.
_OUTSIDE = """
SELECT t.rule_id, t.shop_no, t.occurred_at, s.customer_id, sum(t.amount_minor)::bigint AS amount_minor
FROM transfers t JOIN settlements s ON s.program_id = t.program_id AND s.order_no = t.cause_no
WHERE t.program_id = %(program)s AND t.kind = 'earned' AND t.rule_id = ANY(%(rules)s::text[])
  AND (s.paid_at < %(since)s OR s.paid_at >= %(until)s)
GROUP BY t.rule_id, t.shop_no, t.occurred_at, s.customer_id ORDER BY t.occurred_at
"""
_BEGUN = """
SELECT p.order_no, min(e.occurred_at) FROM paid_orders p
JOIN events e ON e.program_id = p.program_id AND e.order_no = p.order_no AND e.event_no = p.event_no
WHERE p.program_id = (SELECT %(program)s::integer) AND p.order_no = ANY(%(orders)b::bigint[])
GROUP BY p.order_no
"""
_BOUGHT = """
SELECT a.place, x.orders, x.first_paid_at
FROM unnest(%(places)b::integer[], %(customers)b::text[], %(paid)b::timestamptz[], %(begun)b::timestamptz[],
            %(orders)b::bigint[]) AS a (place, customer_id, paid_at, begun_at, order_no)
CROSS JOIN LATERAL (
    SELECT count(*) AS orders, min(y.paid_at) AS first_paid_at FROM (
        SELECT s.paid_at FROM settlements s
        WHERE s.program_id = (SELECT %(program)s::integer) AND s.customer_id = a.customer_id AND s.paid_at <= a.paid_at
          AND (s.settled_at, s.order_no) < (a.begun_at, a.order_no) AND s.order_no <> a.order_no
        ORDER BY s.paid_at LIMIT %(most)s
    ) y
) x WHERE x.orders > 0
"""
_LAST_EVENT = "SELECT COALESCE(max(event_no), 0) FROM events WHERE program_id = %(program)s"
_EVENTS_SINCE = """
SELECT count(*) FROM (SELECT 1 FROM events WHERE program_id = %(program)s AND event_no > %(after)s LIMIT %(most)s) e
"""
_IS_QUIET = "SELECT NOT EXISTS (SELECT 1 FROM queue WHERE program_id = %(program)s)"
_OUTSIDE_AT_ONCE = 5_000


class PaidSpan(NamedTuple):
    """Orders paid from ``since`` on and before ``until``."""

    since: datetime
    until: datetime


class PastSettlement(NamedTuple):
    """An order as it was settled."""

    order_no: int
    event_no: int
    version_no: int | None
    settled_at: datetime
    snapshot: str
    payload: str


class PostedRow(NamedTuple):
    """A row of the ledger, signed as the shop sees it; ``event_no`` is None of what the decision of a case took."""

    order_no: int
    seq: int
    is_earned: bool
    event_no: int | None
    line_id: str
    rule_id: str
    tier: int
    shop_no: int
    base_minor: int
    rate_ppm: int | None
    amount_minor: int
    occurred_at: datetime
    available_at: datetime


class RefundRow(NamedTuple):
    """What a refund, or what undid it, took of a line; from when that counts, and when it was done and happened."""

    order_no: int
    refund_id: str
    line_id: str
    amount_minor: int
    occurred_at: datetime
    event_no: int
    done_at: datetime | None
    happened_at: datetime


class FailedOrder(NamedTuple):
    """An order whose settlement failed."""

    order_no: int
    event_no: int
    payload: str


class KnownEvent(NamedTuple):
    """An event of an order that was worked on, whatever became of it, and the day to which its work belongs."""

    order_no: int
    event_no: int
    day: date
    payload: str


class OutsideRow(NamedTuple):
    """What a shop earned by a rule at an instant, of one customer, on orders that are not of the span."""

    rule_id: str
    shop_no: int
    occurred_at: datetime
    customer_id: str | None
    amount_minor: int


class BoughtBefore(NamedTuple):
    """What is asked of a customer: orders paid up to an instant, and settled before another or an order then."""

    customer_id: str
    paid_at: datetime
    begun_at: datetime
    order_no: int


_STAY = f"SET LOCAL idle_in_transaction_session_timeout = '{_MINUTES}min'"


def enter_history(conn: Connection) -> None:
    """Makes all reads of this transaction see one instant, and lets it take long; nothing may have been read before."""
    execute(conn, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    allow_long_reads(conn, _MINUTES)
    execute(conn, _STAY)
    execute(conn, "SET LOCAL work_mem = '64MB'")
    # What is read lies in the order of its numbers: an index walk needs no sort, and its pages come one after another.
    execute(conn, "SET LOCAL random_page_cost = 1.1")


def count_orders(conn: Connection, program_id: int, span: PaidSpan) -> int:
    """Counts the settled orders of a span."""
    row = execute(conn, _COUNT, {"program": program_id, **span._asdict()}).fetchone()
    return 0 if row is None else int(row[0])


_NUMBERS_IN_TIME = _NUMBERS.format(order="s.settled_at, s.order_no")
_NUMBERS_IN_ORDER = _NUMBERS.format(order="s.order_no")


def numbers_of(conn: Connection, program_id: int, span: PaidSpan, size: int, *, in_time: bool) -> Iterator[list[int]]:
    """Yields the numbers of the settled orders of a span, some at a time, by number or in the order they settled."""
    with streamed(
        conn,
        "simulated_orders",
        _NUMBERS_IN_TIME if in_time else _NUMBERS_IN_ORDER,
        {"program": program_id, **span._asdict()},
    ) as cursor:
        while page := cursor.fetchmany(size):
            yield [number for (number,) in page]


def orders_of(conn: Connection, program_id: int, orders: Sequence[int]) -> dict[int, PastSettlement]:
    """Reads settled orders by number."""
    return {row.order_no: row for row in _rows(conn, program_id, _ORDERS, PastSettlement, orders)}


def posted_of(conn: Connection, program_id: int, orders: Sequence[int]) -> list[PostedRow]:
    """Reads what the ledger has of those orders, by order and number."""
    return _rows(conn, program_id, _POSTED, PostedRow, orders)


def refunds_of(conn: Connection, program_id: int, orders: Sequence[int]) -> list[RefundRow]:
    """Reads what came back of those orders, in no order."""
    return _rows(conn, program_id, _REFUNDS_OF_ORDERS, RefundRow, orders)


def failed_numbers(conn: Connection, program_id: int, span: PaidSpan, codes: Sequence[str]) -> list[int]:
    """Lists the orders of a span whose settlement failed for one of these reasons, and that never settled."""
    bound = {"program": program_id, "codes": list(codes), **span._asdict()}
    return [row[0] for row in execute(conn, _FAILED, bound).fetchall()]


def failed_orders(conn: Connection, program_id: int, orders: Sequence[int]) -> list[FailedOrder]:
    """Reads the settlements of those orders that failed, the first of each order."""
    return _rows(conn, program_id, _FAILED_EVENTS, FailedOrder, orders)


def events_of(conn: Connection, program_id: int, orders: Sequence[int]) -> list[KnownEvent]:
    """Reads the events of those orders that were worked on, by order and number."""
    return _rows(conn, program_id, _EVENTS_OF_FAILED, KnownEvent, orders)


def decided_groups(
    conn: Connection, program_id: int, group_ids: Sequence[str]
) -> dict[str, tuple[int, bool, datetime]]:
    """What was decided of groups, by their ids: by which event, whether they succeeded, and when."""
    bound = {"program": program_id, "groups": list(group_ids)}
    return {group_id: (*decision,) for group_id, *decision in execute(conn, _DECIDED, bound).fetchall()}


def outside_rows(
    conn: Connection, program_id: int, span: PaidSpan, rules: Sequence[str], name: str
) -> Iterator[OutsideRow]:
    """Yields what those rules paid on orders outside of a span, the earliest first; ``name`` is the cursor's own."""
    bound = {"program": program_id, "rules": list(rules), **span._asdict()}
    with streamed_as(conn, f"outside_{name}", OutsideRow, _OUTSIDE, bound) as cursor:
        cursor.itersize = _OUTSIDE_AT_ONCE
        yield from cursor


def paid_events(conn: Connection, program_id: int, orders: Sequence[int]) -> dict[int, datetime]:
    """When the payment of each order happened that was told of before its settlement."""
    bound = {"program": program_id, "orders": list(orders)}
    return dict(execute(conn, _BEGUN, bound).fetchall())


def bought_before(
    conn: Connection, program_id: int, asked: Sequence[BoughtBefore], most: int
) -> list[tuple[int, datetime | None]]:
    """Counts, up to ``most``, the earlier orders that are asked for; each with when the first was paid."""
    bought: list[tuple[int, datetime | None]] = [(0, None)] * len(asked)
    columns = {
        "program": program_id,
        "places": list(range(len(asked))),
        "customers": [row.customer_id for row in asked],
        "paid": [row.paid_at for row in asked],
        "begun": [row.begun_at for row in asked],
        "orders": [row.order_no for row in asked],
        "most": most,
    }
    for place, orders, first_paid_at in execute(conn, _BOUGHT, columns).fetchall():
        bought[place] = (orders, first_paid_at)
    return bought


def last_event(conn: Connection, program_id: int) -> int:
    """The number of the newest event of a program; 0 before the first."""
    row = execute(conn, _LAST_EVENT, {"program": program_id}).fetchone()
    return 0 if row is None else int(row[0])


def events_since(conn: Connection, program_id: int, event_no: int, most: int) -> int:
    """Counts the events that came after one, up to ``most``."""
    row = execute(conn, _EVENTS_SINCE, {"program": program_id, "after": event_no, "most": most}).fetchone()
    return 0 if row is None else int(row[0])


def is_quiet(conn: Connection, program_id: int) -> bool:
    """Whether no event waits to be worked on."""
    row = execute(conn, _IS_QUIET, {"program": program_id}).fetchone()
    return row is not None and bool(row[0])


def _rows(conn: Connection, program_id: int, statement: str, kind: type[_Row], orders: Sequence[int]) -> list[_Row]:
    return execute_as(conn, kind, statement, {"program": program_id, "orders": list(orders)}, binary=True).fetchall()
