"""What transfers must satisfy: both sides, reversals, dates, plans. Nothing is repaired here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TypeAlias

from sqlalchemy import Connection

from distrib.domain.periods import to_period
from distrib.store.audit.pages import By, Page, within
from distrib.store.audit.questions import Question
from distrib.store.database import Bound
from distrib.store.sql import execute, written_in

Buckets: TypeAlias = list[tuple[int, int, int]]
"""Money by the month that it counts in and the month from which it is available: both months, and the amount."""

_BALANCED = Question(
    "transfers_balanced",
    "SELECT count(*) FROM transfers WHERE program_id = %(program)s AND cause_no IN %(page)s",
    """
    SELECT cause_no, seq, kind::text AS kind, debit_account, credit_account, amount_minor
    FROM transfers
    WHERE program_id = %(program)s AND cause_no IN %(page)s
      AND (amount_minor <= 0 OR shop_no <> GREATEST(debit_account, credit_account)
          OR NOT CASE WHEN kind IN ('earned', 'pool') THEN debit_account = %(expense)s
                      WHEN kind IN ('reversed', 'adjusted') THEN LEAST(debit_account, credit_account) = %(expense)s
                      WHEN kind = 'paid' THEN LEAST(debit_account, credit_account) = %(clearing)s
                      WHEN kind = 'tax' THEN LEAST(debit_account, credit_account) = %(tax)s ELSE false END)
    """,
    By.ORDERS,
)
_REVERSALS = Question(
    "reversals_within_earned",
    "SELECT count(*) FROM transfers WHERE program_id = %(program)s AND cause_no IN %(page)s AND kind = 'reversed'",
    """
    WITH lines AS (
        SELECT cause_no, line_id, rule_id, tier, shop_no, sum(amount) AS standing,
               sum(amount) FILTER (WHERE kind = 'earned') AS earned
        FROM (SELECT cause_no, line_id, rule_id, tier, shop_no, kind,
                     signed_minor(shop_no, credit_account, amount_minor) AS amount,
                     bool_or(kind = 'reversed') OVER (PARTITION BY cause_no) AS is_reversed FROM transfers
              WHERE program_id = %(program)s AND cause_no IN %(page)s AND kind IN ('earned', 'reversed')) t
        WHERE is_reversed
        GROUP BY cause_no, line_id, rule_id, tier, shop_no
    )
    SELECT cause_no, line_id, rule_id, tier, shop_no, earned::bigint AS earned_minor,
           standing::bigint AS standing_minor
    FROM lines WHERE standing < 0
    UNION ALL
    SELECT cause_no, min(line_id), rule_id, tier, shop_no, sum(earned)::bigint, sum(standing)::bigint
    FROM lines GROUP BY cause_no, rule_id, tier, shop_no HAVING sum(standing) > COALESCE(sum(earned), 0)
    UNION ALL
    SELECT r.cause_no, r.line_id, r.rule_id, r.tier, r.shop_no, e.amount_minor, NULL
    FROM transfers r
    LEFT JOIN LATERAL (
        SELECT * FROM transfers WHERE program_id = r.program_id AND cause_no = r.cause_no AND seq = r.reverses_seq
          AND kind = 'earned' AND cause_no IN %(page)s OFFSET 0) e ON true
    WHERE r.program_id = %(program)s AND r.cause_no IN %(page)s AND r.kind = 'reversed'
      AND ((r.rule_id, r.tier, r.shop_no, r.available_at)
           IS DISTINCT FROM (e.rule_id, e.tier, e.shop_no, e.available_at)
           OR r.line_id <> e.line_id AND EXISTS (
               SELECT 1 FROM transfers o WHERE o.program_id = r.program_id AND o.cause_no = r.cause_no
                 AND o.cause_no IN %(page)s AND o.kind = 'earned' AND o.line_id = r.line_id AND o.rule_id = r.rule_id
                 AND o.tier = r.tier AND o.shop_no = r.shop_no))
    """,
    By.ORDERS,
)

_DATED = Question(
    "transfers_dated",
    "SELECT count(*) FROM transfers WHERE program_id = %(program)s AND cause_no IN %(page)s",
    written_in(__file__, "months_of_transfers"),
    By.ORDERS,
)

_PLAN_IN_FORCE = Question(
    "plan_in_force",
    "SELECT count(*) FROM settlements WHERE program_id = %(program)s AND order_no IN %(page)s",
    """
    SELECT s.order_no, s.paid_at, s.version_no, v.version_no AS in_force
    FROM settlements s
    LEFT JOIN (SELECT version_no, effective_from, lead(effective_from) OVER (ORDER BY effective_from) AS until
               FROM plan_publications WHERE program_id = %(program)s) v
      ON s.paid_at >= v.effective_from AND (v.until IS NULL OR s.paid_at < v.until)
    WHERE s.program_id = %(program)s AND s.order_no IN %(page)s AND s.version_no IS NOT NULL
      AND s.version_no IS DISTINCT FROM v.version_no
    """,
    By.ORDERS,
)

QUESTIONS = (_BALANCED, _REVERSALS, _DATED, _PLAN_IN_FORCE)

_MONTH = "date_trunc('month', {} AT TIME ZONE %(time_zone)s)"
_FREE = "GREATEST(t.available_at, COALESCE(d.freed_at, '8999-12-15 00:00+00'))"
# By the month they count in and the month their money becomes available in.
_BUCKETS = f"""
SELECT period, {_MONTH.format("available_at")} AS free_month,
       sum(signed_minor(shop_no, credit_account, amount_minor))::bigint AS amount_minor
FROM transfers WHERE program_id = %(program)s AND shop_no > 0 AND {{which}} GROUP BY 1, 2
"""
_UP_TO_HORIZON = _BUCKETS.format(which="cause_no IN %(page)s AND posting_no <= %(horizon)s")
_AFTER_HORIZON = _BUCKETS.format(which="posting_no > %(horizon)s")
# What a case holds becomes available when it is freed, and until then never: from the one month to the other.
_OF_CASES = f"""
WITH held AS (
    SELECT t.period, {_MONTH.format("t.available_at")} AS of_date, {_MONTH.format(_FREE)} AS of_case,
           signed_minor(t.shop_no, t.credit_account, t.amount_minor) AS amount_minor
    FROM frozen_commissions f
    JOIN transfers t ON t.program_id = f.program_id AND t.cause_no = f.cause_no
         AND COALESCE(t.reverses_seq, t.seq) = f.seq AND t.shop_no > 0
    LEFT JOIN freed_commissions d ON d.program_id = f.program_id AND d.cause_no = f.cause_no AND d.seq = f.seq
    WHERE f.program_id = %(program)s
)
SELECT period, of_date, -sum(amount_minor)::bigint FROM held GROUP BY 1, 2
UNION ALL
SELECT period, of_case, sum(amount_minor)::bigint FROM held GROUP BY 1, 2
"""


def money_of_page(conn: Connection, page: Page, bound: Bound) -> Buckets:
    """Adds up the transfers of a page of orders, posted up to ``horizon``: they stay as they are."""
    return _buckets(execute(conn, within(_UP_TO_HORIZON, page), {**bound, **page.bound}))


def money_since(conn: Connection, bound: Bound) -> Buckets:
    """Adds up what was posted after ``horizon``, and what cases now move from month to month of all that was posted."""
    return _buckets(execute(conn, _AFTER_HORIZON, bound)) + _buckets(execute(conn, _OF_CASES, bound))


def _buckets(rows: Iterable[tuple[int, date, int]]) -> Buckets:
    return [(period, to_period(month.year, month.month), amount_minor) for period, month, amount_minor in rows]
