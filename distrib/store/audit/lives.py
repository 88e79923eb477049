"""What paid, ended and grouped orders must satisfy, each as one query for what does not. Nothing is repaired here."""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question
from distrib.store.orders.life import StoredPayment, read_payments
from distrib.store.sql import execute

_LIVES = Question(
    "order_lives",
    "SELECT (SELECT count(*) FROM paid_orders WHERE program_id = %(program)s AND order_no IN %(page)s)"
    " + (SELECT count(*) FROM order_ends WHERE program_id = %(program)s AND order_no IN %(page)s)",
    """
    SELECT COALESCE(p.order_no, q.order_no) AS order_no, 'open and over at once' AS what
    FROM (SELECT order_no, event_no FROM paid_orders p
          WHERE program_id = %(program)s AND p.order_no IN %(page)s
            AND NOT EXISTS (SELECT 1 FROM settlements s
                            WHERE s.program_id = %(program)s AND s.order_no = p.order_no AND s.order_no IN %(page)s)
            AND NOT EXISTS (SELECT 1 FROM order_ends n
                            WHERE n.program_id = %(program)s AND n.order_no = p.order_no AND n.order_no IN %(page)s)
            AND payment_no = (SELECT max(payment_no) FROM paid_orders m
                              WHERE m.program_id = %(program)s AND m.order_no = p.order_no)
            AND NOT EXISTS (
                SELECT 1 FROM payment_failures f JOIN events e USING (program_id, order_no)
                WHERE f.program_id = %(program)s AND f.order_no = p.order_no AND f.order_no IN %(page)s
                  AND e.event_no = p.event_no
                  AND e.occurred_at <= f.occurred_at)) p
    FULL JOIN (SELECT order_no FROM expecting_orders WHERE program_id = %(program)s AND order_no IN %(page)s) q
      ON q.order_no = p.order_no
    WHERE p.order_no IS NULL OR (q.order_no IS NULL AND NOT EXISTS (
        SELECT 1 FROM event_outcomes x WHERE x.program_id = %(program)s AND x.order_no = p.order_no
            AND x.order_no IN %(page)s
          AND x.event_no = p.event_no AND x.status = 'pending'))
    UNION ALL
    SELECT p.order_no, 'payment without its event'
    FROM paid_orders p
    LEFT JOIN events e ON e.program_id = p.program_id AND e.order_no = p.order_no AND e.event_no = p.event_no
         AND e.order_no IN %(page)s
    LEFT JOIN event_outcomes x ON x.program_id = p.program_id AND x.order_no = p.order_no
         AND x.event_no = p.event_no AND x.order_no IN %(page)s
    WHERE p.program_id = %(program)s AND p.order_no IN %(page)s
      AND (e.type IS DISTINCT FROM 'order.paid' OR COALESCE(x.status, '') NOT IN ('done', 'pending'))
    UNION ALL
    SELECT f.order_no, 'failure without its event'
    FROM payment_failures f
    LEFT JOIN events e ON e.program_id = f.program_id AND e.order_no = f.order_no AND e.event_no = f.event_no
         AND e.order_no IN %(page)s
    LEFT JOIN event_outcomes x ON x.program_id = f.program_id AND x.order_no = f.order_no
         AND x.event_no = f.event_no AND x.order_no IN %(page)s
    WHERE f.program_id = %(program)s AND f.order_no IN %(page)s AND (e.type IS DISTINCT FROM 'order.payment_failed'
          OR x.status IS DISTINCT FROM 'done' OR e.occurred_at IS DISTINCT FROM f.occurred_at)
    UNION ALL
    SELECT r.order_no, 'refund beside all lines without its event'
    FROM refunds_beside r
    LEFT JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
         AND e.order_no IN %(page)s
    LEFT JOIN event_outcomes x ON x.program_id = r.program_id AND x.order_no = r.order_no
         AND x.event_no = r.event_no AND x.order_no IN %(page)s
    LEFT JOIN refunds_beside u ON u.program_id = r.program_id AND u.order_no = r.order_no
         AND r.refund_id = '/reversed/' || u.refund_id AND u.order_no IN %(page)s
    WHERE r.program_id = %(program)s AND r.order_no IN %(page)s AND (x.status IS DISTINCT FROM 'done' AND NOT EXISTS (
              SELECT 1 FROM payment_failures p
              WHERE p.program_id = %(program)s AND p.order_no = r.order_no AND p.order_no IN %(page)s)
          OR CASE WHEN r.amount_minor < 0
                  THEN e.type IS DISTINCT FROM 'refund.reversed' OR u.amount_minor IS DISTINCT FROM -r.amount_minor
                  ELSE e.type IS DISTINCT FROM 'order.refunded'
                       OR (e.payload::json #>> '{refund,amount_minor}')::bigint IS DISTINCT FROM r.amount_minor END)
    UNION ALL
    SELECT n.order_no, 'cancelled without its event'
    FROM order_ends n
    LEFT JOIN events e ON e.program_id = n.program_id AND e.order_no = n.order_no AND e.event_no = n.event_no
         AND e.order_no IN %(page)s
    LEFT JOIN event_outcomes x ON x.program_id = n.program_id AND x.order_no = n.order_no
         AND x.event_no = n.event_no AND x.order_no IN %(page)s
    WHERE n.program_id = %(program)s AND n.order_no IN %(page)s AND n.reason = 'order_cancelled'
      AND (e.type IS DISTINCT FROM 'order.cancelled' OR x.status IS DISTINCT FROM 'done')
    UNION ALL
    SELECT n.order_no, 'dropped although its group did not fail, or settled'
    FROM order_ends n
    WHERE n.program_id = %(program)s AND n.order_no IN %(page)s AND n.reason = 'group_failed'
      AND (EXISTS (SELECT 1 FROM settlements s
                   WHERE s.program_id = %(program)s AND s.order_no = n.order_no AND s.order_no IN %(page)s)
           OR NOT EXISTS (SELECT 1 FROM group_orders m JOIN group_decisions d USING (program_id, group_no)
                          WHERE m.program_id = %(program)s AND m.order_no = n.order_no AND m.order_no IN %(page)s
                            AND NOT d.has_succeeded
                            AND d.event_no = n.event_no))
    UNION ALL
    SELECT s.order_no, 'early refund that its settlement forgot'
    FROM early_refunds f
    JOIN settlements s ON s.program_id = f.program_id AND s.order_no = f.order_no AND s.order_no IN %(page)s
    LEFT JOIN refund_lines r ON r.program_id = f.program_id AND r.order_no = f.order_no AND r.refund_id = f.refund_id
         AND r.line_id = f.line_id AND r.order_no IN %(page)s
    WHERE f.program_id = %(program)s AND f.order_no IN %(page)s
      AND f.seq >= (SELECT max(first_refund_seq) FROM paid_orders p
                    WHERE p.program_id = %(program)s AND p.order_no = f.order_no AND p.order_no IN %(page)s)
      AND NOT EXISTS (SELECT 1 FROM payment_failures u JOIN events e USING (program_id, order_no)
                      WHERE u.program_id = %(program)s AND u.order_no = f.order_no AND u.order_no IN %(page)s
                        AND e.event_no = f.event_no
                        AND e.occurred_at <= u.occurred_at)
      AND (r.amount_minor, r.event_no) IS DISTINCT FROM (f.amount_minor, f.event_no)
    UNION ALL
    SELECT order_no, 'expected of an order that is over, or less than nothing'
    FROM (SELECT c.order_no, sum(c.amount_minor) AS left_minor FROM expected_changes c
          WHERE c.program_id = %(program)s AND c.order_no IN %(page)s
          GROUP BY c.order_no, c.line_id, c.rule_id, c.tier, c.shop_no) l
    WHERE left_minor < 0 OR (left_minor > 0 AND NOT EXISTS (
        SELECT 1 FROM expecting_orders q
        WHERE q.program_id = %(program)s AND q.order_no = l.order_no AND q.order_no IN %(page)s))
    """,
    By.ORDERS,
)
# Payloads are read as JSON of orders in groups alone.
_GROUPS = Question(
    "groups_heeded",
    "SELECT count(*) FROM group_orders WHERE program_id = %(program)s AND order_no IN %(page)s",
    """
    SELECT m.order_no, m.group_no, 'settled before its group succeeded, or dated otherwise' AS what
    FROM group_orders m
    JOIN settlements s ON s.program_id = m.program_id AND s.order_no = m.order_no AND s.order_no IN %(page)s
    CROSS JOIN LATERAL (
        SELECT occurred_at, payload::json #>> '{order,group_id}' AS group_id FROM events
        WHERE program_id = s.program_id AND order_no = s.order_no AND event_no = s.event_no OFFSET 0) e
    LEFT JOIN group_decisions d ON d.program_id = m.program_id AND d.group_no = m.group_no
    LEFT JOIN groups g ON g.program_id = m.program_id AND g.group_no = m.group_no
    WHERE m.program_id = %(program)s AND m.order_no IN %(page)s AND e.group_id = g.group_id
      AND (d.has_succeeded IS NOT TRUE OR s.settled_at <> GREATEST(e.occurred_at, d.occurred_at))
    UNION ALL
    SELECT DISTINCT m.order_no, m.group_no, 'waits for a group that is decided'
    FROM group_orders m
    JOIN group_decisions d USING (program_id, group_no)
    JOIN event_outcomes x ON x.program_id = m.program_id AND x.order_no = m.order_no AND x.order_no IN %(page)s
    WHERE m.program_id = %(program)s AND m.order_no IN %(page)s AND x.status = 'waiting' AND x.code = 'waits_for_group'
    UNION ALL
    SELECT DISTINCT m.order_no, m.group_no, 'expected although its group has failed'
    FROM group_orders m
    JOIN group_decisions d USING (program_id, group_no)
    JOIN expecting_orders q ON q.program_id = m.program_id AND q.order_no = m.order_no AND q.order_no IN %(page)s
    JOIN paid_orders p ON p.program_id = q.program_id AND p.order_no = q.order_no AND p.payment_no = q.payment_no
         AND p.order_no IN %(page)s
    JOIN event_outcomes x ON x.program_id = p.program_id AND x.order_no = p.order_no AND x.event_no = p.event_no
         AND x.order_no IN %(page)s
    CROSS JOIN LATERAL (
        SELECT payload::json #>> '{order,group_id}' AS group_id FROM events
        WHERE program_id = p.program_id AND order_no = p.order_no AND event_no = p.event_no OFFSET 0) e
    JOIN groups g ON g.program_id = m.program_id AND g.group_no = m.group_no
    WHERE m.program_id = %(program)s AND m.order_no IN %(page)s AND NOT d.has_succeeded AND x.status <> 'pending'
      AND e.group_id = g.group_id
    UNION ALL
    SELECT NULL, d.group_no, 'decided without its event'
    FROM group_decisions d
    LEFT JOIN events e ON e.program_id = d.program_id AND e.order_no = d.group_no AND e.event_no = d.event_no
         AND e.order_no IN %(page)s
    LEFT JOIN event_outcomes x ON x.program_id = d.program_id AND x.order_no = d.group_no AND x.event_no = d.event_no
         AND x.order_no IN %(page)s
    WHERE d.program_id = %(program)s AND d.group_no IN %(page)s
      AND (x.status IS DISTINCT FROM 'done' OR e.occurred_at IS DISTINCT FROM d.occurred_at
          OR e.type IS DISTINCT FROM CASE WHEN d.has_succeeded THEN 'group.succeeded' ELSE 'group.failed' END)
    """,
    By.ORDERS,
)
QUESTIONS = (_LIVES, _GROUPS)

_NEXT = """
SELECT order_no FROM expecting_orders WHERE program_id = %(program)s AND order_no > %(after)s
ORDER BY order_no LIMIT %(size)s
"""


def payment_batch(
    conn: Connection, program_id: int, after: int, size: int
) -> tuple[dict[int, StoredPayment], int | None]:
    """Reads the next ``size`` paid orders that are neither settled nor ended, by number, and after what number the
    next batch begins; None after the last.
    """
    numbers = [order_no for (order_no,) in execute(conn, _NEXT, {"program": program_id, "after": after, "size": size})]
    return read_payments(conn, program_id, numbers), numbers[-1] if len(numbers) == size else None
