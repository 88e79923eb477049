"""What orders are before they settle and when they end: payments, failures, what is expected, early refunds, ends.

Written in sets, read for a whole batch at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection

from distrib.domain.orders.state import OrderEnd
from distrib.store.sql import execute

_INSERT_PAID = """
INSERT INTO paid_orders (program_id, order_no, event_no, version_no, seller_no, paid_at, paid_minor, snapshot,
    payment_no, first_seq, first_refund_seq)
SELECT %(program)s, * FROM unnest(%(order_no)b::bigint[], %(event_no)b::bigint[], %(version_no)b::integer[],
    %(seller_no)b::bigint[], %(paid_at)b::timestamptz[], %(paid_minor)b::bigint[], %(snapshot)b::text[],
    %(payment_no)b::smallint[], %(first_seq)b::integer[], %(first_refund_seq)b::integer[])
"""
_INSERT_EXPECTED = """
INSERT INTO expected_changes (program_id, order_no, seq, event_no, kind, shop_no, line_id, rule_id, tier, base_minor,
    rate_ppm, amount_minor, occurred_at)
SELECT %(program)s, * FROM unnest(%(order_no)b::bigint[], %(seq)b::integer[], %(event_no)b::bigint[],
    %(kind)b::text[], %(shop_no)b::bigint[], %(line_id)b::text[], %(rule_id)b::text[], %(tier)b::smallint[],
    %(base_minor)b::bigint[], %(rate_ppm)b::integer[], %(amount_minor)b::bigint[], %(occurred_at)b::timestamptz[])
"""
_INSERT_EARLY = """
INSERT INTO early_refunds (program_id, order_no, refund_id, line_id, seq, event_no, amount_minor, occurred_at)
SELECT %(program)s, * FROM unnest(%(order_no)b::bigint[], %(refund_id)b::text[], %(line_id)b::text[],
    %(seq)b::integer[], %(event_no)b::bigint[], %(amount_minor)b::bigint[], %(occurred_at)b::timestamptz[])
"""
_INSERT_ENDS = """
INSERT INTO order_ends (program_id, order_no, reason, event_no, shop_id, occurred_at)
SELECT %(program)s, * FROM unnest(%(order_no)b::bigint[], %(reason)b::text[], %(event_no)b::bigint[],
    %(shop_id)b::text[], %(occurred_at)b::timestamptz[])
"""
_INSERT_FAILURES = """
INSERT INTO payment_failures (program_id, order_no, event_no, occurred_at)
SELECT %(program)s, * FROM unnest(%(order_no)b::bigint[], %(event_no)b::bigint[], %(occurred_at)b::timestamptz[])
"""
# A refund that a failed payment made to be applied anew is kept already.
_INSERT_BESIDE = """
INSERT INTO refunds_beside (program_id, order_no, refund_id, event_no, amount_minor, occurred_at)
SELECT %(program)s, * FROM unnest(%(order_no)b::bigint[], %(refund_id)b::text[], %(event_no)b::bigint[],
    %(amount_minor)b::bigint[], %(occurred_at)b::timestamptz[])
ON CONFLICT DO NOTHING
"""
_OPEN = """
INSERT INTO expecting_orders (program_id, order_no, payment_no)
SELECT %(program)s, * FROM unnest(%(orders)b::bigint[], %(numbers)b::smallint[])
"""
_CLOSE = """
DELETE FROM expecting_orders
WHERE program_id = (SELECT %(program)s::integer) AND order_no = ANY(%(orders)b::bigint[])
"""

_PAID = """
SELECT p.order_no, p.event_no, p.version_no, p.snapshot, e.payload, e.occurred_at, p.payment_no, p.first_seq,
       p.first_refund_seq
FROM expecting_orders o
JOIN paid_orders p ON p.program_id = o.program_id AND p.order_no = o.order_no AND p.payment_no = o.payment_no
JOIN events e ON e.program_id = p.program_id AND e.order_no = p.order_no AND e.event_no = p.event_no
WHERE o.program_id = (SELECT %(program)s::integer) AND o.order_no = ANY(%(orders)b::bigint[])
"""
_ENDS = """
SELECT order_no, reason, event_no, occurred_at FROM order_ends
WHERE program_id = (SELECT %(program)s::integer) AND order_no = ANY(%(orders)b::bigint[])
"""
# When the payment of an order failed last, with the numbers of what comes after all that came so far.
_FAILURES = """
SELECT f.order_no, max(f.occurred_at),
       (SELECT COALESCE(max(p.payment_no), 0) + 1 FROM paid_orders p
        WHERE p.program_id = f.program_id AND p.order_no = f.order_no),
       (SELECT COALESCE(max(x.seq), 0) + 1 FROM expected_changes x
        WHERE x.program_id = f.program_id AND x.order_no = f.order_no),
       (SELECT COALESCE(max(r.seq), 0) + 1 FROM early_refunds r
        WHERE r.program_id = f.program_id AND r.order_no = f.order_no)
FROM payment_failures f
WHERE f.program_id = (SELECT %(program)s::integer) AND f.order_no = ANY(%(orders)b::bigint[])
  GROUP BY f.program_id, f.order_no
"""
_BESIDE = """
SELECT r.order_no, r.refund_id, r.event_no, r.occurred_at, e.day, e.payload
FROM refunds_beside r
JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
WHERE r.program_id = (SELECT %(program)s::integer) AND r.order_no = ANY(%(orders)b::bigint[])
  ORDER BY r.order_no, r.event_no
"""
_EXPECTED = """
SELECT order_no, seq, event_no, kind, shop_no, line_id, rule_id, tier, base_minor, rate_ppm, amount_minor, occurred_at
FROM expected_changes
JOIN unnest(%(orders)b::bigint[], %(first)b::integer[]) AS o (order_no, first_seq) USING (order_no)
WHERE program_id = (SELECT %(program)s::integer) AND seq >= o.first_seq ORDER BY order_no, seq
"""
_EARLY = """
SELECT r.order_no, r.event_no, r.refund_id, r.line_id, r.amount_minor, r.occurred_at, e.day, e.payload
FROM early_refunds r
JOIN unnest(%(orders)b::bigint[], %(first)b::integer[]) AS o (order_no, first_seq) USING (order_no)
JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
WHERE r.program_id = (SELECT %(program)s::integer) AND r.seq >= o.first_seq ORDER BY r.order_no, r.seq
"""
_FIRST_CONTENTS = """
SELECT DISTINCT ON (order_no) order_no, payload FROM events
WHERE program_id = (SELECT %(program)s::integer) AND order_no = ANY(%(orders)b::bigint[])
  AND type IN ('order.paid', 'order.settled')
ORDER BY order_no, event_no
"""


class PaidOrder(NamedTuple):
    """What an order became when its payment was worked on."""

    order_no: int
    event_no: int
    version_no: int
    seller_no: int | None
    paid_at: datetime
    paid_minor: int
    snapshot: str
    payment_no: int = 1
    first_seq: int = 1
    first_refund_seq: int = 1


class ExpectedChange(NamedTuple):
    """One change of what is expected of an order; ``kind`` is ``expected``, ``refunded`` or ``ended``."""

    order_no: int
    seq: int
    event_no: int
    kind: str
    shop_no: int
    line_id: str
    rule_id: str
    tier: int
    base_minor: int
    rate_ppm: int | None
    amount_minor: int
    occurred_at: datetime


class FailedPayment(NamedTuple):
    """When the payment of an order failed."""

    order_no: int
    event_no: int
    occurred_at: datetime


class LastFailure(NamedTuple):
    """When the payment of an order failed last, and the numbers of the next one and of what comes with it."""

    occurred_at: datetime
    payment_no: int
    first_seq: int
    first_refund_seq: int


class BesideRefund(NamedTuple):
    """Money given back that is no line's; below 0 where that was undone."""

    order_no: int
    refund_id: str
    event_no: int
    amount_minor: int
    occurred_at: datetime


class StoredBeside(NamedTuple):
    """A refund that is no line's, or what undid one, with its event."""

    refund_id: str
    event_no: int
    occurred_at: datetime
    day: date
    payload: str


class EarlyRefundLine(NamedTuple):
    """What a refund took of one line before the order settled; ``seq`` says in which order they came."""

    order_no: int
    refund_id: str
    line_id: str
    seq: int
    event_no: int
    amount_minor: int
    occurred_at: datetime


class EndedOrder(NamedTuple):
    """Why and when an order ended; ``shop_id`` is the one it names."""

    order_no: int
    reason: str
    event_no: int
    shop_id: str | None
    occurred_at: datetime


@dataclass(slots=True)
class StoredEarlyRefund:
    """A refund that came before the settlement, or what undid one: its event, and what it took by line."""

    event_no: int
    refund_id: str
    occurred_at: datetime
    day: date
    payload: str
    taken: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class StoredPayment:
    """A paid order that is neither settled nor ended."""

    event_no: int
    version_no: int
    snapshot: str
    payload: str
    occurred_at: datetime
    payment_no: int = 1
    first_seq: int = 1
    first_refund_seq: int = 1
    changes: list[ExpectedChange] = field(default_factory=list)
    refunds: dict[int, StoredEarlyRefund] = field(default_factory=dict)


def read_payments(conn: Connection, program_id: int, orders: Collection[int]) -> dict[int, StoredPayment]:
    """The paid orders among those numbers that are neither settled nor ended, by number, with what came since."""
    params = {"program": program_id, "orders": sorted(orders)}
    payments = {order_no: StoredPayment(*row) for order_no, *row in execute(conn, _PAID, params)}
    if not payments:
        return payments
    params["orders"] = orders = sorted(payments)
    params["first"] = [payments[order_no].first_seq for order_no in orders]
    for row in execute(conn, _EXPECTED, params):
        change = ExpectedChange(*row)
        payments[change.order_no].changes.append(change)
    params["first"] = [payments[order_no].first_refund_seq for order_no in orders]
    for order_no, event_no, refund_id, line_id, amount_minor, *of_event in execute(conn, _EARLY, params):
        refunds = payments[order_no].refunds
        if event_no not in refunds:
            refunds[event_no] = StoredEarlyRefund(event_no, refund_id, *of_event)
        refunds[event_no].taken[line_id] = amount_minor
    return payments


def read_failures(conn: Connection, program_id: int, orders: Collection[int]) -> dict[int, LastFailure]:
    """When the payments of those orders failed last, by number; of orders whose payment never did there is none."""
    rows = execute(conn, _FAILURES, {"program": program_id, "orders": sorted(orders)})
    return {order_no: LastFailure(*failure) for order_no, *failure in rows}


def read_beside(conn: Connection, program_id: int, orders: Collection[int]) -> dict[int, list[StoredBeside]]:
    """The refunds of those orders that are no line's, by number, in the order they came."""
    beside: dict[int, list[StoredBeside]] = {}
    for order_no, *row in execute(conn, _BESIDE, {"program": program_id, "orders": sorted(orders)}):
        beside.setdefault(order_no, []).append(StoredBeside(*row))
    return beside


def read_ends(conn: Connection, program_id: int, orders: Collection[int]) -> dict[int, OrderEnd]:
    """Those of the orders that have ended, by number, with why, by which event, and when."""
    rows = execute(conn, _ENDS, {"program": program_id, "orders": sorted(orders)})
    return {order_no: OrderEnd(*end) for order_no, *end in rows}


def first_contents(conn: Connection, program_id: int, orders: Collection[int]) -> dict[int, str]:
    """The payload of the first event that described each order, by number, whatever became of that event."""
    return dict(execute(conn, _FIRST_CONTENTS, {"program": program_id, "orders": sorted(orders)}).fetchall())


def insert_paid(conn: Connection, program_id: int, rows: Sequence[PaidOrder]) -> None:
    """Keeps payments with their snapshots."""
    _insert(conn, program_id, _INSERT_PAID, rows)


def open_payments(conn: Connection, program_id: int, payments: Mapping[int, int]) -> None:
    """Keeps that something is expected of these orders, by the payment of that number."""
    numbers = {"orders": list(payments), "numbers": list(payments.values())}
    execute(conn, _OPEN, {"program": program_id, **numbers})


def insert_failures(conn: Connection, program_id: int, rows: Sequence[FailedPayment]) -> None:
    """Keeps that payments have failed."""
    _insert(conn, program_id, _INSERT_FAILURES, rows)


def insert_beside(conn: Connection, program_id: int, rows: Sequence[BesideRefund]) -> None:
    """Keeps what was given back that is no line's."""
    _insert(conn, program_id, _INSERT_BESIDE, rows)


def insert_expected(conn: Connection, program_id: int, rows: Sequence[ExpectedChange]) -> None:
    """Keeps changes of what is expected."""
    _insert(conn, program_id, _INSERT_EXPECTED, rows)


def insert_early_refunds(conn: Connection, program_id: int, rows: Sequence[EarlyRefundLine]) -> None:
    """Keeps what refunds took before the settlement."""
    _insert(conn, program_id, _INSERT_EARLY, rows)


def insert_ends(conn: Connection, program_id: int, rows: Sequence[EndedOrder]) -> None:
    """Keeps that orders have ended."""
    _insert(conn, program_id, _INSERT_ENDS, rows)


def close_payments(conn: Connection, program_id: int, orders: Collection[int]) -> None:
    """Nothing is expected of these orders any more."""
    execute(conn, _CLOSE, {"program": program_id, "orders": sorted(orders)})


_NewRow: TypeAlias = PaidOrder | FailedPayment | BesideRefund | ExpectedChange | EarlyRefundLine | EndedOrder


def _insert(conn: Connection, program_id: int, statement: str, rows: Sequence[_NewRow]) -> None:
    """Inserts rows of one kind, each field of which is a column of the statement."""
    names = rows[0]._fields
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    execute(conn, statement, {"program": program_id, **columns})
