"""Reading what is expected: commissions of paid orders that are neither settled nor ended, apart from the ledger.

A page is found by key (order, number), never by offset. What an amount means is not known here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

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
SELECT x.order_no AS cause_no, x.seq, NULL AS reverses_seq, e.event_id, o.order_id, x.line_id, h.shop_id,
       x.rule_id AS rule, x.tier, 'earned' AS kind, x.base_minor, x.rate_ppm, l.amount_minor, v.code AS plan_code,
       v.version AS plan_version, x.occurred_at
FROM expecting_orders q
JOIN paid_orders p ON p.program_id = q.program_id AND p.order_no = q.order_no AND p.payment_no = q.payment_no
JOIN expected_changes x ON x.program_id = q.program_id AND x.order_no = q.order_no AND x.seq >= p.first_seq
     AND {_IS_FIRST}
CROSS JOIN LATERAL ({_LEFT}) l
JOIN orders o ON o.program_id = q.program_id AND o.order_no = q.order_no
JOIN events e ON e.program_id = x.program_id AND e.order_no = x.order_no AND e.event_no = x.event_no
JOIN shops h ON h.program_id = x.program_id AND h.shop_no = x.shop_no
JOIN plan_versions v ON v.program_id = p.program_id AND v.version_no = p.version_no
WHERE q.program_id = :program AND l.amount_minor > 0
"""
# What each filter adds; the number of a shop or an order is looked up once, so that its own index is used.
_FILTERS = {
    "shop_id": " AND x.shop_no = (SELECT shop_no FROM shops WHERE program_id = :program AND shop_id = :shop_id)",
    "shop_no": " AND x.shop_no = :shop_no",
    "order_id": " AND x.order_no = (SELECT order_no FROM orders WHERE program_id = :program AND order_id = :order_id)",
}
_PAGE = " AND (x.order_no, x.seq) > (:after_order, :after_seq) ORDER BY x.order_no, x.seq LIMIT :limit"
_OF_ORDER = """
SELECT x.event_no, x.line_id, x.rule_id, x.tier, x.shop_no, h.shop_id,
       CASE x.kind WHEN 'expected' THEN 'earned' ELSE 'reversed' END AS kind, x.base_minor, x.rate_ppm, x.amount_minor
FROM expected_changes x JOIN shops h ON h.program_id = x.program_id AND h.shop_no = x.shop_no
WHERE x.program_id = :program AND x.order_no = :order_no
  AND x.seq >= (SELECT max(first_seq) FROM paid_orders WHERE program_id = :program AND order_no = :order_no)
ORDER BY x.seq
"""
_OF_SHOP = """
SELECT COALESCE(sum(amount_minor), 0)::bigint FROM expected_changes
WHERE program_id = :program AND shop_no = :shop_no AND occurred_at <= :as_of
"""


def list_expected(
    conn: Connection, program_id: int, wanted: dict[str, Any], after: tuple[int, int], limit: int
) -> list[dict[str, Any]]:
    """Lists what is expected by order and number, net of refunds, ``limit`` at the most after the key ``after``.

    Args:
        wanted: values of ``shop_id``, ``shop_no`` and ``order_id``, as far as they matter.
    """
    statement = text(_ROWS + "".join(_FILTERS[name] for name in wanted) + _PAGE)
    after_order, after_seq = after
    bound = wanted | {"program": program_id, "after_order": after_order, "after_seq": after_seq, "limit": limit}
    return [dict(row) for row in conn.execute(statement, bound).mappings()]


def expected_of_order(conn: Connection, program_id: int, order_no: int) -> list[dict[str, Any]]:
    """Lists every change of what is expected of one order, in the ledger's words: earned, and taken back."""
    rows = conn.execute(text(_OF_ORDER), {"program": program_id, "order_no": order_no})
    return [dict(row) for row in rows.mappings()]


def expected_of_shop(conn: Connection, program_id: int, shop_no: int, as_of: datetime) -> int:
    """Adds up all that was expected for a shop at an instant."""
    bound = {"program": program_id, "shop_no": shop_no, "as_of": as_of}
    return int(conn.execute(text(_OF_SHOP), bound).scalar_one())
