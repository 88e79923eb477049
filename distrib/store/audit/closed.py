"""What closed months must satisfy, against the transfers and payout rows alone. Nothing is repaired here."""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.audit.pages import BY_SHOP, By
from distrib.store.audit.questions import Question
from distrib.store.sql import column

_ENDS = "((make_date(period / 100, period %% 100, 1) + interval '1 month') AT TIME ZONE %(time_zone)s)"
# Figures that were proposed and never closed stand beside those of closed months.
_KEPT = (
    "closed_statements JOIN (SELECT program_id, period, figures_no FROM closed_periods) c"
    " USING (program_id, period, figures_no)"
)
# A shop that has neither money nor movement in a month has no row there; by the transfers that is a row of zeros.
# By month counted in and month of becoming available, so that every close reads months and not transfers.
MATCH = Question(
    "closed_statements_match_transfers",
    "SELECT 0",
    f"""
    WITH b AS MATERIALIZED (
        SELECT shop_no, period, (EXTRACT(year FROM available_at AT TIME ZONE %(time_zone)s) * 100
                                 + EXTRACT(month FROM available_at AT TIME ZONE %(time_zone)s))::integer AS free_period,
               sum(minor) AS amount, COALESCE(sum(minor) FILTER (WHERE kind IN ('earned', 'pool')), 0) AS earned,
               COALESCE(sum(minor) FILTER (WHERE kind = 'reversed'), 0) AS reversed,
               COALESCE(sum(minor) FILTER (WHERE kind = 'adjusted'), 0) AS adjusted,
               COALESCE(-sum(minor) FILTER (WHERE kind = 'paid'), 0) AS paid,
               COALESCE(-sum(minor) FILTER (WHERE kind = 'tax'), 0) AS tax
        FROM (SELECT *, signed_minor(shop_no, credit_account, amount_minor) AS minor FROM {BY_SHOP}
              WHERE program_id = %(program)s AND shop_no IN %(page)s AND shop_no > 0) t GROUP BY 1, 2, 3
    ), p AS (
        SELECT period, figures_no, {_ENDS} AS ends_at FROM closed_periods WHERE program_id = %(program)s
    ), reserved AS (
        SELECT p.period, l.shop_no, sum(l.amount_minor) AS amount
        FROM p JOIN payout_lines l ON l.program_id = %(program)s AND l.reserved_at < p.ends_at AND l.shop_no IN %(page)s
        WHERE NOT EXISTS (SELECT 1 FROM payout_decisions d WHERE d.program_id = %(program)s
                          AND d.payout_no = l.payout_no AND d.decision = 'cancelled' AND d.decided_at < p.ends_at)
          AND NOT EXISTS (SELECT 1 FROM payout_results r WHERE r.program_id = %(program)s AND r.payout_no = l.payout_no
                          AND r.shop_no = l.shop_no AND r.shop_no IN %(page)s AND r.occurred_at < p.ends_at)
        GROUP BY 1, 2
    ), posted AS (
        SELECT p.period, b.shop_no, ARRAY[
            COALESCE(sum(b.amount) FILTER (WHERE b.period < p.period), 0),
            COALESCE(sum(b.earned) FILTER (WHERE b.period = p.period), 0),
            COALESCE(sum(b.reversed) FILTER (WHERE b.period = p.period), 0),
            COALESCE(sum(b.adjusted) FILTER (WHERE b.period = p.period), 0),
            COALESCE(sum(b.paid) FILTER (WHERE b.period = p.period), 0),
            COALESCE(sum(b.tax) FILTER (WHERE b.period = p.period), 0),
            sum(b.amount), COALESCE(sum(b.amount) FILTER (WHERE b.free_period > p.period), 0)]::bigint[] AS figures
        FROM p JOIN b ON b.period <= p.period GROUP BY 1, 2
    ), counted AS (
        SELECT shop_no, period, ARRAY[count(DISTINCT cause_no) FILTER (WHERE kind = 'earned'),
                                      count(DISTINCT event_no) FILTER (WHERE kind = 'reversed')] AS counts
        FROM {BY_SHOP} WHERE program_id = %(program)s AND shop_no IN %(page)s AND shop_no > 0 GROUP BY 1, 2
    ), kept AS (
        SELECT k.*, ARRAY[opening_minor, earned_minor, reversed_minor, adjusted_minor, paid_minor, tax_minor,
                          closing_minor, held_minor - frozen_minor] AS figures
        FROM p CROSS JOIN (SELECT shop_no, shop_id FROM shops WHERE program_id = %(program)s AND shop_no IN %(page)s) s
        CROSS JOIN LATERAL (SELECT * FROM closed_statements k WHERE k.program_id = %(program)s AND k.period = p.period
                            AND k.figures_no = p.figures_no AND k.shop_id = s.shop_id
                            AND k.shop_no = s.shop_no OFFSET 0) k
    )
    SELECT COALESCE(k.period, w.period) AS period, COALESCE(k.shop_no, w.shop_no) AS shop_no, w.figures AS posted,
           k.figures AS kept
    FROM kept k
    FULL JOIN posted w ON w.period = k.period AND w.shop_no = k.shop_no
    LEFT JOIN counted n ON n.period = COALESCE(k.period, w.period) AND n.shop_no = COALESCE(k.shop_no, w.shop_no)
    LEFT JOIN reserved r ON r.period = COALESCE(k.period, w.period) AND r.shop_no = COALESCE(k.shop_no, w.shop_no)
    WHERE COALESCE(k.figures, '{{0,0,0,0,0,0,0,0}}') <> COALESCE(w.figures, '{{0,0,0,0,0,0,0,0}}')
       OR ARRAY[COALESCE(k.orders, 0), COALESCE(k.refunds, 0)] <> COALESCE(n.counts, '{{0,0}}')
       OR COALESCE(k.reserved_minor, 0) <> COALESCE(r.amount, 0) OR k.frozen_minor < 0
       OR (k.frozen_minor > 0 AND k.available_minor <> 0)
    """,
    By.SHOPS,
)
# Closed rows are found by the ids of shops, as their key has them; what is of no shop shows here.
OWNERS = Question(
    "closed_statements_match_transfers",
    f"SELECT count(*) FROM {_KEPT} WHERE program_id = %(program)s AND period > %(closed)s",
    f"""
    SELECT k.period, k.shop_no, k.shop_id AS closed_shop_id, NULL::bigint[] AS posted, NULL::bigint[] AS kept
    FROM (SELECT * FROM {_KEPT}) k
    LEFT JOIN shops s ON s.program_id = k.program_id AND s.shop_id = k.shop_id
    WHERE k.program_id = %(program)s AND k.period > %(closed)s AND s.shop_no IS DISTINCT FROM k.shop_no
    """,
)
SEQUENCE = Question(
    "periods_closed_in_sequence",
    "SELECT count(*) FROM closed_periods WHERE program_id = %(program)s",
    """
    SELECT c.period, 'closed by one key' AS what FROM closed_periods c
    WHERE c.program_id = %(program)s AND c.proposed_by = c.confirmed_by
    UNION ALL
    SELECT c.period, 'a month before it is open' FROM (
        SELECT period, lag(period) OVER (ORDER BY period) AS before FROM closed_periods
            WHERE program_id = %(program)s) c
    WHERE c.before IS NOT NULL AND c.period <> c.before + CASE WHEN c.before %% 100 = 12 THEN 89 ELSE 1 END
    UNION ALL
    SELECT p.closed_through, 'closed without a statement' FROM programs p
    WHERE p.program_id = %(program)s AND p.closed_through <>
          (SELECT COALESCE(max(period), 0) FROM closed_periods WHERE program_id = %(program)s)
    """,
)
LATE = Question(
    "periods_closed_in_sequence",
    "SELECT 0",
    """
    SELECT t.period, 'late fact in the wrong month' AS what FROM transfers t
    WHERE t.program_id = %(program)s AND t.cause_no IN %(page)s AND t.belongs_to_period >= t.period
    """,
    By.ORDERS,
)

_PERIODS = "SELECT period FROM closed_periods WHERE program_id = %(program)s AND period > %(after)s ORDER BY period"


def closed_periods(conn: Connection, program_id: int, after: int = 0) -> list[int]:
    """Lists the closed months after a month, the first one first."""
    return column(conn, int, _PERIODS, {"program": program_id, "after": after})
