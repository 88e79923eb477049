"""What must hold of changes that wait: each is open or ended once, in its time, and money goes where they say."""

from __future__ import annotations

from distrib.store.audit.questions import Question

_ACCOUNTED_FOR = Question(
    "held_changes_accounted_for",
    "SELECT count(*) FROM held_changes WHERE program_id = %(program)s",
    """
    SELECT h.change_no, h.kind, e.outcome FROM held_changes h
    LEFT JOIN held_change_ends e ON e.program_id = h.program_id AND e.change_no = h.change_no
    LEFT JOIN open_changes o ON o.program_id = h.program_id AND o.change_no = h.change_no
    WHERE h.program_id = %(program)s AND (
        (e.change_no IS NULL) = (o.change_no IS NULL)
        OR e.outcome = 'due' AND e.ended_at < h.due_at
        OR e.outcome = 'approved' AND e.ended_by = h.proposed_by
        OR (h.kind = 'payee' AND e.outcome IN ('approved', 'due')) <> (e.payee_version IS NOT NULL))
    """,
)
# A shop's first payee is in force at once; every other one came by a change that was due or approved.
_PAYEES = Question(
    "payees_by_changes",
    "SELECT count(*) FROM payee_versions WHERE program_id = %(program)s AND version > 1",
    """
    SELECT v.shop_no, v.version FROM payee_versions v
    JOIN programs p ON p.program_id = v.program_id
    WHERE v.program_id = %(program)s AND v.version > 1 AND v.recorded_at >= p.trail_since AND NOT EXISTS (
        SELECT 1 FROM held_changes h
        JOIN held_change_ends e ON e.program_id = h.program_id AND e.change_no = h.change_no
        WHERE h.program_id = v.program_id AND h.kind = 'payee' AND h.subject_no = v.shop_no
          AND e.payee_version = v.version AND e.ended_at = v.recorded_at)
    """,
)
QUESTIONS = (_ACCOUNTED_FOR, _PAYEES)
