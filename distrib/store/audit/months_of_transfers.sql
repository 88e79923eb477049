SELECT t.cause_no, t.seq, t.kind::text AS kind, t.occurred_at, e.occurred_at AS event_at, t.available_at, t.period
FROM transfers t
LEFT JOIN events e ON e.program_id = t.program_id AND e.order_no = t.cause_no AND e.event_no = t.event_no
     AND e.order_no IN %(page)s
LEFT JOIN (SELECT period, make_date(period / 100, period %% 100, 1)::timestamp AT TIME ZONE %(time_zone)s
    AS starts_at,
                  (make_date(period / 100, period %% 100, 1) + interval '1 month') AT TIME ZONE %(time_zone)s
                      AS ends_at
           FROM (SELECT DISTINCT COALESCE(belongs_to_period, period) AS period FROM transfers
                 WHERE program_id = %(program)s AND cause_no IN %(page)s AND kind IN ('earned', 'reversed')) p
           WHERE period / 100 BETWEEN 1 AND 9999 AND period %% 100 BETWEEN 1 AND 12) m
     ON m.period = COALESCE(t.belongs_to_period, t.period)
LEFT JOIN (SELECT version_no, COALESCE((document::json ->> 'hold_days')::integer, %(default_hold)s) AS hold_days
           FROM plan_versions WHERE program_id = %(program)s) v ON v.version_no = t.version_no
WHERE t.program_id = %(program)s AND t.cause_no IN %(page)s AND t.kind IN ('earned', 'reversed')
  AND ((t.occurred_at IS DISTINCT FROM e.occurred_at AND NOT (t.kind = 'reversed' AND t.event_no IS NULL)
        AND NOT (t.kind = 'reversed' AND EXISTS (
            SELECT 1 FROM refund_lines r
            WHERE r.program_id = %(program)s AND r.order_no = t.cause_no AND r.order_no IN %(page)s
              AND r.event_no = t.event_no AND r.occurred_at = t.occurred_at AND t.occurred_at > e.occurred_at))
        AND NOT (t.kind = 'earned' AND EXISTS (
            SELECT 1 FROM group_orders m JOIN group_decisions d USING (program_id, group_no)
            WHERE m.program_id = %(program)s AND m.order_no = t.cause_no AND m.order_no IN %(page)s
              AND d.has_succeeded AND d.occurred_at = t.occurred_at AND d.occurred_at > e.occurred_at)))
       OR m.period IS NULL OR t.occurred_at < m.starts_at OR t.occurred_at >= m.ends_at
       OR (t.kind = 'earned'
           AND t.available_at IS DISTINCT FROM t.occurred_at + v.hold_days * interval '24 hours'))
