"""What must hold of what waits for a person: it is exactly what was asked for and not decided."""

from __future__ import annotations

from distrib.store.audit.questions import Question

_ASKED = """
    SELECT CASE p.selection WHEN 'closing' THEN 'closing_payment' ELSE 'payout' END AS kind, p.payout_no AS subject_no
    FROM payouts p WHERE p.program_id = :program AND NOT EXISTS (
        SELECT 1 FROM payout_decisions d WHERE d.program_id = p.program_id AND d.payout_no = p.payout_no)
    UNION ALL
    SELECT 'adjustment', a.adjustment_no FROM adjustments a WHERE a.program_id = :program AND NOT EXISTS (
        SELECT 1 FROM adjustment_approvals d WHERE d.program_id = a.program_id AND d.adjustment_no = a.adjustment_no)
    UNION ALL
    SELECT 'withdrawal', w.withdrawal_no FROM withdrawals w WHERE w.program_id = :program AND NOT EXISTS (
        SELECT 1 FROM withdrawal_decisions d WHERE d.program_id = w.program_id AND d.withdrawal_no = w.withdrawal_no)
    UNION ALL
    SELECT 'case', c.case_no FROM compliance_cases c WHERE c.program_id = :program AND NOT EXISTS (
        SELECT 1 FROM case_decisions d WHERE d.program_id = c.program_id AND d.case_no = c.case_no)
"""
_KEPT = "SELECT kind, subject_no FROM undecided WHERE program_id = :program"
QUESTIONS = (
    Question(
        "undecided_accounted_for",
        f"SELECT count(*) FROM ({_KEPT}) u",
        f"""
        SELECT kind, subject_no FROM (
            (({_ASKED}) EXCEPT {_KEPT}) UNION ALL ({_KEPT} EXCEPT ({_ASKED}))) u
        """,
    ),
)
