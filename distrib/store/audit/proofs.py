"""What else must hold of the money: causes, payouts, currencies, and the webhooks delivered.

Each is one query for what does not hold, as the others are. Nothing is repaired here.
"""

from __future__ import annotations

from distrib.domain.webhooks import SCHEDULE
from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question
from distrib.store.sql import written_in

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
    written_in(__file__, "open_lines"),
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
    written_in(__file__, "withdrawals_paid"),
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
