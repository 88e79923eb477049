-- What is told of the service over all programs, in figures alone; each costs the same however many rows there are.
-- Of each program the orders next in line are looked at: who works on them takes them in that order.
CREATE FUNCTION event_figures(OUT oldest timestamptz, OUT waiting bigint, OUT failed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (SELECT min(e.received_at) FROM programs p
            CROSS JOIN LATERAL (SELECT q.order_no FROM queue q WHERE q.program_id = p.program_id
                                ORDER BY q.program_id, q.day, q.order_no LIMIT 50) n
            CROSS JOIN LATERAL (SELECT v.event_no, v.received_at FROM events v
                                WHERE v.program_id = p.program_id AND v.order_no = n.order_no OFFSET 0) e
            LEFT JOIN LATERAL (SELECT y.status FROM event_outcomes y
                               WHERE y.program_id = p.program_id AND y.order_no = n.order_no
                                 AND y.event_no = e.event_no OFFSET 0) x ON true
            WHERE x.status IS NULL OR x.status = 'pending'),
           (SELECT coalesce(sum(w.number + u.number), 0)::bigint FROM programs p
            CROSS JOIN LATERAL (SELECT count(*) AS number FROM (
                SELECT 1 FROM event_outcomes WHERE program_id = p.program_id AND status = 'waiting' AND status <> 'done'
                LIMIT 10000) counted) w
            CROSS JOIN LATERAL (SELECT count(*) AS number FROM (
                SELECT 1 FROM unplaced_events WHERE program_id = p.program_id LIMIT 10000) counted) u),
           (SELECT coalesce(sum(f.number), 0)::bigint FROM programs p
            CROSS JOIN LATERAL (SELECT count(*) AS number FROM (
                SELECT 1 FROM event_outcomes WHERE program_id = p.program_id AND status = 'failed' AND status <> 'done'
                LIMIT 10000) counted) f)
$$;
CREATE FUNCTION payouts_waiting(OUT payouts bigint, OUT closing_payments bigint, OUT withdrawals bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*) FILTER (WHERE kind = 'payout'), count(*) FILTER (WHERE kind = 'closing_payment'),
        count(*) FILTER (WHERE kind = 'withdrawal')
    FROM programs p CROSS JOIN LATERAL (
        SELECT kind FROM undecided
        WHERE program_id = p.program_id AND kind IN ('payout', 'closing_payment', 'withdrawal') LIMIT 10000) u
$$;
-- Of each program the last audit, and none of those before it.
CREATE OR REPLACE FUNCTION audit_figures(OUT failed bigint, OUT oldest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*) FILTER (WHERE a.result::json ->> 'ok' = 'false'), min(a.as_of)
    FROM programs p CROSS JOIN LATERAL (
        SELECT result, as_of FROM audits WHERE program_id = p.program_id ORDER BY audit_no DESC LIMIT 1) a
$$;
GRANT CREATE ON SCHEMA public TO distrib_worker;   -- whoever is to own a function must be able to make it
ALTER FUNCTION event_figures() OWNER TO distrib_worker;
ALTER FUNCTION payouts_waiting() OWNER TO distrib_worker;
REVOKE CREATE ON SCHEMA public FROM distrib_worker;
REVOKE EXECUTE ON FUNCTION event_figures(), payouts_waiting() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_figures(), payouts_waiting() TO distrib_web, distrib_worker;

-- How long batches took, added up over all workers since ever: a row for each bound, with those that took no longer and
-- longer than the bound before. No fact of a program.
CREATE TABLE batch_times (
    up_to_ms integer PRIMARY KEY,
    batches  bigint NOT NULL,
    spent_ms bigint NOT NULL,
    orders   bigint NOT NULL,
    events   bigint NOT NULL
);
GRANT SELECT ON batch_times TO distrib_web, distrib_worker;
GRANT INSERT ON batch_times TO distrib_worker;
GRANT UPDATE (batches, spent_ms, orders, events) ON batch_times TO distrib_worker;

-- Under which trace an order was queued, where traces are taken (traceparent of W3C Trace Context).
ALTER TABLE queue ADD COLUMN trace text COLLATE "C";
GRANT UPDATE (trace) ON queue TO distrib_web, distrib_worker;
