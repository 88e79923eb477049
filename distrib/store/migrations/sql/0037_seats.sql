-- People who sign in. A person belongs to no program; a seat, which is a key that nobody can present, lets it into one.
CREATE TABLE people (
    person_no     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login         text COLLATE "C" NOT NULL UNIQUE,   -- small letters; the owner of the person's keys
    name          text NOT NULL,
    password_hash text COLLATE "C" NOT NULL,          -- Argon2id
    must_change   boolean NOT NULL DEFAULT false,     -- the password was chosen by somebody else
    language      text CHECK (language IN ('en', 'zh')),
    preferences   text NOT NULL DEFAULT '{}',          -- columns and density of lists, as JSON
    made_at       timestamptz NOT NULL,
    ended_at      timestamptz
);

CREATE TABLE person_sessions (
    session_hash  bytea PRIMARY KEY,
    person_no     bigint NOT NULL REFERENCES people,
    device        text NOT NULL,
    began_at      timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL,               -- to the minute
    ends_at       timestamptz NOT NULL,
    ended_at      timestamptz
);
CREATE INDEX person_sessions_person ON person_sessions (person_no, began_at DESC);

-- A seat: what its person may in the program; made, ended and told of in the trail as any key is.
ALTER TABLE api_keys
    ADD COLUMN person_no bigint REFERENCES people,
    DROP CONSTRAINT api_keys_role_check,
    ADD CHECK (role IN ('partner', 'orders', 'finance', 'admin')
               OR (person_no IS NOT NULL AND role IN ('operations', 'compliance', 'viewer'))),
    ADD CHECK (person_no IS NULL OR shop_no IS NULL);
CREATE INDEX api_keys_person ON api_keys (person_no) WHERE person_no IS NOT NULL;

GRANT SELECT, INSERT ON people, person_sessions TO distrib_web, distrib_worker;
GRANT UPDATE (password_hash, must_change, language, preferences, name) ON people TO distrib_web, distrib_worker;
GRANT UPDATE (ended_at) ON people TO distrib_worker;
GRANT UPDATE (seen_at, ended_at) ON person_sessions TO distrib_web, distrib_worker;
GRANT USAGE ON SEQUENCE people_person_no_seq TO distrib_web, distrib_worker;

-- The web sees the one person whose login or session is named, and the sessions and seats of the person that is in.
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
ALTER TABLE people FORCE ROW LEVEL SECURITY;
CREATE POLICY by_person ON people TO distrib_web
    USING (person_no = NULLIF(current_setting('distrib.person_no', true), '')::bigint);
CREATE POLICY by_login ON people FOR SELECT TO distrib_web
    USING (login = current_setting('distrib.login', true));
CREATE POLICY made ON people FOR INSERT TO distrib_web WITH CHECK (true);
ALTER TABLE person_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY by_person ON person_sessions TO distrib_web
    USING (person_no = NULLIF(current_setting('distrib.person_no', true), '')::bigint);
CREATE POLICY by_session ON person_sessions FOR SELECT TO distrib_web
    USING (session_hash = decode(current_setting('distrib.session', true), 'hex'));
CREATE POLICY by_person ON api_keys FOR SELECT TO distrib_web
    USING (person_no = NULLIF(current_setting('distrib.person_no', true), '')::bigint);
CREATE POLICY by_seat ON programs FOR SELECT TO distrib_web
    USING (NULLIF(current_setting('distrib.person_no', true), '') IS NOT NULL AND program_id IN (
        SELECT k.program_id FROM api_keys k
        WHERE k.person_no = NULLIF(current_setting('distrib.person_no', true), '')::bigint));
