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

_PAYOUTS = Question(
    "payouts_rest_on_lines",
    "SELECT count(*) FROM payout_lines WHERE program_id = :program",
    """
    SELECT COALESCE(r.payout_no, t.payout_no) AS payout_no, COALESCE(r.shop_no, t.shop_no) AS shop_no,
           'posted otherwise than the line and its result say' AS what,
           r.paid_minor AS line_paid_minor, r.tax_minor AS line_tax_minor, t.paid_minor, t.tax_minor
    FROM (SELECT l.payout_no, l.shop_no, l.amount_minor - l.tax_minor AS paid_minor, l.tax_minor
          FROM payout_results r JOIN payout_lines l USING (program_id, payout_no, shop_no)
          WHERE r.program_id = :program AND r.status = 'paid') r
    FULL JOIN (SELECT cause_no AS payout_no, shop_no,
                      COALESCE(sum(amount_minor) FILTER (WHERE kind = 'paid'), 0)::bigint AS paid_minor,
                      COALESCE(sum(amount_minor) FILTER (WHERE kind = 'tax'), 0)::bigint AS tax_minor
               FROM transfers WHERE program_id = :program AND kind IN ('paid', 'tax') GROUP BY cause_no, shop_no) t
      ON t.payout_no = r.payout_no AND t.shop_no = r.shop_no
    WHERE (r.paid_minor, r.tax_minor) IS DISTINCT FROM (t.paid_minor, t.tax_minor)
    UNION ALL
    SELECT r.payout_no, r.shop_no, 'a result without an approved line', l.amount_minor, l.tax_minor, NULL, NULL
    FROM payout_results r
    LEFT JOIN payout_lines l USING (program_id, payout_no, shop_no)
    LEFT JOIN payout_decisions d USING (program_id, payout_no)
    WHERE r.program_id = :program AND (l.shop_no IS NULL OR d.decision IS DISTINCT FROM 'approved')
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
