-- What whoever runs the service allows a program (key_id '') or one of its keys; NULL: as the settings say.
CREATE TABLE call_limits (
    program_id       integer NOT NULL REFERENCES programs,
    key_id           text COLLATE "C" NOT NULL DEFAULT '',
    calls_per_minute integer CHECK (calls_per_minute > 0),
    waiting_orders   bigint CHECK (waiting_orders > 0 AND (key_id = '' OR waiting_orders IS NULL)),
    waiting_bytes    bigint CHECK (waiting_bytes > 0 AND (key_id = '' OR waiting_bytes IS NULL)),
    set_at           timestamptz NOT NULL,
    PRIMARY KEY (program_id, key_id)
);
-- The programs' own admins may not raise what bounds them: the web role reads only.
GRANT SELECT ON call_limits TO distrib_web;
GRANT SELECT, INSERT ON call_limits TO distrib_worker;
GRANT UPDATE (calls_per_minute, waiting_orders, waiting_bytes, set_at) ON call_limits TO distrib_worker;
ALTER TABLE call_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE call_limits FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON call_limits TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);

-- Keys whose posts of events must be signed (Standard Webhooks), each with its secret, sealed, and the one before.
CREATE TABLE key_signing (
    program_id       integer NOT NULL,
    key_id           text COLLATE "C" NOT NULL,
    secret           bytea,                        -- NULL: signing has ended
    former_secret    bytea,
    former_until     timestamptz,
    set_at           timestamptz NOT NULL,
    PRIMARY KEY (program_id, key_id),
    FOREIGN KEY (program_id, key_id) REFERENCES api_keys
);
GRANT SELECT, INSERT ON key_signing TO distrib_web, distrib_worker;
GRANT UPDATE (secret, former_secret, former_until, set_at) ON key_signing TO distrib_web, distrib_worker;
ALTER TABLE key_signing ENABLE ROW LEVEL SECURITY;
ALTER TABLE key_signing FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON key_signing TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
-- With the key itself, which is read at every call; a post of such a key alone asks for the secrets.
ALTER TABLE api_keys ADD COLUMN is_signed boolean NOT NULL DEFAULT false;
GRANT UPDATE (is_signed) ON api_keys TO distrib_web, distrib_worker;
