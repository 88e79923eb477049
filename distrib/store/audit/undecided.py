"""What must hold of what waits for a person: it is exactly what was asked for and not decided.

Of questions of shops, too, that what was said is there until the shop is erased, and then gone.
"""

from __future__ import annotations

from distrib.store.audit.questions import Question

_ASKED = """
    SELECT CASE p.selection WHEN 'closing' THEN 'closing_payment' ELSE 'payout' END AS kind, p.payout_no AS subject_no
    FROM payouts p WHERE p.program_id = %(program)s AND NOT EXISTS (
        SELECT 1 FROM payout_decisions d WHERE d.program_id = p.program_id AND d.payout_no = p.payout_no)
    UNION ALL
    SELECT 'adjustment', a.adjustment_no FROM adjustments a WHERE a.program_id = %(program)s AND NOT EXISTS (
        SELECT 1 FROM adjustment_approvals d WHERE d.program_id = a.program_id AND d.adjustment_no = a.adjustment_no)
    UNION ALL
    SELECT 'withdrawal', w.withdrawal_no FROM withdrawals w WHERE w.program_id = %(program)s AND NOT EXISTS (
        SELECT 1 FROM withdrawal_decisions d WHERE d.program_id = w.program_id AND d.withdrawal_no = w.withdrawal_no)
    UNION ALL
    SELECT 'case', c.case_no FROM compliance_cases c WHERE c.program_id = %(program)s AND NOT EXISTS (
        SELECT 1 FROM case_decisions d WHERE d.program_id = c.program_id AND d.case_no = c.case_no)
"""
_KEPT = "SELECT kind, subject_no FROM undecided WHERE program_id = %(program)s"
_SAID = """
    SELECT q.question_no, p.part FROM shop_questions q CROSS JOIN LATERAL (
        SELECT 'asked' AS part
        UNION ALL
        SELECT s.step FROM question_steps s
        WHERE s.program_id = q.program_id AND s.question_no = q.question_no AND s.step = 'answered') p
    WHERE q.program_id = %(program)s AND NOT EXISTS (
        SELECT 1 FROM shop_erasures e WHERE e.program_id = q.program_id AND e.shop_no = q.shop_no)
"""
_WORDS = "SELECT question_no, part FROM question_words WHERE program_id = %(program)s"
_UNCLOSED = """
    SELECT q.question_no, CASE WHEN a.step IS NULL THEN 'is open' ELSE 'is answered' END
    FROM shop_questions q
    LEFT JOIN question_steps a
        ON a.program_id = q.program_id AND a.question_no = q.question_no AND a.step = 'answered'
    WHERE q.program_id = %(program)s AND NOT EXISTS (
        SELECT 1 FROM question_steps c
        WHERE c.program_id = q.program_id AND c.question_no = q.question_no AND c.step = 'closed')
"""
_KEPT_UNCLOSED = """
    SELECT question_no, CASE WHEN is_answered THEN 'is answered' ELSE 'is open' END
    FROM unclosed_questions WHERE program_id = %(program)s
"""
QUESTIONS = (
    Question(
        "undecided_accounted_for",
        f"SELECT count(*) FROM ({_KEPT}) u",
        f"""
        SELECT kind, subject_no FROM (
            (({_ASKED}) EXCEPT {_KEPT}) UNION ALL ({_KEPT} EXCEPT ({_ASKED}))) u
        """,
    ),
    Question(
        "questions_accounted_for",
        "SELECT count(*) FROM shop_questions WHERE program_id = %(program)s",
        f"""
        SELECT question_no, part FROM (
            (({_SAID}) EXCEPT {_WORDS}) UNION ALL ({_WORDS} EXCEPT ({_SAID}))
            UNION ALL (({_UNCLOSED}) EXCEPT {_KEPT_UNCLOSED}) UNION ALL ({_KEPT_UNCLOSED} EXCEPT ({_UNCLOSED}))) u
        """,
    ),
)
