"""Reads what orders that may be given back whole have become. Whether a refund takes all of one is not decided here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute_as

# Each order is looked up by its keys, whatever the statistics of tables say that grow while it is asked.
_UNTOUCHED = """
SELECT s.order_no, s.seller_no, s.settled_at, s.sales_minor > 0 AS counts_as_sale, e.payload
FROM settlements s
JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
WHERE s.program_id = (SELECT %(program)s::integer) AND s.order_no = ANY(%(orders)b::bigint[]) AND s.paid_minor > 0
  AND (SELECT r.order_no FROM refund_lines r
       WHERE r.program_id = s.program_id AND r.order_no = s.order_no LIMIT 1) IS NULL
  AND (SELECT b.order_no FROM refunds_beside b
       WHERE b.program_id = s.program_id AND b.order_no = s.order_no LIMIT 1) IS NULL
  AND (SELECT o.order_no FROM order_ends o WHERE o.program_id = s.program_id AND o.order_no = s.order_no) IS NULL
"""
_TRANSFERS = """
SELECT cause_no AS order_no, seq, kind = 'earned' AS is_earned, version_no, available_at, shop_no, tier, base_minor,
       COALESCE(rate_ppm, -1) AS rate_ppm, amount_minor, line_id, rule_id
FROM transfers
WHERE program_id = (SELECT %(program)s::integer) AND cause_no = ANY(%(orders)b::bigint[]) ORDER BY cause_no, seq
"""


class UntouchedOrder(NamedTuple):
    """A settled order of which nothing came back so far; ``payload`` is its settlement's."""

    order_no: int
    seller_no: int | None
    settled_at: datetime
    counts_as_sale: bool
    payload: str


class OwnTransfer(NamedTuple):
    """A transfer of an order; ``rate_ppm`` is -1 where there is no rate."""

    order_no: int
    seq: int
    is_earned: bool
    version_no: int
    available_at: datetime
    shop_no: int
    tier: int
    base_minor: int
    rate_ppm: int
    amount_minor: int
    line_id: str
    rule_id: str


def untouched_orders(conn: Connection, program_id: int, orders: Sequence[int]) -> dict[int, UntouchedOrder]:
    """The orders among those numbers that settled for money, of which no refund and no cancel took any, by number."""
    rows = execute_as(
        conn, UntouchedOrder, _UNTOUCHED, {"program": program_id, "orders": list(orders)}, binary=True
    ).fetchall()
    return {row.order_no: row for row in rows}


def transfers_of(conn: Connection, program_id: int, orders: Sequence[int]) -> list[OwnTransfer]:
    """The transfers of orders, one order after the other, each order's in their turn."""
    return execute_as(
        conn, OwnTransfer, _TRANSFERS, {"program": program_id, "orders": list(orders)}, binary=True
    ).fetchall()
