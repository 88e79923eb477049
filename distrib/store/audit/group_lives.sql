SELECT m.order_no, m.group_no, 'settled before its group succeeded, or dated otherwise' AS what
FROM group_orders m
JOIN settlements s ON s.program_id = m.program_id AND s.order_no = m.order_no AND s.order_no IN %(page)s
CROSS JOIN LATERAL (
    SELECT occurred_at, payload::json #>> '{order,group_id}' AS group_id FROM events
    WHERE program_id = s.program_id AND order_no = s.order_no AND event_no = s.event_no OFFSET 0) e
LEFT JOIN group_decisions d ON d.program_id = m.program_id AND d.group_no = m.group_no
LEFT JOIN groups g ON g.program_id = m.program_id AND g.group_no = m.group_no
WHERE m.program_id = %(program)s AND m.order_no IN %(page)s AND e.group_id = g.group_id
  AND (d.has_succeeded IS NOT TRUE OR s.settled_at <> GREATEST(e.occurred_at, d.occurred_at))
UNION ALL
SELECT DISTINCT m.order_no, m.group_no, 'waits for a group that is decided'
FROM group_orders m
JOIN group_decisions d USING (program_id, group_no)
JOIN event_outcomes x ON x.program_id = m.program_id AND x.order_no = m.order_no AND x.order_no IN %(page)s
WHERE m.program_id = %(program)s AND m.order_no IN %(page)s AND x.status = 'waiting' AND x.code = 'waits_for_group'
UNION ALL
SELECT DISTINCT m.order_no, m.group_no, 'expected although its group has failed'
FROM group_orders m
JOIN group_decisions d USING (program_id, group_no)
JOIN expecting_orders q ON q.program_id = m.program_id AND q.order_no = m.order_no AND q.order_no IN %(page)s
JOIN paid_orders p ON p.program_id = q.program_id AND p.order_no = q.order_no AND p.payment_no = q.payment_no
     AND p.order_no IN %(page)s
JOIN event_outcomes x ON x.program_id = p.program_id AND x.order_no = p.order_no AND x.event_no = p.event_no
     AND x.order_no IN %(page)s
CROSS JOIN LATERAL (
    SELECT payload::json #>> '{order,group_id}' AS group_id FROM events
    WHERE program_id = p.program_id AND order_no = p.order_no AND event_no = p.event_no OFFSET 0) e
JOIN groups g ON g.program_id = m.program_id AND g.group_no = m.group_no
WHERE m.program_id = %(program)s AND m.order_no IN %(page)s AND NOT d.has_succeeded AND x.status <> 'pending'
  AND e.group_id = g.group_id
UNION ALL
SELECT NULL, d.group_no, 'decided without its event'
FROM group_decisions d
LEFT JOIN events e ON e.program_id = d.program_id AND e.order_no = d.group_no AND e.event_no = d.event_no
     AND e.order_no IN %(page)s
LEFT JOIN event_outcomes x ON x.program_id = d.program_id AND x.order_no = d.group_no AND x.event_no = d.event_no
     AND x.order_no IN %(page)s
WHERE d.program_id = %(program)s AND d.group_no IN %(page)s
  AND (x.status IS DISTINCT FROM 'done' OR e.occurred_at IS DISTINCT FROM d.occurred_at
      OR e.type IS DISTINCT FROM CASE WHEN d.has_succeeded THEN 'group.succeeded' ELSE 'group.failed' END)
