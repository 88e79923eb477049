"""What else must hold of the money: causes, payouts, currencies, and the webhooks delivered.

Each is one query for what does not hold, as the others are. Nothing is repaired here.
"""

from __future__ import annotations

from distrib.domain.webhooks import SCHEDULE
from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question

_CAUSES = Question(
    "transfers_rest_on_causes",
    "SELECT count(DISTINCT cause_no) FROM transfers WHERE program_id = %(program)s AND cause_no IN %(page)s",
    """
    SELECT t.cause_no, t.kind::text AS kind, count(*) AS transfers
    FROM transfers t LEFT JOIN causes u ON u.program_id = t.program_id AND u.cause_no = t.cause_no
         AND u.cause_no IN %(page)s
    WHERE t.program_id = %(program)s AND t.cause_no IN %(page)s
      AND u.cause_type IS DISTINCT FROM CASE WHEN t.kind IN ('earned', 'reversed') THEN 'order'
          WHEN t.kind IN ('paid', 'tax') THEN 'payout' WHEN t.kind = 'pool' THEN 'pool'
          WHEN u.cause_type = 'withdrawal' THEN 'withdrawal' ELSE 'adjustment' END
    GROUP BY t.cause_no, t.kind
    """,
    By.ORDERS,
)

# What was paid and what came back, each against its own transfers, in the month of its own instant.
_PAYOUTS = Question(
    "payouts_rest_on_lines",
    "SELECT count(*) FROM payout_lines WHERE program_id = %(program)s",
    """
    WITH facts AS (
        SELECT payout_no, shop_no, false AS is_back, occurred_at FROM payout_results
        WHERE program_id = %(program)s AND status = 'paid'
        UNION ALL
        SELECT payout_no, shop_no, true, occurred_at FROM payout_returns WHERE program_id = %(program)s
    ), said AS (
        SELECT f.payout_no, f.shop_no, f.is_back,
               l.amount_minor - l.tax_minor - l.fee_minor AS paid_minor, l.tax_minor,
               f.occurred_at,
               (EXTRACT(year FROM f.occurred_at AT TIME ZONE %(time_zone)s) * 100
                + EXTRACT(month FROM f.occurred_at AT TIME ZONE %(time_zone)s))::integer AS period
        FROM facts f JOIN payout_lines l ON l.program_id = %(program)s AND l.payout_no = f.payout_no
             AND l.shop_no = f.shop_no
    ), posted AS (
        SELECT cause_no AS payout_no, shop_no, credit_account = shop_no AS is_back,
               COALESCE(sum(amount_minor) FILTER (WHERE kind = 'paid'), 0)::bigint AS paid_minor,
               COALESCE(sum(amount_minor) FILTER (WHERE kind = 'tax'), 0)::bigint AS tax_minor,
               min(occurred_at) AS occurred_at, max(occurred_at) AS last_at, min(period) AS period
        FROM transfers WHERE program_id = %(program)s AND kind IN ('paid', 'tax') GROUP BY 1, 2, 3
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
    WHERE r.program_id = %(program)s AND (l.shop_no IS NULL OR d.decision IS DISTINCT FROM 'approved'
                                       OR r.occurred_at < d.decided_at)
    UNION ALL
    SELECT b.payout_no, b.shop_no, 'a return of what was not paid before it', NULL, NULL, NULL, NULL
    FROM payout_returns b LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
    WHERE b.program_id = %(program)s AND (r.status IS DISTINCT FROM 'paid' OR b.occurred_at < r.occurred_at)
    """,
)

# Whatever was taken back since, a line was made of money that was there: all that was ever credited and available at
# its instant covers it and what was reserved or paid then.
_RESERVED = Question(
    "reserved_within_available",
    "SELECT count(*) FROM payout_lines WHERE program_id = %(program)s",
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
        FROM shop_transfers t
        WHERE t.program_id = l.program_id AND t.shop_no = l.shop_no AND t.credit_account = l.shop_no
          AND t.occurred_at <= l.reserved_at AND t.available_at <= l.reserved_at) given
    WHERE l.program_id = %(program)s AND taken.amount_minor > given.amount_minor
    """,
)

# A line pays what its withdrawals ask for, approved ones, each by one line that was not cancelled; its fee is theirs,
# and what stands of a fee is what a paid line says, nothing where it came back. The amounts of other lines have no fee.
# Open are those that are neither ended by a decision nor settled by a line.
_WITHDRAWALS = Question(
    "withdrawals_rest_on_lines",
    "SELECT count(*) FROM withdrawals WHERE program_id = %(program)s",
    """
    WITH paid_by AS (
        SELECT x.payout_no, x.shop_no, x.withdrawal_no, w.shop_no AS asked_by, w.amount_minor, w.fee_minor,
               d.decision IS NOT DISTINCT FROM 'cancelled' AS is_cancelled, r.status, b.shop_no IS NOT NULL AS is_back,
               EXISTS (SELECT 1 FROM withdrawal_decisions a WHERE a.program_id = x.program_id
                       AND a.withdrawal_no = x.withdrawal_no AND a.decision = 'approved') AS is_approved,
               EXISTS (SELECT 1 FROM withdrawal_decisions e WHERE e.program_id = x.program_id
                       AND e.withdrawal_no = x.withdrawal_no AND e.decision <> 'approved') AS is_ended
        FROM withdrawal_lines x
        LEFT JOIN withdrawals w USING (program_id, withdrawal_no)
        LEFT JOIN payout_decisions d USING (program_id, payout_no)
        LEFT JOIN payout_results r
          ON r.program_id = x.program_id AND r.payout_no = x.payout_no AND r.shop_no = x.shop_no
        LEFT JOIN payout_returns b
          ON b.program_id = x.program_id AND b.payout_no = x.payout_no AND b.shop_no = x.shop_no
        WHERE x.program_id = %(program)s
    )
    SELECT withdrawal_no, 'paid by a line of another shop, or without an approval' AS what, payout_no
    FROM paid_by WHERE asked_by IS DISTINCT FROM shop_no OR NOT is_approved OR (is_ended AND NOT is_cancelled)
    UNION ALL
    SELECT withdrawal_no, 'paid by more than one line', max(payout_no) FROM paid_by WHERE NOT is_cancelled
    GROUP BY withdrawal_no HAVING count(*) > 1
    UNION ALL
    SELECT NULL, 'a line whose amount or fee is not that of its withdrawals', COALESCE(l.payout_no, w.payout_no)
    FROM (SELECT l.payout_no, l.shop_no, l.amount_minor, l.fee_minor, p.selection
          FROM payout_lines l JOIN payouts p USING (program_id, payout_no)
          WHERE l.program_id = %(program)s AND (l.fee_minor > 0 OR p.selection = 'withdrawals')) l
    FULL JOIN (SELECT payout_no, shop_no, sum(amount_minor) AS amount_minor, sum(fee_minor) AS fee_minor
               FROM paid_by GROUP BY payout_no, shop_no) w
      ON w.payout_no = l.payout_no AND w.shop_no = l.shop_no
    WHERE (l.amount_minor, l.fee_minor) IS DISTINCT FROM (w.amount_minor, w.fee_minor)
    UNION ALL
    SELECT COALESCE(t.cause_no, f.withdrawal_no), 'posted otherwise than the fee of a paid line', f.payout_no
    FROM (SELECT t.cause_no, t.shop_no,
                 sum(CASE WHEN t.debit_account = t.shop_no THEN t.amount_minor ELSE -t.amount_minor END) AS fee_minor
          FROM transfers t JOIN withdrawals w ON w.program_id = t.program_id AND w.withdrawal_no = t.cause_no
          WHERE t.program_id = %(program)s GROUP BY t.cause_no, t.shop_no) t
    FULL JOIN (SELECT withdrawal_no, shop_no, CASE WHEN is_back THEN 0 ELSE fee_minor END AS fee_minor, payout_no
               FROM paid_by
               WHERE status = 'paid' AND NOT is_cancelled AND fee_minor > 0) f
      ON f.withdrawal_no = t.cause_no AND f.shop_no = t.shop_no
    WHERE t.fee_minor IS DISTINCT FROM f.fee_minor
    UNION ALL
    SELECT COALESCE(o.withdrawal_no, n.withdrawal_no), 'open and ended, or neither', NULL
    FROM (SELECT withdrawal_no FROM open_withdrawals WHERE program_id = %(program)s) o
    FULL JOIN (SELECT w.withdrawal_no FROM withdrawals w WHERE w.program_id = %(program)s
               AND NOT EXISTS (SELECT 1 FROM withdrawal_decisions e WHERE e.program_id = w.program_id
                               AND e.withdrawal_no = w.withdrawal_no AND e.decision <> 'approved')
               AND NOT EXISTS (SELECT 1 FROM withdrawal_lines x JOIN payout_results r
                                   ON r.program_id = x.program_id AND r.payout_no = x.payout_no
                                   AND r.shop_no = x.shop_no
                               WHERE x.program_id = w.program_id AND x.withdrawal_no = w.withdrawal_no)) n
      ON n.withdrawal_no = o.withdrawal_no
    WHERE o.withdrawal_no IS NULL OR n.withdrawal_no IS NULL
    """,
)

# A closing payment is the one line of a shop that had been closed by then; it may be open again since, also backdated.
_CLOSING = Question(
    "closing_payments_of_closed_shops",
    "SELECT count(*) FROM payouts WHERE program_id = %(program)s AND selection = 'closing'",
    """
    SELECT p.payout_no, count(l.shop_no) AS lines, count(h.shop_no) AS closed
    FROM payouts p
    LEFT JOIN payout_lines l USING (program_id, payout_no)
    LEFT JOIN LATERAL (SELECT c.shop_no FROM shop_statuses c
                       WHERE c.program_id = p.program_id AND c.shop_no = l.shop_no AND c.status = 'closed'
                         AND c.effective_at <= p.created_at LIMIT 1) h ON true
    WHERE p.program_id = %(program)s AND p.selection = 'closing'
    GROUP BY p.payout_no HAVING count(l.shop_no) <> 1 OR count(h.shop_no) <> 1
    """,
)

_CURRENCY = Question(
    "one_currency",
    "SELECT count(*) FROM plan_publications WHERE program_id = %(program)s",
    """
    SELECT v.code, v.version, v.document::json ->> 'currency' AS currency, p.currency AS expected
    FROM plan_publications u
    JOIN plan_versions v USING (program_id, version_no)
    JOIN programs p USING (program_id)
    WHERE u.program_id = %(program)s AND v.document::json ->> 'currency' IS DISTINCT FROM p.currency
    """,
)

_DELIVERIES = Question(
    "deliveries_accounted_for",
    "SELECT count(*) FROM webhook_deliveries WHERE program_id = %(program)s",
    f"""
    SELECT d.webhook_no, d.delivery_no, d.status, d.attempts, d.tries, COALESCE(a.attempts, 0) AS logged
    FROM webhook_deliveries d
    LEFT JOIN outbox m USING (program_id, message_no)
    LEFT JOIN webhooks w USING (program_id, webhook_no)
    LEFT JOIN (SELECT webhook_no, delivery_no, count(*) AS attempts, max(attempt) AS last,
                      count(*) FILTER (WHERE error IS NULL) AS good
               FROM webhook_attempts WHERE program_id = %(program)s GROUP BY webhook_no, delivery_no) a
      ON a.webhook_no = d.webhook_no AND a.delivery_no = d.delivery_no
    WHERE d.program_id = %(program)s AND (m.message_no IS NULL OR w.webhook_no IS NULL
        OR d.attempts <> COALESCE(a.attempts, 0) OR d.attempts <> COALESCE(a.last, 0)
        OR (d.status = 'delivered' AND COALESCE(a.good, 0) = 0)
        OR (d.status = 'pending' AND d.tries >= {len(SCHEDULE)}))
    """,
)

QUESTIONS = (_CAUSES, _PAYOUTS, _RESERVED, _WITHDRAWALS, _CLOSING, _CURRENCY, _DELIVERIES)
