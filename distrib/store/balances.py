"""What a shop's account holds at an instant, from the months before it and the transfers about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

# Whole months before `period` come from the running totals; no transfer is counted by both.
_BALANCE = """
WITH before AS (
    SELECT COALESCE(sum(earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor), 0) AS total_minor,
           COALESCE(sum(paid_minor), 0) AS paid_minor
    FROM account_months WHERE program_id = :program AND account_no = :shop_no AND period < :period
), near AS (
    SELECT COALESCE(sum(signed_minor) FILTER (WHERE period >= :period), 0) AS total_minor,
           COALESCE(sum(signed_minor) FILTER (WHERE available_at > :as_of), 0) AS held_minor,
           COALESCE(sum(-signed_minor) FILTER (WHERE period >= :period AND kind = 'paid'), 0) AS paid_minor
    FROM (SELECT period, available_at, kind,
                 CASE WHEN credit_account = shop_no THEN amount_minor ELSE -amount_minor END AS signed_minor
          FROM transfers
          WHERE program_id = :program AND shop_no = :shop_no AND occurred_at <= :as_of) t
)
SELECT (b.total_minor + n.total_minor)::bigint AS total_minor, n.held_minor::bigint AS held_minor,
       (b.paid_minor + n.paid_minor)::bigint AS paid_minor
FROM before b CROSS JOIN near n
"""


def balance_of(conn: Connection, program_id: int, shop_no: int, period: int, as_of: datetime) -> dict[str, Any]:
    """The account's total, what of it is held, and what was paid out, at ``as_of`` in month ``period``."""
    wanted = {
        "program": program_id,
        "shop_no": shop_no,
        "period": period,
        "as_of": as_of,
    }
    return dict(conn.execute(text(_BALANCE), wanted).mappings().one())
