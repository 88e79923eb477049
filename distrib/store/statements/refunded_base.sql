WITH taken AS (
    SELECT r.order_no, r.line_id, sum(r.amount_minor) FILTER (WHERE c.at >= %(start)s) AS amount_minor,
           bool_and(c.at >= %(start)s) AS is_first
    FROM refund_lines r JOIN settlements s USING (program_id, order_no)
    CROSS JOIN LATERAL (SELECT GREATEST(r.occurred_at, s.settled_at) AS at) c
    WHERE r.program_id = %(program)s AND c.at < %(end)s
    GROUP BY r.order_no, r.line_id HAVING bool_or(c.at >= %(start)s)
), of_order AS (
    SELECT order_no, sum(amount_minor) AS amount_minor, bool_and(is_first) AS is_first FROM taken GROUP BY order_no
), lines AS (
    SELECT {base} AS base, (l ->> 'paid_minor')::bigint AS paid, COALESCE(t.amount_minor, 0) AS amount,
           s.paid_minor AS order_paid, o.amount_minor AS order_amount, o.is_first
    FROM of_order o
    JOIN settlements s ON s.program_id = %(program)s AND s.order_no = o.order_no
    JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
    CROSS JOIN LATERAL json_array_elements(e.payload::json -> 'order' -> 'lines') l
    LEFT JOIN taken t ON t.order_no = o.order_no AND t.line_id = l ->> 'id'
)
SELECT divisor, sum(part)::numeric FROM (
    SELECT CASE WHEN paid > 0 THEN paid WHEN order_paid > 0 THEN order_paid ELSE 1 END AS divisor,
           CASE WHEN paid > 0 THEN base::numeric * amount WHEN order_paid > 0 THEN base::numeric * order_amount
                WHEN is_first THEN base::numeric ELSE 0 END AS part
    FROM lines) p
GROUP BY divisor
