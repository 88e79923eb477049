"""What waits for a person, kind by kind: numbers first, some of them, then the rows of those that are shown.

Each kind is found by an index that holds what waits and nothing else. Who may decide is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, execute_partly_as, only


class WaitingAsOf(NamedTuple):
    """As of when it waits, and from when on findings count: nobody decides them, they are forgotten by themselves."""

    now: datetime
    findings_since: datetime


class WaitingRow(NamedTuple):
    """One that waits; None where its kind has no such figure.

    Args:
        by: the key that asked for it.
        figure: how many lines a payout has, how many shops a close.
    """

    id: str
    waiting_since: datetime
    by: str | None = None
    shop_id: str | None = None
    order_id: str | None = None
    webhook_id: str | None = None
    amount_minor: int | None = None
    figure: int | None = None
    code: str | None = None
    subject: str | None = None
    fields: Sequence[str] | None = None
    due_at: datetime | None = None


_UNDECIDED = (
    "SELECT subject_no FROM undecided WHERE program_id = %(program)s AND kind = '{kind}'"
    " ORDER BY subject_no DESC LIMIT %(limit)s"
)
_CHANGES = (
    "SELECT change_no FROM open_changes WHERE program_id = %(program)s AND kind = '{kind}'"
    " ORDER BY change_no DESC LIMIT %(limit)s"
)
_OF_TABLE = ("adjustment", "payout", "closing_payment", "withdrawal", "case")
_OF_CHANGES = ("payee", "webhook", "program")
_NUMBERS = {
    **{
        kind: _UNDECIDED.format(kind=kind) for kind in ("adjustment", "payout", "closing_payment", "withdrawal", "case")
    },
    **{kind: _CHANGES.format(kind=kind) for kind in _OF_CHANGES},
    "close": "SELECT max(proposal_no) AS number FROM close_proposals WHERE program_id = %(program)s"
    " AND period > (SELECT closed_through FROM programs WHERE program_id = %(program)s)"
    " GROUP BY period ORDER BY period DESC LIMIT %(limit)s",
    "key": "SELECT key_id FROM api_keys WHERE program_id = %(program)s AND is_awaiting AND revoked_at IS NULL"
    " AND (confirms_from IS NULL OR confirms_from > %(now)s) AND (expires_at IS NULL OR expires_at > %(now)s)"
    " ORDER BY created_at DESC LIMIT %(limit)s",
    "shop": "SELECT shop_no FROM shops WHERE program_id = %(program)s AND status = 'pending'"
    " AND status_since <= %(now)s"
    " ORDER BY status_since DESC, shop_no DESC LIMIT %(limit)s",
    "event": "SELECT event_no FROM event_outcomes WHERE program_id = %(program)s AND status = 'failed'"
    " AND status <> 'done' ORDER BY event_no DESC LIMIT %(limit)s",
    "question": "SELECT question_no FROM unclosed_questions WHERE program_id = %(program)s AND NOT is_answered"
    " ORDER BY question_no DESC LIMIT %(limit)s",
    "finding": "SELECT finding_no FROM compliance_findings WHERE program_id = %(program)s AND severity <> 'info'"
    " AND found_at >= %(since)s AND action <> 'case_opened' ORDER BY found_at DESC LIMIT %(limit)s",
}
_PAYOUT = """
SELECT p.payout_id AS id, p.created_at AS waiting_since, p.created_by AS by, l.shop_id, NULL AS order_id,
       NULL AS webhook_id, s.amount_minor, s.lines AS figure, p.channel AS code, NULL AS subject, NULL AS fields,
       NULL AS due_at
FROM payouts p LEFT JOIN payout_sums s ON s.program_id = p.program_id AND s.payout_no = p.payout_no
LEFT JOIN LATERAL (SELECT h.shop_id FROM payout_lines l
                   JOIN shops h ON h.program_id = l.program_id AND h.shop_no = l.shop_no
                   WHERE l.program_id = p.program_id AND l.payout_no = p.payout_no AND p.selection = 'closing'
                   LIMIT 1) l ON true
WHERE p.program_id = %(program)s AND p.payout_no = ANY(CAST(%(numbers)s AS bigint[]))
"""
_CHANGE = """
SELECT 'chg_' || h.change_no AS id, h.proposed_at AS waiting_since, h.proposed_by AS by, s.shop_id, NULL AS order_id,
       w.webhook_id, NULL AS amount_minor, NULL AS figure, NULL AS code, NULL AS subject, h.fields, h.due_at
FROM held_changes h
LEFT JOIN shops s ON h.kind = 'payee' AND s.program_id = h.program_id AND s.shop_no = h.subject_no
LEFT JOIN webhooks w ON h.kind = 'webhook' AND w.program_id = h.program_id AND w.webhook_no = h.subject_no
WHERE h.program_id = %(program)s AND h.change_no = ANY(CAST(%(numbers)s AS bigint[]))
"""
_ROWS = {
    "payout": _PAYOUT,
    "closing_payment": _PAYOUT,
    "payee": _CHANGE,
    "webhook": _CHANGE,
    "program": _CHANGE,
    "adjustment": """
SELECT a.adjustment_id AS id, a.proposed_at AS waiting_since, a.proposed_by AS by, s.shop_id, NULL AS order_id,
       NULL AS webhook_id, a.amount_minor
FROM adjustments a JOIN shops s ON s.program_id = a.program_id AND s.shop_no = a.shop_no
WHERE a.program_id = %(program)s AND a.adjustment_no = ANY(CAST(%(numbers)s AS bigint[]))
""",
    "withdrawal": """
SELECT w.withdrawal_id AS id, w.requested_at AS waiting_since, w.requested_by AS by, s.shop_id, NULL AS order_id,
       NULL AS webhook_id, w.amount_minor
FROM withdrawals w JOIN shops s ON s.program_id = w.program_id AND s.shop_no = w.shop_no
WHERE w.program_id = %(program)s AND w.withdrawal_no = ANY(CAST(%(numbers)s AS bigint[]))
""",
    "close": """
SELECT to_char(period / 100, 'FM0000') || '-' || to_char(period %% 100, 'FM00') AS id, proposed_at AS waiting_since,
       proposed_by AS by, NULL AS shop_id, NULL AS order_id, NULL AS webhook_id, NULL AS amount_minor, shops AS figure
FROM close_proposals WHERE program_id = %(program)s AND proposal_no = ANY(CAST(%(numbers)s AS bigint[]))
  AND period > (SELECT closed_through FROM programs WHERE program_id = %(program)s)
""",
    "key": """
SELECT key_id AS id, created_at AS waiting_since, made_by AS by, NULL AS shop_id, NULL AS order_id, NULL AS webhook_id,
       NULL AS amount_minor, NULL AS figure, role AS code, NULL AS subject, scopes AS fields, confirms_from AS due_at
FROM api_keys WHERE program_id = %(program)s AND key_id = ANY(CAST(%(numbers)s AS text[]))
""",
    "shop": """
SELECT shop_id AS id, status_since AS waiting_since, NULL AS by, shop_id
FROM shops WHERE program_id = %(program)s AND shop_no = ANY(CAST(%(numbers)s AS bigint[]))
""",
    "event": """
SELECT e.event_id AS id, COALESCE(x.done_at, e.received_at) AS waiting_since, NULL AS by, NULL AS shop_id, o.order_id,
       NULL AS webhook_id, NULL AS amount_minor, NULL AS figure, x.code, e.type AS subject
FROM unnest(CAST(%(numbers)s AS bigint[])) k (event_no)
CROSS JOIN LATERAL (SELECT * FROM events WHERE program_id = %(program)s AND event_no = k.event_no OFFSET 0) e
JOIN event_outcomes x ON x.program_id = e.program_id AND x.order_no = e.order_no AND x.event_no = e.event_no
LEFT JOIN orders o ON o.program_id = e.program_id AND o.order_no = e.order_no
""",
    "question": """
SELECT q.question_id AS id, q.asked_at AS waiting_since, q.asked_by AS by, s.shop_id, o.order_id, NULL AS webhook_id,
       t.amount_minor
FROM unnest(CAST(%(numbers)s AS bigint[])) k (question_no)
CROSS JOIN LATERAL (SELECT * FROM shop_questions WHERE program_id = %(program)s
    AND question_no = k.question_no OFFSET 0) q
JOIN shops s ON s.program_id = q.program_id AND s.shop_no = q.shop_no
CROSS JOIN LATERAL (SELECT signed_minor(q.shop_no, credit_account, amount_minor) AS amount_minor
                    FROM transfers WHERE program_id = q.program_id AND cause_no = q.cause_no AND seq = q.seq OFFSET 0) t
LEFT JOIN orders o ON o.program_id = q.program_id AND o.order_no = q.cause_no
""",
    "case": """
SELECT c.case_no::text AS id, c.opened_at AS waiting_since, c.opened_by AS by, s.shop_id, NULL AS order_id,
       NULL AS webhook_id, NULL AS amount_minor, NULL AS figure, c.finding_id AS code, c.subject
FROM compliance_cases c LEFT JOIN shops s ON s.program_id = c.program_id AND s.shop_no = c.root_no
WHERE c.program_id = %(program)s AND c.case_no = ANY(CAST(%(numbers)s AS bigint[]))
""",
    "finding": """
SELECT f.finding_no::text AS id, f.found_at AS waiting_since, NULL AS by, NULL AS shop_id, NULL AS order_id,
       NULL AS webhook_id, NULL AS amount_minor, NULL AS figure, f.id AS code, f.subject
FROM compliance_findings f WHERE f.program_id = %(program)s AND f.finding_no = ANY(CAST(%(numbers)s AS bigint[]))
""",
}
KINDS = tuple(_NUMBERS)
"""All that may wait, each with its numbers and its rows."""


def waiting_numbers(conn: Connection, program_id: int, kind: str, as_of: WaitingAsOf, limit: int) -> list[int | str]:
    """Lists what waits of one kind by its numbers (of keys: by their ids), the newest first, ``limit`` at the most."""
    bound = {"program": program_id, "now": as_of.now, "since": as_of.findings_since, "limit": limit}
    return [number for (number,) in execute(conn, _NUMBERS[kind], bound)]


def payouts_waiting(conn: Connection) -> tuple[int, int, int]:
    """Counts payouts, closing payments and withdrawals that wait, over all programs; up to 10,000 of a program."""
    payouts, closing, withdrawals = only(conn, "SELECT payouts, closing_payments, withdrawals FROM payouts_waiting()")
    return payouts, closing, withdrawals


def waiting_rows(conn: Connection, program_id: int, kind: str, numbers: Sequence[int | str]) -> list[WaitingRow]:
    """Reads those of one kind that have these numbers, in no order."""
    return execute_partly_as(
        conn, WaitingRow, _ROWS[kind], {"program": program_id, "numbers": list(numbers)}
    ).fetchall()
