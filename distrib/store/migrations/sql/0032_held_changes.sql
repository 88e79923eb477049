-- Changes of where money goes that one person asked for: they wait their days, or a second person approves them. Until
-- then what was in force stays so. An open one is the newest of its subject; another one replaces it.
ALTER TABLE programs ADD COLUMN payee_hold_days integer NOT NULL DEFAULT 3 CHECK (payee_hold_days BETWEEN 0 AND 90);
GRANT UPDATE (payee_hold_days) ON programs TO distrib_web, distrib_worker;
CREATE TABLE held_changes (
    program_id  integer NOT NULL,
    change_no   bigint GENERATED ALWAYS AS IDENTITY,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('payee', 'webhook', 'program')),
    subject_no  bigint NOT NULL,              -- the shop's or the webhook's number; 0: the program
    fields      text[] COLLATE "C" NOT NULL,  -- what is to be another
    proposed_at timestamptz NOT NULL,
    proposed_by text COLLATE "C" NOT NULL,
    due_at      timestamptz NOT NULL CHECK (due_at >= proposed_at),
    PRIMARY KEY (program_id, change_no)
);
CREATE INDEX held_changes_subject ON held_changes (program_id, kind, subject_no, change_no);
CREATE TABLE held_change_ends (
    program_id  integer NOT NULL,
    change_no   bigint NOT NULL,
    outcome     text COLLATE "C" NOT NULL
        CHECK (outcome IN ('approved', 'due', 'cancelled', 'replaced', 'erased', 'proposer_revoked', 'refused')),
    ended_at    timestamptz NOT NULL,
    ended_by    text COLLATE "C" NOT NULL,    -- a key, `cli`, or `clock`
    payee_version integer,                    -- of a payee: the version that came into force
    PRIMARY KEY (program_id, change_no)
);
-- What the open ones are to be, sealed; gone with their end, so that nothing personal stays.
CREATE TABLE open_changes (
    program_id  integer NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    subject_no  bigint NOT NULL,
    change_no   bigint NOT NULL,
    due_at      timestamptz NOT NULL,
    content     bytea NOT NULL,
    PRIMARY KEY (program_id, kind, subject_no)
);
CREATE INDEX open_changes_due ON open_changes (due_at);
GRANT SELECT, INSERT ON held_changes, held_change_ends TO distrib_web, distrib_worker;
GRANT SELECT, INSERT, DELETE ON open_changes TO distrib_web, distrib_worker;
GRANT UPDATE (content) ON open_changes TO distrib_worker;   -- sealed anew
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['held_changes', 'held_change_ends', 'open_changes']
    LOOP
        IF t <> 'open_changes' THEN
            EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        END IF;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
