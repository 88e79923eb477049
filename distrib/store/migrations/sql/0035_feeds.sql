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
