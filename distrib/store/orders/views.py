"""Reading orders: the head, its events, its state and what was given back.

One query a question, whatever the number of lines. What an order means is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from distrib.store.orders.pages import OrderFilters, order_numbers
from distrib.store.pages.windows import read_windows
from distrib.store.sql import execute_as, value_or_none

_EVENTS = """
SELECT e.event_no, e.event_id, e.type, e.occurred_at, e.payload, COALESCE(x.status, 'pending') AS status, x.code,
       x.params
FROM events e LEFT JOIN event_outcomes x USING (program_id, order_no, event_no)
WHERE e.program_id = %(program)s AND e.order_no = %(order_no)s
ORDER BY e.event_no IS DISTINCT FROM %(first)s, e.event_no LIMIT %(limit)s
"""
MOST_EVENTS = 1_000
"""So many events of one order are shown."""
# What refunds took before the settlement counts with it, and until then by itself. A refund beside all lines has none.
_REFUNDS = """
SELECT r.refund_id, r.line_id, r.amount_minor, r.occurred_at, e.event_id, r.is_of_before
FROM (SELECT program_id, order_no, event_no, refund_id, line_id, amount_minor, occurred_at,
             is_dated_by_event AS is_of_before
      FROM refund_lines
      WHERE program_id = %(program)s AND order_no = %(order_no)s
      UNION ALL
      SELECT f.program_id, f.order_no, f.event_no, f.refund_id, f.line_id, f.amount_minor, f.occurred_at, false
      FROM early_refunds f
      WHERE f.program_id = %(program)s AND f.order_no = %(order_no)s
        AND f.seq >= (SELECT max(first_refund_seq) FROM paid_orders
                      WHERE program_id = %(program)s AND order_no = %(order_no)s)
        AND NOT EXISTS (SELECT 1 FROM settlements WHERE program_id = %(program)s AND order_no = %(order_no)s)
        AND (EXISTS (SELECT 1 FROM expecting_orders WHERE program_id = %(program)s AND order_no = %(order_no)s)
             OR EXISTS (SELECT 1 FROM order_ends WHERE program_id = %(program)s AND order_no = %(order_no)s))
      UNION ALL
      SELECT program_id, order_no, event_no, refund_id, NULL, amount_minor, occurred_at, false
      FROM refunds_beside JOIN event_outcomes USING (program_id, order_no, event_no)
      WHERE program_id = %(program)s AND order_no = %(order_no)s AND status = 'done') r
JOIN events e USING (program_id, order_no, event_no)
ORDER BY r.event_no, r.refund_id, r.line_id
"""

# Of the numbers of one page alone, each row by its own key: what statistics think of a page does not matter. A number
# that is worked out stands behind an OFFSET: row-level security lets no index answer for what may leak.
_LIST = """
SELECT o.order_no, o.order_id AS id, f.status, COALESCE(h.shop_id, f.content ->> 'shop_id') AS shop_id,
       f.content ->> 'shop_id' AS named_shop_id,
       f.content ->> 'customer_id' AS customer_id, f.content ->> 'channel' AS channel,
       f.content ->> 'currency' AS currency, f.paid_at, s.settled_at, b.paid_minor, f.refunded_minor,
       v.code AS plan_code, v.version AS plan_version, f.event_no, COALESCE(b.event_no, f.event_no) AS content_no,
       b.version_no, b.seller_no, b.snapshot, n.reason AS end_reason, q.order_no IS NOT NULL AS is_expected
FROM unnest(CAST(%(numbers)s AS bigint[])) c (order_no)
CROSS JOIN LATERAL (SELECT * FROM orders WHERE program_id = %(program)s AND order_no = c.order_no OFFSET 0) o
LEFT JOIN LATERAL (
    SELECT * FROM settlements WHERE program_id = o.program_id AND order_no = o.order_no OFFSET 0) s ON true
LEFT JOIN LATERAL (
    SELECT * FROM paid_orders WHERE program_id = o.program_id AND order_no = o.order_no AND s.order_no IS NULL
    ORDER BY payment_no DESC LIMIT 1) p ON true
LEFT JOIN LATERAL (
    SELECT order_no FROM expecting_orders
    WHERE program_id = o.program_id AND order_no = o.order_no OFFSET 0) q ON true
LEFT JOIN LATERAL (
    SELECT order_no, reason FROM order_ends
    WHERE program_id = o.program_id AND order_no = o.order_no OFFSET 0) n ON true
CROSS JOIN LATERAL (
    SELECT COALESCE(s.event_no, p.event_no) AS event_no, COALESCE(s.version_no, p.version_no) AS version_no,
           COALESCE(s.seller_no, p.seller_no) AS seller_no, COALESCE(s.paid_minor, p.paid_minor) AS paid_minor,
           COALESCE(s.snapshot, p.snapshot) AS snapshot OFFSET 0) b
CROSS JOIN LATERAL ({state}) f
LEFT JOIN LATERAL (
    SELECT shop_id FROM shops WHERE program_id = o.program_id AND shop_no = b.seller_no OFFSET 0) h ON true
LEFT JOIN LATERAL (
    SELECT code, version FROM plan_versions
    WHERE program_id = o.program_id AND version_no = b.version_no OFFSET 0) v ON true
WHERE (CAST(%(status)s AS text) IS NULL OR f.status = %(status)s)
  AND (CAST(%(from_at)s AS timestamptz) IS NULL OR f.paid_at >= %(from_at)s)
  AND (CAST(%(to_at)s AS timestamptz) IS NULL OR f.paid_at < %(to_at)s)
ORDER BY o.order_no
"""
# What an order is like: where it ended, its end says; where it is settled, the refunds that stand; where it is not, the
# event that settles it, or else its payment, or else its refunds.
_STATE = """
SELECT e.event_no, e.content, COALESCE(s.paid_at, (e.content ->> 'paid_at')::timestamptz) AS paid_at, r.refunded_minor,
       CASE WHEN n.reason = 'order_cancelled' THEN 'cancelled'
            WHEN n.reason IS NOT NULL THEN n.reason
            WHEN s.order_no IS NULL AND e.status = 'done' AND q.order_no IS NOT NULL THEN 'paid'
            WHEN s.order_no IS NULL AND e.status = 'done' AND EXISTS (
                SELECT 1 FROM payment_failures u WHERE u.program_id = o.program_id AND u.order_no = o.order_no)
                THEN 'payment_failed'
            WHEN s.order_no IS NULL THEN COALESCE(NULLIF(e.status, 'done'), 'pending')
            WHEN r.standing = 0 THEN 'settled'
            WHEN r.refunded_minor = s.paid_minor THEN 'refunded'
            ELSE 'partly_refunded' END AS status
FROM (SELECT COALESCE(sum(amount_minor), 0)::bigint AS refunded_minor,
             COALESCE(sum(CASE WHEN starts_with(refund_id, '/reversed/') THEN -1 ELSE 1 END), 0) AS standing
      FROM (SELECT refund_id, amount_minor FROM refund_lines WHERE program_id = o.program_id AND order_no = o.order_no
            UNION ALL
            SELECT refund_id, amount_minor FROM early_refunds
            WHERE s.order_no IS NULL AND (q.order_no IS NOT NULL OR n.order_no IS NOT NULL)
              AND program_id = o.program_id AND order_no = o.order_no AND seq >= p.first_refund_seq) taken) r
LEFT JOIN LATERAL (
    SELECT e.event_no, e.payload::json -> 'order' AS content,
           COALESCE(x.status, 'pending') AS status
    FROM events e LEFT JOIN event_outcomes x USING (program_id, order_no, event_no)
    WHERE e.program_id = o.program_id AND e.order_no = o.order_no AND (s.event_no IS NULL OR e.event_no = s.event_no)
    ORDER BY e.type <> 'order.settled', e.event_no IS DISTINCT FROM p.event_no, e.type <> 'order.paid',
             array_position(ARRAY['pending', 'waiting', 'failed'], COALESCE(NULLIF(x.status, 'done'), 'pending')),
             e.event_no
    LIMIT 1) e ON true
"""
_LIST = _LIST.format(state=_STATE)
_NUMBER = "SELECT order_no FROM orders WHERE program_id = %(program)s AND order_id = %(order_id)s"


@dataclass(frozen=True, slots=True)
class OrderRow:
    """The head of an order with its state.

    ``shop_id`` is the shop that sold it, ``named_shop_id`` the one that the order itself names. ``event_no`` is the
    event that says where it stands: the one it was settled by, or else its best chance; ``content_no`` the one that
    says what it holds. ``version_no``, ``seller_no`` and ``snapshot`` are of its settlement, or else of its payment.
    """

    order_no: int
    id: str
    status: str
    shop_id: str | None
    named_shop_id: str | None
    customer_id: str | None
    channel: str | None
    currency: str | None
    paid_at: datetime | None
    settled_at: datetime | None
    paid_minor: int | None
    refunded_minor: int
    plan_code: str | None
    plan_version: int | None
    event_no: int | None
    content_no: int | None
    version_no: int | None
    seller_no: int | None
    snapshot: str | None
    end_reason: str | None
    is_expected: bool


@dataclass(frozen=True, slots=True)
class OrderEventRow:
    """One event of an order as it was kept, and what became of it; ``params`` are JSON."""

    event_no: int
    event_id: str
    type: str
    occurred_at: datetime
    payload: str
    status: str
    code: str | None
    params: str | None


@dataclass(frozen=True, slots=True)
class OrderRefundRow:
    """What a refund took of a line, or of none of them where ``line_id`` is None."""

    refund_id: str
    line_id: str | None
    amount_minor: int
    occurred_at: datetime
    event_id: str
    is_of_before: bool


def number_of(conn: Connection, program_id: int, order_id: str) -> int | None:
    """Reads the number of the order of that id; None where it is not known."""
    return value_or_none(conn, int, _NUMBER, {"program": program_id, "order_id": order_id})


def find_order(conn: Connection, program_id: int, order_id: str) -> OrderRow | None:
    """Reads the head of an order with its state; None where it is not known."""
    order_no = number_of(conn, program_id, order_id)
    rows = [] if order_no is None else _rows(conn, program_id, OrderFilters(), [order_no])
    return rows[0] if rows else None


def events_of_order(conn: Connection, program_id: int, order_no: int, first: int | None) -> list[OrderEventRow]:
    """Lists an order's events with their outcomes: the one numbered ``first``, then the others as they came."""
    wanted = {"program": program_id, "order_no": order_no, "first": first, "limit": MOST_EVENTS}
    return execute_as(conn, OrderEventRow, _EVENTS, wanted).fetchall()


def refunds_of_order(conn: Connection, program_id: int, order_no: int) -> list[OrderRefundRow]:
    """Lists what each refund took of each line."""
    return execute_as(conn, OrderRefundRow, _REFUNDS, {"program": program_id, "order_no": order_no}).fetchall()


def list_orders(conn: Connection, program_id: int, filters: OrderFilters, after: int, limit: int) -> list[OrderRow]:
    """Lists orders by number, ``limit`` at the most after number ``after``, as few rows read as the filters allow.

    Newest first they are those before it.
    """
    keys_after = partial(order_numbers, conn, program_id, filters)
    return read_windows(after, limit, keys_after, partial(_rows, conn, program_id, filters))


def _rows(conn: Connection, program_id: int, filters: OrderFilters, numbers: Sequence[int]) -> list[OrderRow]:
    """The orders of those numbers that pass the filters on status and time, in the order of the list."""
    bound = {"program": program_id, "numbers": list(numbers), "status": filters.status}
    bound |= {"from_at": filters.from_at, "to_at": filters.to_at}
    rows = execute_as(conn, OrderRow, _LIST, bound).fetchall()
    return rows[::-1] if filters.is_newest_first else rows
