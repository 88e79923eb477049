WITH taken AS MATERIALIZED (
    SELECT order_no, sum(sales_minor)::bigint AS minor FROM refund_lines WHERE program_id = %(program)s
    GROUP BY order_no
), sold AS MATERIALIZED (
    SELECT DISTINCT s.seller_no, date_trunc('month', s.settled_at AT TIME ZONE %(zone)s) AS month
    FROM settlements s LEFT JOIN taken t ON t.order_no = s.order_no
    WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND s.sales_minor > COALESCE(t.minor, 0)
), joined AS MATERIALIZED (
    SELECT date_trunc('month', h.joined_at AT TIME ZONE %(zone)s) AS month, count(*) AS shops
    FROM shops h WHERE h.program_id = %(program)s GROUP BY 1
), active AS MATERIALIZED (
    SELECT date_trunc('month', h.joined_at AT TIME ZONE %(zone)s) AS joined, s.month, count(*) AS shops
    FROM sold s JOIN shops h ON h.program_id = %(program)s AND h.shop_no = s.seller_no GROUP BY 1, 2
), numbered AS (
    SELECT (EXTRACT(YEAR FROM month) * 12 + EXTRACT(MONTH FROM month))::integer AS month, shops FROM joined
), lasting AS (
    SELECT (EXTRACT(YEAR FROM month) * 12 + EXTRACT(MONTH FROM month))::integer AS month,
           (EXTRACT(YEAR FROM joined) * 12 + EXTRACT(MONTH FROM joined))::integer AS joined, shops
    FROM active
)
SELECT k.after AS months,
       COALESCE((SELECT sum(n.shops) FROM numbered n WHERE n.month + k.after < %(current)s), 0)::bigint AS shops,
       COALESCE((SELECT sum(l.shops) FROM lasting l
                 WHERE l.month < %(current)s AND l.month - l.joined = k.after), 0)::bigint AS active
FROM unnest(%(after)s::integer[]) AS k (after) ORDER BY k.after
