WITH facts AS (
    SELECT payout_no, shop_no, false AS is_back, occurred_at FROM payout_results
    WHERE program_id = %(program)s AND status = 'paid'
    UNION ALL
    SELECT payout_no, shop_no, true, occurred_at FROM payout_returns WHERE program_id = %(program)s
), said AS (
    SELECT f.payout_no, f.shop_no, f.is_back,
           l.amount_minor - l.tax_minor - l.fee_minor AS paid_minor, l.tax_minor,
           f.occurred_at,
           (EXTRACT(year FROM f.occurred_at AT TIME ZONE %(time_zone)s) * 100
            + EXTRACT(month FROM f.occurred_at AT TIME ZONE %(time_zone)s))::integer AS period
    FROM facts f JOIN payout_lines l ON l.program_id = %(program)s AND l.payout_no = f.payout_no
         AND l.shop_no = f.shop_no
), posted AS (
    SELECT cause_no AS payout_no, shop_no, credit_account = shop_no AS is_back,
           COALESCE(sum(amount_minor) FILTER (WHERE kind = 'paid'), 0)::bigint AS paid_minor,
           COALESCE(sum(amount_minor) FILTER (WHERE kind = 'tax'), 0)::bigint AS tax_minor,
           min(occurred_at) AS occurred_at, max(occurred_at) AS last_at, min(period) AS period
    FROM transfers WHERE program_id = %(program)s AND kind IN ('paid', 'tax') GROUP BY 1, 2, 3
)
SELECT COALESCE(s.payout_no, t.payout_no) AS payout_no, COALESCE(s.shop_no, t.shop_no) AS shop_no,
       'posted otherwise than the line and its result say' AS what,
       s.paid_minor AS line_paid_minor, s.tax_minor AS line_tax_minor, t.paid_minor, t.tax_minor
FROM said s FULL JOIN posted t ON t.payout_no = s.payout_no AND t.shop_no = s.shop_no AND t.is_back = s.is_back
WHERE (s.paid_minor, s.tax_minor, s.occurred_at, s.occurred_at, s.period)
      IS DISTINCT FROM (t.paid_minor, t.tax_minor, t.occurred_at, t.last_at, t.period)
UNION ALL
SELECT r.payout_no, r.shop_no, 'a result without an approved line', l.amount_minor, l.tax_minor, NULL, NULL
FROM payout_results r
LEFT JOIN payout_lines l USING (program_id, payout_no, shop_no)
LEFT JOIN payout_decisions d USING (program_id, payout_no)
WHERE r.program_id = %(program)s AND (l.shop_no IS NULL OR d.decision IS DISTINCT FROM 'approved'
                                   OR r.occurred_at < d.decided_at)
UNION ALL
SELECT b.payout_no, b.shop_no, 'a return of what was not paid before it', NULL, NULL, NULL, NULL
FROM payout_returns b LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
WHERE b.program_id = %(program)s AND (r.status IS DISTINCT FROM 'paid' OR b.occurred_at < r.occurred_at)
