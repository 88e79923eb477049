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
