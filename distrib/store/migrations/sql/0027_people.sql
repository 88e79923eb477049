-- Whose a key is, who made it, how far it reaches, until when, and from when it may confirm money.
ALTER TABLE api_keys
    ADD COLUMN owner text COLLATE "C",             -- NULL: nobody was named; the name stands for the owner
    ADD COLUMN made_by text COLLATE "C",           -- a key, or cli; NULL: made before this was kept
    ADD COLUMN ended_by text COLLATE "C",
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN scopes text[] CHECK (cardinality(scopes) > 0),   -- NULL: all that the role may
    ADD COLUMN last_used_at timestamptz,           -- to the minute
    ADD COLUMN old_secret_hmac bytea,              -- while a rotation is under way, good until old_secret_ends_at
    ADD COLUMN old_secret_ends_at timestamptz,
    ADD COLUMN is_awaiting boolean NOT NULL DEFAULT false,      -- may not confirm money until approved, or until:
    ADD COLUMN confirms_from timestamptz,
    ADD COLUMN approved_by text COLLATE "C",
    ADD COLUMN approved_at timestamptz,
    ADD CHECK ((old_secret_hmac IS NULL) = (old_secret_ends_at IS NULL)),
    ADD CHECK ((approved_by IS NULL) = (approved_at IS NULL));

-- Whose a key ever was and who had it in hand, one row a change: what tells whether two keys are of one person. Keys of
-- before have no row, and nobody is known to have made them.
CREATE TABLE key_changes (
    program_id   integer NOT NULL,
    key_id       text COLLATE "C" NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    change       text NOT NULL
        CHECK (change IN ('made', 'set', 'rotated', 'rotation_finished', 'approved', 'ended')),
    changed_at   timestamptz NOT NULL,
    changed_by   text COLLATE "C" NOT NULL,
    owner        text COLLATE "C",
    scopes       text[],
    expires_at   timestamptz,
    PRIMARY KEY (program_id, key_id, seq)
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON key_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON key_changes TO distrib_web, distrib_worker;
ALTER TABLE key_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE key_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON key_changes TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);

-- How a key that was made over HTTP comes to confirm money.
ALTER TABLE programs
    ADD COLUMN key_approval text NOT NULL DEFAULT 'wait' CHECK (key_approval IN ('wait', 'second_admin')),
    ADD COLUMN key_wait_hours integer NOT NULL DEFAULT 24 CHECK (key_wait_hours BETWEEN 0 AND 720);

-- An answer belongs to whoever got it. Those of before say not whose they are: they answer whoever asks, as they did.
ALTER TABLE idempotency_keys
    ADD COLUMN key_id text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN owner text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE idempotency_keys
    DROP CONSTRAINT idempotency_keys_pkey,
    ADD PRIMARY KEY (program_id, route, key, key_id);
