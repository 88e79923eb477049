-- Sessions of shop owners: the platform asks for a link, the link opens once, what it opens is the session. A row has one
-- secret at a time, as a keyed hash: the link's until it is opened, the session's since.
CREATE TABLE shop_sessions (
    program_id      integer NOT NULL REFERENCES programs,
    session_id      text COLLATE "C" NOT NULL UNIQUE,
    shop_no         bigint NOT NULL,
    secret_hmac     bytea NOT NULL,
    session_minutes integer NOT NULL CHECK (session_minutes > 0),
    made_at         timestamptz NOT NULL,
    made_by         text COLLATE "C" NOT NULL,   -- the key that asked
    opened_at       timestamptz,
    over_at         timestamptz NOT NULL,        -- until when the link opens, or the session lasts; or when it was ended
    ended_by        text COLLATE "C",            -- a key, or the session itself
    PRIMARY KEY (program_id, session_id)
);
CREATE INDEX shop_sessions_shop ON shop_sessions (program_id, shop_no, over_at);
CREATE INDEX shop_sessions_over ON shop_sessions (program_id, over_at);
GRANT SELECT, INSERT, DELETE ON shop_sessions TO distrib_web, distrib_worker;
GRANT UPDATE (secret_hmac, opened_at, over_at, ended_by) ON shop_sessions TO distrib_web, distrib_worker;
ALTER TABLE shop_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON shop_sessions TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
-- A session is looked up before its program is known: by its unguessable id alone.
CREATE POLICY by_session_id ON shop_sessions FOR SELECT TO distrib_web
    USING (session_id = current_setting('distrib.session_id', true));

-- What waits for a person's decision, by the number of its kind: written with what is asked for, gone with what is
-- decided, so that the few that wait are found among all that ever was.
CREATE TABLE undecided (
    program_id integer NOT NULL,
    kind       text COLLATE "C" NOT NULL
        CHECK (kind IN ('adjustment', 'payout', 'closing_payment', 'withdrawal', 'case')),
    subject_no bigint NOT NULL,
    PRIMARY KEY (program_id, kind, subject_no)
);
CREATE FUNCTION add_undecided_payouts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO undecided SELECT program_id, CASE selection WHEN 'closing' THEN 'closing_payment' ELSE 'payout' END,
        payout_no FROM written;
    RETURN NULL;
END $$;
CREATE FUNCTION drop_undecided_payouts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM undecided u USING written w
    WHERE u.program_id = w.program_id AND u.kind IN ('payout', 'closing_payment') AND u.subject_no = w.payout_no;
    RETURN NULL;
END $$;
CREATE FUNCTION add_undecided_adjustments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO undecided SELECT program_id, 'adjustment', adjustment_no FROM written;
    RETURN NULL;
END $$;
CREATE FUNCTION drop_undecided_adjustments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM undecided u USING written w
    WHERE u.program_id = w.program_id AND u.kind = 'adjustment' AND u.subject_no = w.adjustment_no;
    RETURN NULL;
END $$;
CREATE FUNCTION add_undecided_withdrawals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO undecided SELECT program_id, 'withdrawal', withdrawal_no FROM written;
    RETURN NULL;
END $$;
CREATE FUNCTION drop_undecided_withdrawals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM undecided u USING written w
    WHERE u.program_id = w.program_id AND u.kind = 'withdrawal' AND u.subject_no = w.withdrawal_no;
    RETURN NULL;
END $$;
CREATE FUNCTION add_undecided_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO undecided SELECT program_id, 'case', case_no FROM written;
    RETURN NULL;
END $$;
CREATE FUNCTION drop_undecided_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM undecided u USING written w
    WHERE u.program_id = w.program_id AND u.kind = 'case' AND u.subject_no = w.case_no;
    RETURN NULL;
END $$;
DO $$
DECLARE g record;
BEGIN
    FOR g IN SELECT * FROM (VALUES
        ('payouts', 'add_undecided_payouts'), ('payout_decisions', 'drop_undecided_payouts'),
        ('adjustments', 'add_undecided_adjustments'), ('adjustment_approvals', 'drop_undecided_adjustments'),
        ('withdrawals', 'add_undecided_withdrawals'), ('withdrawal_decisions', 'drop_undecided_withdrawals'),
        ('compliance_cases', 'add_undecided_cases'), ('case_decisions', 'drop_undecided_cases')) AS t (name, step)
    LOOP
        EXECUTE format('CREATE TRIGGER undecided_kept AFTER INSERT ON %I REFERENCING NEW TABLE AS written '
            'FOR EACH STATEMENT EXECUTE FUNCTION %I()', g.name, g.step);
    END LOOP;
END $$;
INSERT INTO undecided
SELECT program_id, CASE selection WHEN 'closing' THEN 'closing_payment' ELSE 'payout' END, payout_no FROM payouts p
WHERE NOT EXISTS (SELECT 1 FROM payout_decisions d WHERE d.program_id = p.program_id AND d.payout_no = p.payout_no)
UNION ALL
SELECT program_id, 'adjustment', adjustment_no FROM adjustments a WHERE NOT EXISTS (
    SELECT 1 FROM adjustment_approvals d WHERE d.program_id = a.program_id AND d.adjustment_no = a.adjustment_no)
UNION ALL
SELECT program_id, 'withdrawal', withdrawal_no FROM withdrawals w WHERE NOT EXISTS (
    SELECT 1 FROM withdrawal_decisions d WHERE d.program_id = w.program_id AND d.withdrawal_no = w.withdrawal_no)
UNION ALL
SELECT program_id, 'case', case_no FROM compliance_cases c
WHERE NOT EXISTS (SELECT 1 FROM case_decisions d WHERE d.program_id = c.program_id AND d.case_no = c.case_no);
GRANT SELECT, INSERT, DELETE ON undecided TO distrib_web, distrib_worker;
ALTER TABLE undecided ENABLE ROW LEVEL SECURITY;
ALTER TABLE undecided FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON undecided TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
CREATE INDEX open_changes_kind ON open_changes (program_id, kind, change_no);
CREATE INDEX api_keys_awaiting ON api_keys (program_id, created_at) WHERE is_awaiting AND revoked_at IS NULL;
CREATE INDEX shops_pending ON shops (program_id, status_since, shop_no) WHERE status = 'pending';
CREATE INDEX compliance_findings_recent ON compliance_findings (program_id, found_at) WHERE severity <> 'info';

-- Events of a type, and of a time by that of every type: one index for both. What waits or failed by its code.
CREATE INDEX events_received ON events (program_id, type, received_at, event_no);
CREATE INDEX event_outcomes_code ON event_outcomes (program_id, code, event_no) WHERE status <> 'done';

-- Messages of what waits for a person, whoever writes it; only where a live endpoint wants them.
CREATE FUNCTION is_told(program integer, kind text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM webhooks w
                   WHERE w.program_id = program AND w.status = 'enabled' AND kind = ANY (w.events))
$$;
CREATE FUNCTION as_instant(instant timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
CREATE FUNCTION tell_close_proposals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (program_id, type, occurred_at, payload)
    SELECT c.program_id, 'close.proposed', c.proposed_at, json_build_object(
        'period', to_char(c.period / 100, 'FM0000') || '-' || to_char(c.period % 100, 'FM00'), 'shops', c.shops,
        'totals', c.totals::json, 'digest', c.digest, 'proposed_by', c.proposed_by,
        'cut_off_at', as_instant(c.cut_off_at))::text
    FROM written c WHERE is_told(c.program_id, 'close.proposed');
    RETURN NULL;
END $$;
CREATE FUNCTION tell_adjustments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (program_id, type, occurred_at, payload)
    SELECT a.program_id, 'adjustment.proposed', a.proposed_at, json_build_object(
        'adjustment_id', a.adjustment_id, 'shop_id', s.shop_id, 'amount_minor', a.amount_minor,
        'currency', p.currency, 'proposed_by', a.proposed_by)::text
    FROM written a JOIN shops s USING (program_id, shop_no) JOIN programs p USING (program_id)
    WHERE is_told(a.program_id, 'adjustment.proposed');
    RETURN NULL;
END $$;
CREATE FUNCTION tell_withdrawals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (program_id, type, occurred_at, payload)
    SELECT w.program_id, 'withdrawal.requested', w.requested_at, json_build_object(
        'withdrawal_id', w.withdrawal_id, 'shop_id', s.shop_id, 'amount_minor', w.amount_minor,
        'fee_minor', w.fee_minor, 'currency', p.currency)::text
    FROM written w JOIN shops s USING (program_id, shop_no) JOIN programs p USING (program_id)
    WHERE is_told(w.program_id, 'withdrawal.requested');
    RETURN NULL;
END $$;
-- A registration writes the shop and its status in one statement, and no trigger sees the shop before its end: this one
-- runs then.
CREATE FUNCTION tell_pending_shops() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (program_id, type, occurred_at, payload)
    SELECT h.program_id, 'shop.pending', h.recorded_at,
        json_build_object('shop_id', s.shop_id, 'since', as_instant(h.effective_at))::text
    FROM written h JOIN shops s USING (program_id, shop_no)
    WHERE h.status = 'pending' AND is_told(h.program_id, 'shop.pending') ORDER BY h.program_id, h.shop_no;
    RETURN NULL;
END $$;
CREATE FUNCTION tell_findings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (program_id, type, occurred_at, payload)
    SELECT f.program_id, 'finding.opened', f.found_at, json_build_object(
        'finding_no', f.finding_no, 'id', f.id, 'severity', f.severity, 'subject', f.subject, 'figure', f.figure,
        'threshold', f.threshold, 'source', f.source, 'action', f.action)::text
    FROM written f WHERE f.severity <> 'info' AND is_told(f.program_id, 'finding.opened') ORDER BY f.finding_no;
    RETURN NULL;
END $$;
DO $$
DECLARE g record;
BEGIN
    FOR g IN SELECT * FROM (VALUES
        ('close_proposals', 'tell_close_proposals'), ('adjustments', 'tell_adjustments'),
        ('withdrawals', 'tell_withdrawals'), ('shop_statuses', 'tell_pending_shops'),
        ('compliance_findings', 'tell_findings')) AS t (name, step)
    LOOP
        EXECUTE format('CREATE TRIGGER told AFTER INSERT ON %I REFERENCING NEW TABLE AS written '
            'FOR EACH STATEMENT EXECUTE FUNCTION %I()', g.name, g.step);
    END LOOP;
END $$;

-- Visits of invite links, by shop, day (of the program's time zone) and source; how often each visitor came is not kept.
CREATE TABLE visits (
    program_id integer NOT NULL,
    shop_no    bigint NOT NULL,
    day        date NOT NULL,
    source     text COLLATE "C" NOT NULL,
    visits     bigint NOT NULL CHECK (visits > 0),
    PRIMARY KEY (program_id, shop_no, day, source)
);
-- The same of all shops of a program, in several rows a day so that visitors do not wait for one another.
CREATE TABLE visit_days (
    program_id integer NOT NULL,
    day        date NOT NULL,
    source     text COLLATE "C" NOT NULL,
    slot       smallint NOT NULL,
    visits     bigint NOT NULL CHECK (visits > 0),
    PRIMARY KEY (program_id, day, source, slot)
);
-- Who has been counted today: a digest under a salt of the day. Both are gone when the day is over.
CREATE TABLE visit_salts (
    program_id integer NOT NULL,
    day        date NOT NULL,
    salt       bytea NOT NULL,
    PRIMARY KEY (program_id, day)
);
CREATE TABLE visitors (
    program_id integer NOT NULL,
    day        date NOT NULL,
    shop_no    bigint NOT NULL,
    digest     bytea NOT NULL,
    PRIMARY KEY (program_id, day, shop_no, digest)
);
GRANT SELECT, INSERT ON visits, visit_days, visit_salts, visitors TO distrib_web, distrib_worker;
GRANT UPDATE (visits) ON visits, visit_days TO distrib_web, distrib_worker;
GRANT DELETE ON visit_salts, visitors TO distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['visits', 'visit_days', 'visit_salts', 'visitors']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;

-- What the funnel shows of a program's days and months, worked out once they are over; of the month that runs, every day.
CREATE TABLE funnel_spans (
    program_id    integer NOT NULL,
    grain         text COLLATE "C" NOT NULL CHECK (grain IN ('day', 'month')),
    starts_on     date NOT NULL,                 -- in the program's time zone
    registrations bigint NOT NULL,
    sharing_shops bigint NOT NULL,
    shops         bigint NOT NULL,
    orders        bigint NOT NULL,
    sales_minor   bigint NOT NULL,
    buyers        bigint NOT NULL,
    repeat_buyers bigint NOT NULL,
    first_orders  bigint NOT NULL,
    as_of         timestamptz NOT NULL,
    PRIMARY KEY (program_id, grain, starts_on)
);
GRANT SELECT ON funnel_spans TO distrib_web;
GRANT SELECT, INSERT ON funnel_spans TO distrib_worker;
GRANT UPDATE (registrations, sharing_shops, shops, orders, sales_minor, buyers, repeat_buyers, first_orders, as_of)
    ON funnel_spans TO distrib_worker;
ALTER TABLE funnel_spans ENABLE ROW LEVEL SECURITY;
ALTER TABLE funnel_spans FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON funnel_spans TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
-- Settlements come about in the order of their time: a range of it is a range of pages.
CREATE INDEX shops_joined_below ON shops (program_id, joined_at) WHERE sponsor_no IS NOT NULL;
