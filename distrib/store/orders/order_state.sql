SELECT e.event_no, e.content, COALESCE(s.paid_at, (e.content ->> 'paid_at')::timestamptz) AS paid_at, r.refunded_minor,
       CASE WHEN n.reason = 'order_cancelled' THEN 'cancelled'
            WHEN n.reason IS NOT NULL THEN n.reason
            WHEN s.order_no IS NULL AND e.status = 'done' AND q.order_no IS NOT NULL THEN 'paid'
            WHEN s.order_no IS NULL AND e.status = 'done' AND EXISTS (
                SELECT 1 FROM payment_failures u WHERE u.program_id = o.program_id AND u.order_no = o.order_no)
                THEN 'payment_failed'
            WHEN s.order_no IS NULL THEN COALESCE(NULLIF(e.status, 'done'), 'pending')
            WHEN r.standing = 0 THEN 'settled'
            WHEN r.refunded_minor = s.paid_minor THEN 'refunded'
            ELSE 'partly_refunded' END AS status
FROM (SELECT COALESCE(sum(amount_minor), 0)::bigint AS refunded_minor,
             COALESCE(sum(CASE WHEN starts_with(refund_id, '/reversed/') THEN -1 ELSE 1 END), 0) AS standing
      FROM (SELECT refund_id, amount_minor FROM refund_lines WHERE program_id = o.program_id AND order_no = o.order_no
            UNION ALL
            SELECT refund_id, amount_minor FROM early_refunds
            WHERE s.order_no IS NULL AND (q.order_no IS NOT NULL OR n.order_no IS NOT NULL)
              AND program_id = o.program_id AND order_no = o.order_no AND seq >= p.first_refund_seq) taken) r
LEFT JOIN LATERAL (
    SELECT e.event_no, e.payload::json -> 'order' AS content,
           COALESCE(x.status, 'pending') AS status
    FROM events e LEFT JOIN event_outcomes x USING (program_id, order_no, event_no)
    WHERE e.program_id = o.program_id AND e.order_no = o.order_no AND (s.event_no IS NULL OR e.event_no = s.event_no)
    ORDER BY e.type <> 'order.settled', e.event_no IS DISTINCT FROM p.event_no, e.type <> 'order.paid',
             array_position(ARRAY['pending', 'waiting', 'failed'], COALESCE(NULLIF(x.status, 'done'), 'pending')),
             e.event_no
    LIMIT 1) e ON true
