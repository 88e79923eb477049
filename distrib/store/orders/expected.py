"""Reading what is expected: commissions of paid orders that are neither settled nor ended, apart from the ledger.

A page is found by key (order, number), never by offset. What an amount means is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.store.orders.views import number_of
from distrib.store.pages.transfers import number_of_shop
from distrib.store.pages.windows import read_windows
from distrib.store.sql import column, execute_as, value

_LEFT = """
SELECT sum(c.amount_minor)::bigint AS amount_minor FROM expected_changes c
WHERE c.program_id = x.program_id AND c.order_no = x.order_no AND c.line_id = x.line_id AND c.rule_id = x.rule_id
  AND c.tier = x.tier AND c.shop_no = x.shop_no AND c.seq >= p.first_seq
"""
# A commission's first change by the payment that counts: what was worked out, or where a refund let a line take up what
# a cap had denied it, that.
_IS_FIRST = """
(x.kind = 'expected' OR x.kind = 'refunded' AND x.amount_minor > 0 AND NOT EXISTS (
    SELECT 1 FROM expected_changes b
    WHERE b.program_id = x.program_id AND b.order_no = x.order_no AND b.seq >= p.first_seq AND b.seq < x.seq
      AND b.line_id = x.line_id AND b.rule_id = x.rule_id AND b.tier = x.tier AND b.shop_no = x.shop_no))
"""
_ROWS = f"""
SELECT x.order_no AS cause_no, x.seq, e.event_id, o.order_id, x.line_id, h.shop_id,
       x.rule_id AS rule, x.tier, 'earned' AS kind, x.base_minor, x.rate_ppm, l.amount_minor, v.code AS plan_code,
       v.version AS plan_version, x.occurred_at
FROM unnest(CAST(%(numbers)s AS bigint[])) k (order_no)
CROSS JOIN LATERAL (
    SELECT * FROM expecting_orders WHERE program_id = %(program)s AND order_no = k.order_no OFFSET 0) q
CROSS JOIN LATERAL (
    SELECT * FROM paid_orders
    WHERE program_id = q.program_id AND order_no = q.order_no AND payment_no = q.payment_no OFFSET 0) p
CROSS JOIN LATERAL (
    SELECT * FROM expected_changes x WHERE x.program_id = q.program_id AND x.order_no = q.order_no
      AND x.seq >= p.first_seq AND {_IS_FIRST} OFFSET 0) x
CROSS JOIN LATERAL ({_LEFT}) l
CROSS JOIN LATERAL (SELECT order_id FROM orders WHERE program_id = q.program_id AND order_no = q.order_no OFFSET 0) o
CROSS JOIN LATERAL (SELECT event_id FROM events
                    WHERE program_id = x.program_id AND order_no = x.order_no AND event_no = x.event_no OFFSET 0) e
CROSS JOIN LATERAL (SELECT shop_id FROM shops WHERE program_id = x.program_id AND shop_no = x.shop_no OFFSET 0) h
CROSS JOIN LATERAL (SELECT code, version FROM plan_versions
                    WHERE program_id = p.program_id AND version_no = p.version_no OFFSET 0) v
WHERE l.amount_minor > 0 AND (x.order_no, x.seq) > (%(after_order)s, %(after_seq)s)
  AND (CAST(%(shop_no)s AS bigint) IS NULL OR x.shop_no = %(shop_no)s)
ORDER BY x.order_no, x.seq LIMIT %(limit)s
"""
_ORDERS = """
SELECT order_no FROM expecting_orders WHERE program_id = %(program)s AND order_no > %(after)s
ORDER BY order_no LIMIT %(limit)s
"""
_ORDERS_OF_SHOP = """
SELECT DISTINCT c.order_no FROM expected_changes c
WHERE c.program_id = %(program)s AND c.shop_no = %(shop_no)s AND c.order_no > %(after)s AND EXISTS (
    SELECT 1 FROM expecting_orders q WHERE q.program_id = c.program_id AND q.order_no = c.order_no)
ORDER BY c.order_no LIMIT %(limit)s
"""
_OF_ORDER = """
SELECT x.event_no, x.line_id, x.rule_id, x.tier, x.shop_no, h.shop_id,
       CASE x.kind WHEN 'expected' THEN 'earned' ELSE 'reversed' END AS kind, x.base_minor, x.rate_ppm, x.amount_minor
FROM expected_changes x JOIN shops h ON h.program_id = x.program_id AND h.shop_no = x.shop_no
WHERE x.program_id = %(program)s AND x.order_no = %(order_no)s
  AND x.seq >= (SELECT max(first_seq) FROM paid_orders WHERE program_id = %(program)s AND order_no = %(order_no)s)
ORDER BY x.seq
"""
_OF_SHOP = """
SELECT COALESCE(sum(amount_minor), 0)::bigint FROM expected_changes
WHERE program_id = %(program)s AND shop_no = %(shop_no)s AND occurred_at <= %(as_of)s
"""


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """One expected commission, net of what refunds took, with the ids its callers know."""

    cause_no: int
    seq: int
    event_id: str
    order_id: str
    line_id: str
    shop_id: str
    rule: str
    tier: int
    kind: str
    base_minor: int
    rate_ppm: int | None
    amount_minor: int
    plan_code: str
    plan_version: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ExpectedChangeRow:
    """What a line of an order is expected to give a shop by a rule, or what was taken back of it."""

    event_no: int | None
    line_id: str
    rule_id: str
    tier: int
    shop_no: int
    shop_id: str
    kind: str
    base_minor: int
    rate_ppm: int | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ExpectedFilters:
    """Whose expected commissions and of which order are asked for; what is None does not matter."""

    shop_id: str | None = None
    shop_no: int | None = None
    order_id: str | None = None


def list_expected(
    conn: Connection, program_id: int, wanted: ExpectedFilters, after: tuple[int, int], limit: int
) -> list[ExpectedRow]:
    """Lists what is expected by order and number, net of refunds, ``limit`` at the most after the key ``after``."""
    shop_no = wanted.shop_no
    if wanted.shop_id is not None:
        named = number_of_shop(conn, program_id, wanted.shop_id)
        if named is None or shop_no not in (None, named):
            return []
        shop_no = named
    bound = {"program": program_id, "shop_no": shop_no, "after_order": after[0], "after_seq": after[1], "limit": limit}

    def rows_of(numbers: Sequence[int]) -> list[ExpectedRow]:
        return execute_as(conn, ExpectedRow, _ROWS, bound | {"numbers": list(numbers)}).fetchall()

    if wanted.order_id is not None:
        order_no = number_of(conn, program_id, wanted.order_id)
        return [] if order_no is None else rows_of([order_no])

    def numbers_after(number: int, size: int) -> list[int]:
        wanted_orders = _ORDERS if shop_no is None else _ORDERS_OF_SHOP
        return column(conn, int, wanted_orders, bound | {"after": number, "limit": size})

    return read_windows(after[0] - 1, limit, numbers_after, rows_of)


def expected_of_order(conn: Connection, program_id: int, order_no: int) -> list[ExpectedChangeRow]:
    """Lists every change of what is expected of one order, in the ledger's words: earned, and taken back."""
    return execute_as(conn, ExpectedChangeRow, _OF_ORDER, {"program": program_id, "order_no": order_no}).fetchall()


def expected_of_shop(conn: Connection, program_id: int, shop_no: int, as_of: datetime) -> int:
    """Adds up all that was expected for a shop at an instant."""
    bound = {"program": program_id, "shop_no": shop_no, "as_of": as_of}
    return value(conn, int, _OF_SHOP, bound)
