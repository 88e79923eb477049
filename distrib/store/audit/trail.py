"""What must hold of the trail: no row is missing, moved or changed, and what moves money has one."""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.audit.questions import MOST_ROWS, AuditAnswer, Question
from distrib.store.sql import execute

UNBROKEN = "trail_unbroken"
PAGE_ROWS = 20_000
# A page begins with the last row of the one before, which its first row is held against.
_PAGE = """
WITH held AS (
    SELECT t.trail_no, t.operation, t.recorded_at, t.digest, lag(t.trail_no) OVER numbers AS no_before,
           lag(t.recorded_at) OVER numbers AS recorded_before,
           trail_digest(lag(t.digest) OVER numbers, ROW(t.*)::trail) AS recomputed
    FROM (SELECT * FROM trail WHERE program_id = %(program)s AND trail_no >= %(after)s
    ORDER BY trail_no LIMIT %(most)s) t
    WINDOW numbers AS (ORDER BY t.trail_no)
)
SELECT trail_no, operation,
       trail_no <> COALESCE(no_before, 0) + 1 OR digest <> recomputed
       OR COALESCE(recorded_at < recorded_before, false) AS is_wrong
FROM held WHERE trail_no > %(after)s ORDER BY trail_no
"""


def unbroken_page(conn: Connection, program_id: int, after: int) -> tuple[AuditAnswer, int | None]:
    """Holds the next rows of the trail against each other, and says after what number the next page begins."""
    values = {"program": program_id, "after": after, "most": PAGE_ROWS + 1}
    page = execute(conn, _PAGE, values).fetchall()
    wrong = [{"trail_no": trail_no, "operation": operation} for trail_no, operation, is_wrong in page if is_wrong]
    answer = AuditAnswer(len(page), len(wrong), wrong[:MOST_ROWS])
    return answer, page[-1][0] if len(page) >= PAGE_ROWS else None


# What a key of the program did since the program has a trail, by the operations that do it. A fact's instant is that of
# its call; rows of the same transaction may be dated later, never before.
_FACTS = """
    SELECT 'close' AS fact, to_char(period / 100, 'FM0000') || '-' || to_char(period %% 100, 'FM00') AS subject,
           confirmed_by AS actor, closed_at AS done_at, ARRAY['confirm_close', 'statement close'] AS operations
    FROM closed_periods WHERE program_id = %(program)s
    UNION ALL
    SELECT 'payout', p.payout_id, d.decided_by, d.decided_at,
           ARRAY['approve_payout', 'cancel_payout', 'approve_closing_payment', 'payout approve', 'payout cancel']
    FROM payout_decisions d JOIN payouts p USING (program_id, payout_no) WHERE d.program_id = %(program)s
    UNION ALL
    SELECT 'adjustment', a.adjustment_id, y.approved_by, y.approved_at,
           ARRAY['approve_adjustment', 'adjustment approve']
    FROM adjustment_approvals y JOIN adjustments a USING (program_id, adjustment_no) WHERE y.program_id = %(program)s
    UNION ALL
    SELECT 'plan', v.code || '/' || v.version, p.published_by, p.published_at, ARRAY['publish_plan', 'plan publish']
    FROM plan_publications p JOIN plan_versions v USING (program_id, version_no) WHERE p.program_id = %(program)s
    UNION ALL
    SELECT 'key', key_id, changed_by, changed_at,
           ARRAY['create_key', 'seat_person', 'change_key', 'approve_key', 'rotate_key', 'finish_rotation',
                 'revoke_key', 'require_signing', 'end_signing', 'create_password_link']
    FROM key_changes WHERE program_id = %(program)s
    UNION ALL
    SELECT 'program', NULL, changed_by, changed_at, ARRAY['change_program', 'program set', 'approve_program_change']
    FROM program_changes c WHERE program_id = %(program)s AND NOT EXISTS (
        SELECT 1 FROM held_change_ends e
        WHERE e.program_id = c.program_id AND e.outcome = 'due' AND e.ended_at = c.changed_at)
    UNION ALL
    SELECT 'change', NULL, e.ended_by, e.ended_at,
           ARRAY['approve_payee', 'approve_webhook_change', 'approve_program_change', 'change approve']
    FROM held_change_ends e WHERE e.program_id = %(program)s AND e.outcome = 'approved'
    UNION ALL
    SELECT 'payee', s.shop_id, v.recorded_by, COALESCE(h.proposed_at, v.recorded_at), ARRAY['put_payee']
    FROM payee_versions v JOIN shops s USING (program_id, shop_no)
    LEFT JOIN held_change_ends e ON e.program_id = v.program_id AND e.payee_version = v.version
    LEFT JOIN held_changes h ON h.program_id = e.program_id AND h.change_no = e.change_no AND h.kind = 'payee'
         AND h.subject_no = v.shop_no
    WHERE v.program_id = %(program)s AND (e.change_no IS NULL OR h.change_no IS NOT NULL)
"""
_KEYS = "JOIN api_keys k ON k.program_id = %(program)s AND k.key_id = f.actor AND k.role IN ('finance', 'admin')"
_DEEDS = Question(
    "deeds_in_trail",
    f"SELECT count(*) FROM ({_FACTS}) f {_KEYS}",
    f"""
    SELECT f.fact, f.subject, f.actor FROM ({_FACTS}) f
    {_KEYS}
    JOIN programs p ON p.program_id = %(program)s AND f.done_at >= p.trail_since
    WHERE NOT EXISTS (
        SELECT 1 FROM trail t WHERE t.program_id = %(program)s AND t.actor = f.actor AND t.operation = ANY(f.operations)
          AND t.recorded_at >= f.done_at
          AND (f.subject IS NULL OR t.subject = f.subject OR t.operation = 'approve_closing_payment'))
    """,
)
QUESTIONS = (_DEEDS,)
