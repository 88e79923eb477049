"""What events, settlements and refunds must satisfy. Nothing is repaired here."""

from __future__ import annotations

from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question

_EVENTS = Question(
    "events_accounted_for",
    "SELECT count(*) FROM events WHERE program_id = %(program)s AND order_no IN %(page)s",
    """
    SELECT COALESCE(e.order_no, x.order_no) AS order_no, COALESCE(e.event_no, x.event_no) AS event_no, e.event_id,
           COALESCE(x.status, 'lost') AS status
    FROM (SELECT order_no, event_no, event_id FROM events WHERE program_id = %(program)s AND order_no IN %(page)s) e
    FULL JOIN (SELECT order_no, event_no, status FROM event_outcomes
               WHERE program_id = %(program)s AND order_no IN %(page)s) x
      ON x.order_no = e.order_no AND x.event_no = e.event_no
    LEFT JOIN queue q ON q.program_id = %(program)s AND q.order_no = e.order_no AND q.order_no IN %(page)s
    WHERE e.event_no IS NULL OR (COALESCE(x.status, 'pending') = 'pending' AND q.order_no IS NULL
          AND NOT EXISTS (SELECT 1 FROM group_orders m
                          JOIN queue w ON w.program_id = m.program_id AND w.order_no = m.group_no
                          WHERE m.program_id = %(program)s AND m.order_no = e.order_no AND m.order_no IN %(page)s))
    """,
    By.ORDERS,
)

_SETTLEMENTS = Question(
    "one_settlement_per_order",
    "SELECT count(*) FROM settlements WHERE program_id = %(program)s AND order_no IN %(page)s",
    """
    SELECT s.order_no, s.event_no, 'settlement without its event' AS what
    FROM settlements s
    LEFT JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
         AND e.order_no IN %(page)s
    LEFT JOIN event_outcomes x ON x.program_id = s.program_id AND x.order_no = s.order_no
         AND x.event_no = s.event_no AND x.order_no IN %(page)s
    WHERE s.program_id = %(program)s AND s.order_no IN %(page)s
      AND (e.type IS DISTINCT FROM 'order.settled' OR x.status IS DISTINCT FROM 'done')
    UNION ALL
    SELECT order_no, min(event_no), 'settled more than once' FROM settlements
    WHERE program_id = %(program)s AND order_no IN %(page)s GROUP BY order_no HAVING count(*) > 1
    UNION ALL
    SELECT e.order_no, e.event_no, 'done without a settlement'
    FROM events e
    JOIN event_outcomes x ON x.program_id = e.program_id AND x.order_no = e.order_no AND x.event_no = e.event_no
         AND x.order_no IN %(page)s
    LEFT JOIN settlements s ON s.program_id = e.program_id AND s.order_no = e.order_no AND s.order_no IN %(page)s
    WHERE e.program_id = %(program)s AND e.order_no IN %(page)s AND e.type = 'order.settled' AND x.status = 'done'
      AND s.order_no IS NULL
      AND NOT EXISTS (SELECT 1 FROM order_ends n
                      WHERE n.program_id = %(program)s AND n.order_no = e.order_no AND n.order_no IN %(page)s)
    UNION ALL
    SELECT DISTINCT r.order_no, r.event_no, 'refund without its event'
    FROM refund_lines r
    LEFT JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
         AND e.order_no IN %(page)s
    LEFT JOIN event_outcomes x ON x.program_id = r.program_id AND x.order_no = r.order_no
         AND x.event_no = r.event_no AND x.order_no IN %(page)s
    WHERE r.program_id = %(program)s AND r.order_no IN %(page)s
      AND (x.status IS DISTINCT FROM 'done' OR e.type IS DISTINCT FROM
          CASE WHEN r.refund_id = '/cancelled' THEN 'order.cancelled'
               WHEN starts_with(r.refund_id, '/reversed/') THEN 'refund.reversed' ELSE 'order.refunded' END)
    UNION ALL
    SELECT DISTINCT r.order_no, r.event_no, 'refund counts before what it takes back, or otherwise than its event'
    FROM refund_lines r
    JOIN settlements s ON s.program_id = r.program_id AND s.order_no = r.order_no AND s.order_no IN %(page)s
    JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
         AND e.order_no IN %(page)s
    LEFT JOIN refund_lines u ON u.program_id = r.program_id AND u.order_no = r.order_no AND u.line_id = r.line_id
         AND r.refund_id = '/reversed/' || u.refund_id AND u.order_no IN %(page)s
    WHERE r.program_id = %(program)s AND r.order_no IN %(page)s AND NOT r.is_dated_by_event
      AND r.occurred_at <> GREATEST(e.occurred_at, s.settled_at, u.occurred_at)
      AND NOT (r.occurred_at > e.occurred_at AND EXISTS (
          SELECT 1 FROM refund_lines f
          WHERE f.program_id = r.program_id AND f.order_no = r.order_no AND f.order_no IN %(page)s
            AND starts_with(f.refund_id, '/reversed/') AND f.occurred_at = r.occurred_at))
    UNION ALL
    SELECT r.order_no, r.event_no, 'undoes other than its refund took'
    FROM refund_lines r
    LEFT JOIN refund_lines u ON u.program_id = r.program_id AND u.order_no = r.order_no AND u.line_id = r.line_id
         AND r.refund_id = '/reversed/' || u.refund_id AND u.order_no IN %(page)s
    WHERE r.program_id = %(program)s AND r.order_no IN %(page)s AND starts_with(r.refund_id, '/reversed/')
      AND (u.amount_minor, u.sales_minor) IS DISTINCT FROM (-r.amount_minor, -r.sales_minor)
    """,
    By.ORDERS,
)

QUESTIONS = (_EVENTS, _SETTLEMENTS)
