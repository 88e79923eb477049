-- A program's own row is no other's to see; who opens programs is the worker's role, by the command line.
ALTER TABLE programs ENABLE ROW LEVEL SECURITY;
ALTER TABLE programs FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON programs TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);

-- What the web adds to; all else is the work of drains and periodic jobs, and the web only reads it.
REVOKE INSERT ON alembic_version FROM distrib_web, distrib_worker;
REVOKE INSERT ON programs, settlements, refund_lines, event_outcomes, group_decisions, group_orders, paid_orders,
    payment_failures, expected_changes, early_refunds, refunds_beside, order_ends, expecting_orders, order_blocks,
    rule_months, rule_customers, customer_turns, pool_payments, rank_evaluations, rank_failures, seals, audits,
    webhook_attempts, policy_sign_offs FROM distrib_web;
REVOKE DELETE ON queue, rank_signals, audit_requests FROM distrib_web;
-- How far a sequence has come tells of all programs: numbers are drawn from it, and it is not read. The one of
-- postings is: a close and a seal ask which posting was the last.
DO $$
DECLARE s regclass;
BEGIN
    FOR s IN SELECT oid FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
             AND relname <> 'posting_no_seq'
    LOOP
        EXECUTE format('REVOKE SELECT ON SEQUENCE %s FROM distrib_web', s);
    END LOOP;
END $$;

-- Which columns may be changed, by the web and by the worker: the command line acts as the worker, and does what the web
-- does. None is in a key but where a row has to be locked. Columns of later releases are granted by these.
REVOKE UPDATE ON ALL TABLES IN SCHEMA public FROM distrib_web, distrib_worker;
DO $$
DECLARE
    g record;
    columns text;
BEGIN
    FOR g IN SELECT * FROM (VALUES
        ('programs', 'distrib_web, distrib_worker', 'time_zone policy admission identity_required withholding
            binding_rule protect_days expire_days title join_url withdrawal_least_minor withdrawal_most_minor
            withdrawals_per_day withdrawals_per_month withdrawal_fee_minor closed_through key_approval key_wait_hours'),
        ('api_keys', 'distrib_web, distrib_worker', 'revoked_at secret_hmac owner scopes expires_at is_awaiting
            confirms_from approved_by approved_at old_secret_hmac old_secret_ends_at ended_by last_used_at'),
        ('shops', 'distrib_web, distrib_worker', 'name attributes identity_hash organiser_id rank rank_since status
            status_since uplines level chain_since sponsor_no'),
        ('queue', 'distrib_web, distrib_worker', 'day bytes'),
        ('account_months', 'distrib_web, distrib_worker', 'earned_minor reversed_minor adjusted_minor paid_minor
            tax_minor orders refunds version'),
        ('audit_requests', 'distrib_web, distrib_worker', 'requested_at is_full'),
        ('payout_sums', 'distrib_web, distrib_worker', 'lines amount_minor tax_minor fee_minor paid failed returned
            paid_minor returned_minor ended_minor last_ended_at'),
        ('webhooks', 'distrib_web, distrib_worker', 'url events status disabled_reason status_since secret
            former_secret former_until'),
        ('webhook_deliveries', 'distrib_web', 'status tries next_attempt_at'),
        ('webhook_deliveries', 'distrib_worker', 'status attempts tries next_attempt_at'),
        ('event_outcomes', 'distrib_web', 'status'),
        ('event_outcomes', 'distrib_worker', 'status code params waits_for attempts done_at'),
        ('payee_keys', 'distrib_worker', 'sealed_key'),
        ('rule_months', 'distrib_worker', 'earned_minor'),
        ('rule_customers', 'distrib_worker', 'earned_minor'),
        ('statement_totals', 'distrib_worker', 'through_posting held_from shops opening_minor earned_minor
            reversed_minor adjusted_minor paid_minor tax_minor orders refunds held_minor watched version'),
        ('customer_turns', 'distrib_worker', 'customer_id'),   -- to lock the row
        ('groups', 'distrib_worker', 'group_id')               -- to lock the row
        ) AS wanted (name, roles, words)
    LOOP
        SELECT string_agg(quote_ident(attname), ', ') INTO STRICT columns FROM pg_attribute
        WHERE attrelid = g.name::regclass AND attnum > 0 AND NOT attisdropped
          AND attname = ANY(regexp_split_to_array(g.words, '\s+'));
        EXECUTE format('GRANT UPDATE (%s) ON %I TO %s', columns, g.name, g.roles);
    END LOOP;
END $$;

-- What the web's process has to know of all programs, in figures alone: for /metrics, and which overrides of packs are
-- signed for. They run as the worker, whom row security does not bind.
CREATE FUNCTION audit_figures(OUT failed bigint, OUT oldest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*) FILTER (WHERE result::json ->> 'ok' = 'false'), min(as_of)
    FROM (SELECT DISTINCT ON (program_id) result, as_of FROM audits ORDER BY program_id, audit_no DESC) a
$$;
CREATE FUNCTION delivery_figures(OUT pending bigint, OUT disabled bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'),
        (SELECT count(*) FROM webhooks WHERE status = 'disabled' AND disabled_reason <> 'by_hand')
$$;
CREATE FUNCTION queued_orders() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*) FROM queue
$$;
CREATE FUNCTION signed_overrides() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT digest FROM policy_sign_offs
$$;
GRANT CREATE ON SCHEMA public TO distrib_worker;   -- whoever is to own a function must be able to make it
ALTER FUNCTION audit_figures() OWNER TO distrib_worker;
ALTER FUNCTION delivery_figures() OWNER TO distrib_worker;
ALTER FUNCTION queued_orders() OWNER TO distrib_worker;
ALTER FUNCTION signed_overrides() OWNER TO distrib_worker;
REVOKE CREATE ON SCHEMA public FROM distrib_worker;
REVOKE EXECUTE ON FUNCTION audit_figures(), delivery_figures(), queued_orders(), signed_overrides() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_figures(), delivery_figures(), queued_orders(), signed_overrides()
    TO distrib_web, distrib_worker;
