-- The first schema. The program is the first column of every key; ids of callers are COLLATE "C".
-- Money is bigint minor units. What is history has no UPDATE and no DELETE: see the end of this file.

CREATE SEQUENCE cause_no_seq AS bigint;   -- orders now; payouts, adjustments and pools later: one number names a cause
CREATE SEQUENCE event_no_seq AS bigint;
CREATE SEQUENCE shop_no_seq AS bigint;

CREATE TABLE programs (
    program_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text COLLATE "C" NOT NULL UNIQUE,
    currency     text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    time_zone    text NOT NULL,
    policy       text NOT NULL,
    admission    text NOT NULL DEFAULT 'open' CHECK (admission IN ('open', 'invite', 'review')),
    identity_required boolean NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL
);

CREATE TABLE api_keys (
    program_id   integer NOT NULL REFERENCES programs,
    key_id       text COLLATE "C" NOT NULL UNIQUE,
    name         text NOT NULL,
    role         text NOT NULL CHECK (role IN ('partner', 'orders', 'finance', 'admin')),
    shop_no      bigint,
    secret_hmac  bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    PRIMARY KEY (program_id, key_id)
);

-- Answers to posts that carry no id of the caller's; kept for ever.
CREATE TABLE idempotency_keys (
    program_id   integer NOT NULL,
    route        text NOT NULL,
    key          text COLLATE "C" NOT NULL,
    digest       bytea NOT NULL,
    status       smallint NOT NULL,
    body         text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, route, key)
);

-- Plans: a document is a row, publishing it is another row.
CREATE TABLE plan_versions (
    program_id   integer NOT NULL,
    version_no   integer NOT NULL,            -- counts all versions of the program
    code         text COLLATE "C" NOT NULL,
    version      integer NOT NULL,            -- counts the versions of the code
    document     text NOT NULL,               -- canonical JSON
    digest       bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    created_by   text NOT NULL,
    PRIMARY KEY (program_id, version_no),
    UNIQUE (program_id, code, version)
);
CREATE TABLE plan_publications (
    program_id     integer NOT NULL,
    version_no     integer NOT NULL,
    effective_from timestamptz NOT NULL,
    published_at   timestamptz NOT NULL,
    published_by   text NOT NULL,
    signed_off_by  text,
    PRIMARY KEY (program_id, version_no),
    UNIQUE (program_id, effective_from)
);

-- Shops. The row carries the newest state for quick reads; the truth with its dates is in the
-- three histories below. `uplines` holds the nine nearest, nearest first.
CREATE TABLE shops (
    program_id      integer NOT NULL,
    shop_no         bigint NOT NULL DEFAULT nextval('shop_no_seq'),
    shop_id         text COLLATE "C" NOT NULL,
    digest          bytea NOT NULL,           -- of the registration as first sent
    name            text,
    attributes      text,                     -- JSON as sent
    identity_hash   bytea,
    invite_code     text COLLATE "C" NOT NULL,
    sponsor_no      bigint,
    introduced_by_no bigint,                  -- who brought a detached shop in; carries no pay
    uplines         bigint[] NOT NULL,
    level           integer NOT NULL CHECK (level >= 1),
    chain_since     timestamptz NOT NULL,     -- `uplines` holds for orders paid from then on
    joined_at       timestamptz NOT NULL,
    status          text NOT NULL CHECK (status IN ('pending', 'active', 'frozen', 'closed')),
    status_since    timestamptz NOT NULL,
    rank            text,                     -- NULL: the plan's lowest
    rank_since      timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (program_id, shop_no),
    UNIQUE (program_id, shop_id),
    UNIQUE (program_id, invite_code),
    CHECK (sponsor_no <> shop_no)
);
CREATE UNIQUE INDEX shops_identity ON shops (program_id, identity_hash) WHERE identity_hash IS NOT NULL;
CREATE INDEX shops_sponsor ON shops (program_id, sponsor_no, shop_no) WHERE sponsor_no IS NOT NULL;

CREATE TABLE referrals (
    program_id   integer NOT NULL,
    shop_no      bigint NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    effective_at timestamptz NOT NULL,
    sponsor_no   bigint,
    reason       text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, shop_no, effective_at, seq)
);
CREATE INDEX referrals_sponsor ON referrals (program_id, sponsor_no) WHERE sponsor_no IS NOT NULL;
CREATE TABLE shop_statuses (
    program_id   integer NOT NULL,
    shop_no      bigint NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    effective_at timestamptz NOT NULL,
    status       text NOT NULL CHECK (status IN ('pending', 'active', 'frozen', 'closed')),
    reason       text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, shop_no, effective_at, seq)
);
CREATE TABLE shop_ranks (
    program_id   integer NOT NULL,
    shop_no      bigint NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    effective_at timestamptz NOT NULL,
    rank         text,                        -- NULL clears a rank set by hand
    cause        text NOT NULL CHECK (cause IN ('hand', 'floor', 'promotion', 'evaluation', 'plan')),
    reason       text NOT NULL,               -- words, or JSON with the figures that decided
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, shop_no, effective_at, seq)
);

-- The inbox. `orders` is the head of an order, `queue` says which orders have work and is the
-- lock that keeps one order in one hand; `event_outcomes` says what became of an event.
CREATE TABLE orders (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL DEFAULT nextval('cause_no_seq'),
    order_id     text COLLATE "C" NOT NULL,
    PRIMARY KEY (program_id, order_no),
    UNIQUE (program_id, order_id)
);
CREATE TABLE events (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    event_no     bigint NOT NULL DEFAULT nextval('event_no_seq'),
    event_id     text COLLATE "C" NOT NULL,
    type         text COLLATE "C" NOT NULL,
    occurred_at  timestamptz NOT NULL,
    day          date NOT NULL,               -- of occurred_at in the program's time zone
    received_at  timestamptz NOT NULL,
    digest       bytea NOT NULL,
    payload      text NOT NULL,               -- canonical JSON of the event
    PRIMARY KEY (program_id, order_no, event_no),
    UNIQUE (program_id, event_id)
);
CREATE TABLE event_outcomes (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    event_no     bigint NOT NULL,
    status       text COLLATE "C" NOT NULL CHECK (status IN ('pending', 'waiting', 'done', 'failed')),
    code         text COLLATE "C",            -- why waiting or failed, or a remark on what is done
    params       text,                        -- JSON: what fills the braces of the code's text
    waits_for    text COLLATE "C",            -- 'order' or 'shop:ID'
    attempts     integer NOT NULL,
    done_at      timestamptz,
    PRIMARY KEY (program_id, order_no, event_no)
);
CREATE INDEX event_outcomes_open ON event_outcomes (program_id, status, event_no) WHERE status <> 'done';
CREATE TABLE queue (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    day          date NOT NULL,               -- of the earliest event that is to be worked on
    bytes        bigint NOT NULL DEFAULT 0,   -- about how much its events weigh: bounds a batch
    PRIMARY KEY (program_id, order_no)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queue_day ON queue (program_id, day, order_no);

-- What an order became when it was first worked on; refunds and explanations start from here.
CREATE TABLE settlements (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    event_no     bigint NOT NULL,
    version_no   integer,                     -- NULL where nobody could earn
    seller_no    bigint,
    settled_at   timestamptz NOT NULL,
    paid_at      timestamptz NOT NULL,
    paid_minor   bigint NOT NULL CHECK (paid_minor >= 0),
    sales_minor  bigint NOT NULL CHECK (sales_minor >= 0),   -- what counts for ranks: no entry lines, no purchase from oneself
    customer_id  text COLLATE "C",
    snapshot     text NOT NULL,
    PRIMARY KEY (program_id, order_no)
);
CREATE INDEX settlements_seller ON settlements (program_id, seller_no, settled_at) WHERE seller_no IS NOT NULL;
CREATE TABLE refund_lines (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    refund_id    text COLLATE "C" NOT NULL,
    line_id      text COLLATE "C" NOT NULL,
    event_no     bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    sales_minor  bigint NOT NULL CHECK (sales_minor >= 0),
    seller_no    bigint,                      -- of the order, with its time of settlement: windows count sales
    sold_at      timestamptz NOT NULL,
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, order_no, refund_id, line_id)
);
CREATE INDEX refund_lines_seller ON refund_lines (program_id, seller_no, sold_at) WHERE seller_no IS NOT NULL;

-- The ledger: one row is one transfer, balanced by construction. Accounts above zero are the
-- payable account of the shop of that number; below zero stand the program's own accounts.
CREATE TYPE transfer_kind AS ENUM ('earned', 'reversed', 'pool', 'adjusted', 'paid', 'tax');
CREATE TABLE transfers (
    program_id     integer NOT NULL,
    cause_no       bigint NOT NULL,
    seq            integer NOT NULL,
    debit_account  bigint NOT NULL,
    credit_account bigint NOT NULL CHECK (credit_account <> debit_account),
    amount_minor   bigint NOT NULL CHECK (amount_minor > 0 AND amount_minor <= 1000000000000000),
    kind           transfer_kind NOT NULL,
    event_no       bigint,
    tier           smallint,
    base_minor     bigint,
    rate_ppm       integer,
    version_no     integer,
    occurred_at    timestamptz NOT NULL,
    available_at   timestamptz NOT NULL,
    period         integer NOT NULL,          -- 202603, program's time zone
    belongs_to_period integer,                -- set where a late fact counts in a later period
    reverses_seq   integer,
    line_id        text COLLATE "C",
    rule_id        text COLLATE "C",
    shop_no        bigint GENERATED ALWAYS AS (GREATEST(debit_account, credit_account)) STORED,
    PRIMARY KEY (program_id, cause_no, seq)
);
CREATE INDEX transfers_shop ON transfers (program_id, shop_no, cause_no, seq);
CREATE INDEX transfers_available ON transfers USING brin (available_at);

-- Running totals per account and month, one upsert per batch; `version` counts the batches.
CREATE TABLE account_months (
    program_id     integer NOT NULL,
    account_no     bigint NOT NULL,
    period         integer NOT NULL,
    earned_minor   bigint NOT NULL DEFAULT 0,
    reversed_minor bigint NOT NULL DEFAULT 0, -- zero or negative
    adjusted_minor bigint NOT NULL DEFAULT 0,
    paid_minor     bigint NOT NULL DEFAULT 0,
    tax_minor      bigint NOT NULL DEFAULT 0,
    orders         bigint NOT NULL DEFAULT 0,
    refunds        bigint NOT NULL DEFAULT 0,
    version        bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (program_id, account_no, period)
) WITH (fillfactor = 70);
CREATE INDEX account_months_period ON account_months (program_id, period, account_no);

-- Shops whose promotion is to be looked at once the day is over.
CREATE TABLE rank_signals (
    program_id   integer NOT NULL,
    day          date NOT NULL,
    shop_no      bigint NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (program_id, day, shop_no, at)
);

CREATE TABLE audits (
    program_id   integer NOT NULL,
    audit_no     bigint GENERATED ALWAYS AS IDENTITY,
    as_of        timestamptz NOT NULL,
    result       text NOT NULL,
    PRIMARY KEY (program_id, audit_no)
);
CREATE TABLE audit_requests (
    program_id   integer PRIMARY KEY,
    requested_at timestamptz NOT NULL
);

-- History only grows, and the database itself says so.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is history: it only grows', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_publications FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON referrals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON shop_statuses FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON shop_ranks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON settlements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON refund_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audits FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON idempotency_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Roles: the web sees one program at a time, by row; workers serve all programs and own nothing.
-- Roles belong to the whole server, so two databases may meet here at once.
DO $$
BEGIN
    -- Made beforehand where the owner may not make them: asked first, for the right is looked at before the name.
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'distrib_web') THEN
            CREATE ROLE distrib_web NOLOGIN NOINHERIT;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'distrib_worker') THEN
            CREATE ROLE distrib_worker NOLOGIN NOINHERIT BYPASSRLS;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        OR NOT (pg_has_role('distrib_web', 'USAGE') AND pg_has_role('distrib_worker', 'USAGE')) THEN
        EXECUTE format('GRANT distrib_web, distrib_worker TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation OR SQLSTATE 'XX000' THEN NULL;   -- two grants of the same membership at once
END $$;
GRANT USAGE ON SCHEMA public TO distrib_web, distrib_worker;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO distrib_web, distrib_worker;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO distrib_web, distrib_worker;
GRANT UPDATE ON programs, api_keys, shops, event_outcomes, queue, account_months, rank_signals, audit_requests
    TO distrib_web, distrib_worker;
GRANT DELETE ON queue, rank_signals, audit_requests TO distrib_web, distrib_worker;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['api_keys', 'idempotency_keys', 'plan_versions', 'plan_publications', 'shops', 'referrals',
        'shop_statuses', 'shop_ranks', 'orders', 'events', 'event_outcomes', 'queue', 'settlements', 'refund_lines',
        'transfers', 'account_months', 'rank_signals', 'audits', 'audit_requests']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
-- A key is looked up before its program is known: by its unguessable id alone.
CREATE POLICY by_key_id ON api_keys FOR SELECT TO distrib_web
    USING (key_id = current_setting('distrib.key_id', true));
