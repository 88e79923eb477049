-- What keys of finance and admin, and commands, changed or read of people: a row a call, in the transaction of the change.
-- No row is left out, moved or changed without breaking what follows it: each has the next number of its program, and a
-- digest that takes in the digest of the row before.
ALTER TABLE programs ADD COLUMN trail_since timestamptz NOT NULL DEFAULT '-infinity';  -- what was done before has no row
UPDATE programs SET trail_since = now();
CREATE TABLE trail (
    program_id  integer NOT NULL,
    trail_no    bigint NOT NULL,
    recorded_at timestamptz NOT NULL,           -- never before that of the row before
    actor       text COLLATE "C" NOT NULL,      -- the key, or `cli`
    owner       text COLLATE "C" NOT NULL,      -- the person or machine behind it
    role        text COLLATE "C" NOT NULL,
    os_user     text,                           -- who typed a command
    request_id  text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('changed', 'read')),
    operation   text COLLATE "C" NOT NULL,
    subject     text COLLATE "C",
    shop_id     text COLLATE "C",
    sent        text,                           -- JSON, as the two below; what is secret or personal as a keyed digest
    before      text,
    after       text,
    digest      bytea NOT NULL,
    PRIMARY KEY (program_id, trail_no)
);
CREATE INDEX trail_time ON trail (program_id, recorded_at, trail_no);
CREATE INDEX trail_actor ON trail (program_id, actor, trail_no);
CREATE INDEX trail_operation ON trail (program_id, operation, trail_no);
CREATE INDEX trail_subject ON trail (program_id, subject, trail_no) WHERE subject IS NOT NULL;
CREATE INDEX trail_shop ON trail (program_id, shop_id, trail_no) WHERE shop_id IS NOT NULL;

-- The SHA-256 of a JSON array, as docs/security.md describes it: anybody can recompute it from an export.
CREATE FUNCTION trail_digest(previous bytea, r trail) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(json_build_array(encode(previous, 'hex'), r.trail_no,
        (extract(epoch FROM r.recorded_at) * 1000000)::bigint, r.actor, r.owner, r.role, r.os_user, r.request_id,
        r.kind, r.operation, r.subject, r.shop_id, r.sent, r.before, r.after)::text, 'UTF8'))
$$;
-- Who inserts waits for who inserted before, up to its commit: a row is the last thing that a transaction writes.
CREATE FUNCTION continue_trail() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(7145235, NEW.program_id);
    SELECT t.trail_no, t.recorded_at, t.digest INTO last FROM trail t
    WHERE t.program_id = NEW.program_id ORDER BY t.trail_no DESC LIMIT 1;
    NEW.trail_no := COALESCE(last.trail_no, 0) + 1;
    NEW.recorded_at := GREATEST(NEW.recorded_at, last.recorded_at);
    NEW.digest := trail_digest(last.digest, NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER continues BEFORE INSERT ON trail FOR EACH ROW EXECUTE FUNCTION continue_trail();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON trail
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON trail TO distrib_web, distrib_worker;
ALTER TABLE trail ENABLE ROW LEVEL SECURITY;
ALTER TABLE trail FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON trail TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
