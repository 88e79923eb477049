WITH paid_by AS (
    SELECT x.payout_no, x.shop_no, x.withdrawal_no, w.shop_no AS asked_by, w.amount_minor, w.fee_minor,
           d.decision IS NOT DISTINCT FROM 'cancelled' AS is_cancelled, r.status, b.shop_no IS NOT NULL AS is_back,
           EXISTS (SELECT 1 FROM withdrawal_decisions a WHERE a.program_id = x.program_id
                   AND a.withdrawal_no = x.withdrawal_no AND a.decision = 'approved') AS is_approved,
           EXISTS (SELECT 1 FROM withdrawal_decisions e WHERE e.program_id = x.program_id
                   AND e.withdrawal_no = x.withdrawal_no AND e.decision <> 'approved') AS is_ended
    FROM withdrawal_lines x
    LEFT JOIN withdrawals w USING (program_id, withdrawal_no)
    LEFT JOIN payout_decisions d USING (program_id, payout_no)
    LEFT JOIN payout_results r
      ON r.program_id = x.program_id AND r.payout_no = x.payout_no AND r.shop_no = x.shop_no
    LEFT JOIN payout_returns b
      ON b.program_id = x.program_id AND b.payout_no = x.payout_no AND b.shop_no = x.shop_no
    WHERE x.program_id = %(program)s
)
SELECT withdrawal_no, 'paid by a line of another shop, or without an approval' AS what, payout_no
FROM paid_by WHERE asked_by IS DISTINCT FROM shop_no OR NOT is_approved OR (is_ended AND NOT is_cancelled)
UNION ALL
SELECT withdrawal_no, 'paid by more than one line', max(payout_no) FROM paid_by WHERE NOT is_cancelled
GROUP BY withdrawal_no HAVING count(*) > 1
UNION ALL
SELECT NULL, 'a line whose amount or fee is not that of its withdrawals', COALESCE(l.payout_no, w.payout_no)
FROM (SELECT l.payout_no, l.shop_no, l.amount_minor, l.fee_minor, p.selection
      FROM payout_lines l JOIN payouts p USING (program_id, payout_no)
      WHERE l.program_id = %(program)s AND (l.fee_minor > 0 OR p.selection = 'withdrawals')) l
FULL JOIN (SELECT payout_no, shop_no, sum(amount_minor) AS amount_minor, sum(fee_minor) AS fee_minor
           FROM paid_by GROUP BY payout_no, shop_no) w
  ON w.payout_no = l.payout_no AND w.shop_no = l.shop_no
WHERE (l.amount_minor, l.fee_minor) IS DISTINCT FROM (w.amount_minor, w.fee_minor)
UNION ALL
SELECT COALESCE(t.cause_no, f.withdrawal_no), 'posted otherwise than the fee of a paid line', f.payout_no
FROM (SELECT t.cause_no, t.shop_no,
             sum(-signed_minor(t.shop_no, t.credit_account, t.amount_minor)) AS fee_minor
      FROM transfers t JOIN withdrawals w ON w.program_id = t.program_id AND w.withdrawal_no = t.cause_no
      WHERE t.program_id = %(program)s GROUP BY t.cause_no, t.shop_no) t
FULL JOIN (SELECT withdrawal_no, shop_no, CASE WHEN is_back THEN 0 ELSE fee_minor END AS fee_minor, payout_no
           FROM paid_by
           WHERE status = 'paid' AND NOT is_cancelled AND fee_minor > 0) f
  ON f.withdrawal_no = t.cause_no AND f.shop_no = t.shop_no
WHERE t.fee_minor IS DISTINCT FROM f.fee_minor
UNION ALL
SELECT COALESCE(o.withdrawal_no, n.withdrawal_no), 'open and ended, or neither', NULL
FROM (SELECT withdrawal_no FROM open_withdrawals WHERE program_id = %(program)s) o
FULL JOIN (SELECT w.withdrawal_no FROM withdrawals w WHERE w.program_id = %(program)s
           AND NOT EXISTS (SELECT 1 FROM withdrawal_decisions e WHERE e.program_id = w.program_id
                           AND e.withdrawal_no = w.withdrawal_no AND e.decision <> 'approved')
           AND NOT EXISTS (SELECT 1 FROM withdrawal_lines x JOIN payout_results r
                               ON r.program_id = x.program_id AND r.payout_no = x.payout_no
                               AND r.shop_no = x.shop_no
                           WHERE x.program_id = w.program_id AND x.withdrawal_no = w.withdrawal_no)) n
  ON n.withdrawal_no = o.withdrawal_no
WHERE o.withdrawal_no IS NULL OR n.withdrawal_no IS NULL
