"""What else must hold of the money: running balances, payouts, currencies, and the webhooks delivered.

Each is one query for what does not hold, as in ``audit_questions``. Nothing is repaired here.
"""

from __future__ import annotations

from distrib.domain.webhooks import SCHEDULE
from distrib.store.audit.questions import Question

# A batch moves a running total once, and each batch has a number: as many versions as numbers, or an update was lost.
# What was posted before there were numbers cannot be counted.
_VERSIONS = Question(
    "balances_without_gaps",
    "SELECT count(*) FROM account_months WHERE program_id = :program",
    """
    SELECT m.account_no, m.period, m.version, COALESCE(t.postings, 0) AS postings
    FROM account_months m
    LEFT JOIN (SELECT shop_no, period, count(DISTINCT posting_no) AS postings, min(posting_no) AS first_posting
               FROM transfers WHERE program_id = :program GROUP BY shop_no, period) t
      ON t.shop_no = m.account_no AND t.period = m.period
    WHERE m.program_id = :program AND m.version <> COALESCE(t.postings, 0) AND COALESCE(t.first_posting, 1) > 0
    """,
)

_CAUSES = Question(
    "transfers_rest_on_causes",
    "SELECT count(DISTINCT cause_no) FROM transfers WHERE program_id = :program",
    """
    SELECT t.cause_no, t.kind::text AS kind, count(*) AS transfers
    FROM transfers t LEFT JOIN causes u ON u.program_id = t.program_id AND u.cause_no = t.cause_no
    WHERE t.program_id = :program
      AND u.cause_type IS DISTINCT FROM CASE WHEN t.kind IN ('earned', 'reversed') THEN 'order'
          WHEN t.kind IN ('paid', 'tax') THEN 'payout' WHEN t.kind = 'adjusted' THEN 'adjustment' ELSE 'pool' END
    GROUP BY t.cause_no, t.kind
    """,
)

# What was paid and what came back, each against its own transfers, in the month of its own instant.
_PAYOUTS = Question(
    "payouts_rest_on_lines",
    "SELECT count(*) FROM payout_lines WHERE program_id = :program",
    """
    WITH facts AS (
        SELECT payout_no, shop_no, false AS is_back, occurred_at FROM payout_results
        WHERE program_id = :program AND status = 'paid'
        UNION ALL
        SELECT payout_no, shop_no, true, occurred_at FROM payout_returns WHERE program_id = :program
    ), said AS (
        SELECT f.payout_no, f.shop_no, f.is_back, l.amount_minor - l.tax_minor AS paid_minor, l.tax_minor,
               f.occurred_at,
               (EXTRACT(year FROM f.occurred_at AT TIME ZONE :time_zone) * 100
                + EXTRACT(month FROM f.occurred_at AT TIME ZONE :time_zone))::integer AS period
        FROM facts f JOIN payout_lines l ON l.program_id = :program AND l.payout_no = f.payout_no
             AND l.shop_no = f.shop_no
    ), posted AS (
        SELECT cause_no AS payout_no, shop_no, credit_account = shop_no AS is_back,
               COALESCE(sum(amount_minor) FILTER (WHERE kind = 'paid'), 0)::bigint AS paid_minor,
               COALESCE(sum(amount_minor) FILTER (WHERE kind = 'tax'), 0)::bigint AS tax_minor,
               min(occurred_at) AS occurred_at, max(occurred_at) AS last_at, min(period) AS period
        FROM transfers WHERE program_id = :program AND kind IN ('paid', 'tax') GROUP BY 1, 2, 3
    )
    SELECT COALESCE(s.payout_no, t.payout_no) AS payout_no, COALESCE(s.shop_no, t.shop_no) AS shop_no,
           'posted otherwise than the line and its result say' AS what,
           s.paid_minor AS line_paid_minor, s.tax_minor AS line_tax_minor, t.paid_minor, t.tax_minor
    FROM said s FULL JOIN posted t ON t.payout_no = s.payout_no AND t.shop_no = s.shop_no AND t.is_back = s.is_back
    WHERE (s.paid_minor, s.tax_minor, s.occurred_at, s.occurred_at, s.period)
          IS DISTINCT FROM (t.paid_minor, t.tax_minor, t.occurred_at, t.last_at, t.period)
    UNION ALL
    SELECT r.payout_no, r.shop_no, 'a result without an approved line', l.amount_minor, l.tax_minor, NULL, NULL
    FROM payout_results r
    LEFT JOIN payout_lines l USING (program_id, payout_no, shop_no)
    LEFT JOIN payout_decisions d USING (program_id, payout_no)
    WHERE r.program_id = :program AND (l.shop_no IS NULL OR d.decision IS DISTINCT FROM 'approved'
                                       OR r.occurred_at < d.decided_at)
    UNION ALL
    SELECT b.payout_no, b.shop_no, 'a return of what was not paid before it', NULL, NULL, NULL, NULL
    FROM payout_returns b LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
    WHERE b.program_id = :program AND (r.status IS DISTINCT FROM 'paid' OR b.occurred_at < r.occurred_at)
    """,
)

# Whatever was taken back since, a line was made of money that was there: all that was ever credited and available at
# its instant covers it and what was reserved or paid then.
_RESERVED = Question(
    "reserved_within_available",
    "SELECT count(*) FROM payout_lines WHERE program_id = :program",
    """
    SELECT l.payout_no, l.shop_no, l.amount_minor, taken.amount_minor AS taken_minor, given.amount_minor AS given_minor
    FROM payout_lines l
    CROSS JOIN LATERAL (
        SELECT sum(o.amount_minor)::bigint AS amount_minor
        FROM payout_lines o
        LEFT JOIN payout_decisions d USING (program_id, payout_no)
        LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
        WHERE o.program_id = l.program_id AND o.shop_no = l.shop_no
          AND (o.reserved_at, o.payout_no) <= (l.reserved_at, l.payout_no)
          AND NOT (d.decision IS NOT DISTINCT FROM 'cancelled' AND d.decided_at <= l.reserved_at)
          AND NOT (r.status IS NOT DISTINCT FROM 'failed' AND r.recorded_at <= l.reserved_at)) taken
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(t.amount_minor), 0)::bigint AS amount_minor
        FROM transfers t
        WHERE t.program_id = l.program_id AND t.shop_no = l.shop_no AND t.credit_account = l.shop_no
          AND t.occurred_at <= l.reserved_at AND t.available_at <= l.reserved_at) given
    WHERE l.program_id = :program AND taken.amount_minor > given.amount_minor
    """,
)

_CURRENCY = Question(
    "one_currency",
    "SELECT count(*) FROM plan_publications WHERE program_id = :program",
    """
    SELECT v.code, v.version, v.document::json ->> 'currency' AS currency, p.currency AS expected
    FROM plan_publications u
    JOIN plan_versions v USING (program_id, version_no)
    JOIN programs p USING (program_id)
    WHERE u.program_id = :program AND v.document::json ->> 'currency' IS DISTINCT FROM p.currency
    """,
)

_DELIVERIES = Question(
    "deliveries_accounted_for",
    "SELECT count(*) FROM webhook_deliveries WHERE program_id = :program",
    f"""
    SELECT d.webhook_no, d.delivery_no, d.status, d.attempts, d.tries, COALESCE(a.attempts, 0) AS logged
    FROM webhook_deliveries d
    LEFT JOIN outbox m USING (program_id, message_no)
    LEFT JOIN webhooks w USING (program_id, webhook_no)
    LEFT JOIN (SELECT webhook_no, delivery_no, count(*) AS attempts, max(attempt) AS last,
                      count(*) FILTER (WHERE error IS NULL) AS good
               FROM webhook_attempts WHERE program_id = :program GROUP BY webhook_no, delivery_no) a
      ON a.webhook_no = d.webhook_no AND a.delivery_no = d.delivery_no
    WHERE d.program_id = :program AND (m.message_no IS NULL OR w.webhook_no IS NULL
        OR d.attempts <> COALESCE(a.attempts, 0) OR d.attempts <> COALESCE(a.last, 0)
        OR (d.status = 'delivered' AND COALESCE(a.good, 0) = 0)
        OR (d.status = 'pending' AND d.tries >= {len(SCHEDULE)}))
    """,
)

QUESTIONS = (_VERSIONS, _CAUSES, _PAYOUTS, _RESERVED, _CURRENCY, _DELIVERIES)
