"""What must hold of the trail: no row is missing, moved or changed, and what moves money has one."""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.audit.questions import MOST_ROWS, AuditAnswer, Question
from distrib.store.sql import execute, written_in

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
_FACTS = written_in(__file__, "facts")
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
