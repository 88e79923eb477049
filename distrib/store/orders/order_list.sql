SELECT o.order_no, o.order_id AS id, f.status, COALESCE(h.shop_id, f.content ->> 'shop_id') AS shop_id,
       f.content ->> 'shop_id' AS named_shop_id,
       f.content ->> 'customer_id' AS customer_id, f.content ->> 'channel' AS channel,
       f.content ->> 'currency' AS currency, f.paid_at, s.settled_at, b.paid_minor, f.refunded_minor,
       v.code AS plan_code, v.version AS plan_version, f.event_no, COALESCE(b.event_no, f.event_no) AS content_no,
       b.version_no, b.seller_no, b.snapshot, n.reason AS end_reason, q.order_no IS NOT NULL AS is_expected
FROM unnest(CAST(%(numbers)s AS bigint[])) c (order_no)
CROSS JOIN LATERAL (SELECT * FROM orders WHERE program_id = %(program)s AND order_no = c.order_no OFFSET 0) o
LEFT JOIN LATERAL (
    SELECT * FROM settlements WHERE program_id = o.program_id AND order_no = o.order_no OFFSET 0) s ON true
LEFT JOIN LATERAL (
    SELECT * FROM paid_orders WHERE program_id = o.program_id AND order_no = o.order_no AND s.order_no IS NULL
    ORDER BY payment_no DESC LIMIT 1) p ON true
LEFT JOIN LATERAL (
    SELECT order_no FROM expecting_orders
    WHERE program_id = o.program_id AND order_no = o.order_no OFFSET 0) q ON true
LEFT JOIN LATERAL (
    SELECT order_no, reason FROM order_ends
    WHERE program_id = o.program_id AND order_no = o.order_no OFFSET 0) n ON true
CROSS JOIN LATERAL (
    SELECT COALESCE(s.event_no, p.event_no) AS event_no, COALESCE(s.version_no, p.version_no) AS version_no,
           COALESCE(s.seller_no, p.seller_no) AS seller_no, COALESCE(s.paid_minor, p.paid_minor) AS paid_minor,
           COALESCE(s.snapshot, p.snapshot) AS snapshot OFFSET 0) b
CROSS JOIN LATERAL ({state}) f
LEFT JOIN LATERAL (
    SELECT shop_id FROM shops WHERE program_id = o.program_id AND shop_no = b.seller_no OFFSET 0) h ON true
LEFT JOIN LATERAL (
    SELECT code, version FROM plan_versions
    WHERE program_id = o.program_id AND version_no = b.version_no OFFSET 0) v ON true
WHERE (CAST(%(status)s AS text) IS NULL OR f.status = %(status)s)
  AND (CAST(%(from_at)s AS timestamptz) IS NULL OR f.paid_at >= %(from_at)s)
  AND (CAST(%(to_at)s AS timestamptz) IS NULL OR f.paid_at < %(to_at)s)
ORDER BY o.order_no
