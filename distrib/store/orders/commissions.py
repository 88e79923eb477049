"""Reading commissions: transfers to and from shops with the ids their callers know.

A page is found by key (cause, seq), never by offset. Nothing is added up here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

COMMISSION_KINDS = ("earned", "reversed", "pool", "adjusted")
"""The kinds of transfer that are commissions; the rest moves money that was earned before."""

# Whether a case holds it, with what was taken back of it, whatever its date says.
_CASE_HELD = """EXISTS (
    SELECT 1 FROM frozen_commissions z
    WHERE z.program_id = t.program_id AND z.cause_no = t.cause_no AND z.seq = COALESCE(t.reverses_seq, t.seq)
      AND NOT EXISTS (SELECT 1 FROM freed_commissions y
                      WHERE y.program_id = z.program_id AND y.cause_no = z.cause_no AND y.seq = z.seq))"""
_ROWS = f"""
SELECT t.cause_no, t.seq, t.reverses_seq, e.event_id, o.order_id, t.line_id, h.shop_id, t.rule_id AS rule, t.tier,
       t.kind::text AS kind, t.base_minor, t.rate_ppm,
       CASE WHEN t.credit_account = t.shop_no THEN t.amount_minor ELSE -t.amount_minor END AS amount_minor,
       v.code AS plan_code, v.version AS plan_version, t.occurred_at, t.available_at, t.period, t.belongs_to_period,
       {_CASE_HELD} AS is_case_held, a.adjustment_id, COALESCE(a.reason, 'withdrawal:' || w.withdrawal_id) AS reason,
       w.withdrawal_id
FROM {{transfers}} t
JOIN shops h ON h.program_id = t.program_id AND h.shop_no = t.shop_no
LEFT JOIN adjustments a ON a.program_id = t.program_id AND a.adjustment_no = t.cause_no
LEFT JOIN orders o ON o.program_id = t.program_id AND o.order_no = t.cause_no
LEFT JOIN events e ON e.program_id = t.program_id AND e.order_no = t.cause_no AND e.event_no = t.event_no
LEFT JOIN withdrawals w ON w.program_id = t.program_id AND w.withdrawal_no = t.cause_no
LEFT JOIN plan_versions v ON v.program_id = t.program_id AND v.version_no = t.version_no
WHERE t.program_id = :program AND t.kind IN ('earned', 'reversed', 'pool', 'adjusted')
"""
# What each filter adds; the number of a shop or an order is looked up once, so that its own index is used.
_FILTERS = {
    "shop_id": " AND t.shop_no = (SELECT shop_no FROM shops WHERE program_id = :program AND shop_id = :shop_id)",
    "shop_no": " AND t.shop_no = :shop_no",
    "order_id": " AND t.cause_no = (SELECT order_no FROM orders WHERE program_id = :program AND order_id = :order_id)",
    "period": " AND t.period = :period",
    "kind": " AND t.kind = CAST(:kind AS transfer_kind)",
    "held_at": f" AND (t.available_at > :held_at OR {_CASE_HELD})",
    "available_at": f" AND t.available_at <= :available_at AND NOT {_CASE_HELD}",
}
_PAGE = " AND (t.cause_no, t.seq) > (:after_cause, :after_seq) ORDER BY t.cause_no, t.seq LIMIT :limit"
_OF_ORDER = f"""
SELECT t.seq, t.line_id, t.rule_id, t.tier, t.shop_no, h.shop_id, t.kind::text AS kind, t.base_minor, t.rate_ppm,
       CASE WHEN t.credit_account = t.shop_no THEN t.amount_minor ELSE -t.amount_minor END AS amount_minor,
       t.available_at, t.event_no, {_CASE_HELD} AS is_case_held
FROM transfers t JOIN shops h ON h.program_id = t.program_id AND h.shop_no = t.shop_no
WHERE t.program_id = :program AND t.cause_no = :order_no AND t.kind IN ('earned', 'reversed')
ORDER BY t.seq
"""


@dataclass(frozen=True, slots=True)
class CommissionFilters:
    """Which commissions are asked for; ``held_at`` and ``available_at`` ask for those held or available then."""

    shop_id: str | None = None
    shop_no: int | None = None
    order_id: str | None = None
    period: int | None = None
    kind: str | None = None
    held_at: datetime | None = None
    available_at: datetime | None = None


def list_commissions(
    conn: Connection, program_id: int, filters: CommissionFilters, after: tuple[int, int], limit: int
) -> list[dict[str, Any]]:
    """Lists commissions by cause and number, ``limit`` at the most after the key ``after``; takings are below zero."""
    wanted = {name: value for name, value in asdict(filters).items() if value is not None}
    transfers = "transfers" if filters.shop_id is None and filters.shop_no is None else "shop_transfers"
    statement = text(_ROWS.format(transfers=transfers) + "".join(_FILTERS[name] for name in wanted) + _PAGE)
    after_cause, after_seq = after
    bound = wanted | {"program": program_id, "after_cause": after_cause, "after_seq": after_seq, "limit": limit}
    return [dict(row) for row in conn.execute(statement, bound).mappings()]


def commissions_of_order(conn: Connection, program_id: int, order_no: int) -> list[dict[str, Any]]:
    """Lists everything that one order gave and took back, as posted."""
    rows = conn.execute(text(_OF_ORDER), {"program": program_id, "order_no": order_no})
    return [dict(row) for row in rows.mappings()]
