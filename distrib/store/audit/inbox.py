"""What events, settlements and refunds must satisfy. Nothing is repaired here."""

from __future__ import annotations

from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question
from distrib.store.sql import written_in

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
    written_in(__file__, "settled_events"),
    By.ORDERS,
)

QUESTIONS = (_EVENTS, _SETTLEMENTS)
