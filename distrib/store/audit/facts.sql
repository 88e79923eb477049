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
