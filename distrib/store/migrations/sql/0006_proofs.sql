-- Every statement that posts has a number of its own, drawn before its first row is written; with it goes one change of
-- each running total that it moves (account_months.version). Who posts holds a shared lock from before the number is
-- drawn until the transaction is over, so that whoever knows the number of an instant, and has seen those go who posted
-- then, knows that no row with that number or a lower one can still come (docs/ledger.md).
-- A number of ours and not the transaction's: it lives on in a dump that is restored elsewhere.
CREATE SEQUENCE posting_no_seq AS bigint;
ALTER TABLE transfers ADD COLUMN posting_no bigint NOT NULL DEFAULT 0;  -- 0: posted before there were numbers
ALTER TABLE transfers ALTER COLUMN posting_no SET DEFAULT current_setting('distrib.posting_no')::bigint;
CREATE FUNCTION number_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7145228, 0);
    PERFORM set_config('distrib.posting_no', nextval('posting_no_seq')::text, true);
    RETURN NULL;
END $$;
CREATE TRIGGER numbered BEFORE INSERT ON transfers FOR EACH STATEMENT EXECUTE FUNCTION number_posting();
CREATE INDEX transfers_posting ON transfers USING brin (posting_no) WITH (pages_per_range = 32, autosummarize = on);

-- The chain: each seal covers the postings after those of the seal before it, and its digest takes that one's in.
CREATE TABLE seals (
    program_id      integer NOT NULL,
    seal_no         integer NOT NULL CHECK (seal_no > 0),
    after_posting   bigint NOT NULL,
    through_posting bigint NOT NULL CHECK (through_posting >= after_posting),
    transfers       bigint NOT NULL CHECK (transfers > 0),
    total_minor     numeric(40, 0) NOT NULL,
    previous_digest bytea,
    digest          bytea NOT NULL,
    sealed_at       timestamptz NOT NULL,
    PRIMARY KEY (program_id, seal_no)
);

-- What is told to others is written with what it tells of, in one transaction; webhooks are delivered from here.
-- Deliveries and their attempts are tables of their own; a row here never changes.
CREATE TABLE outbox (
    program_id   integer NOT NULL,
    message_no   bigint GENERATED ALWAYS AS IDENTITY,
    type         text COLLATE "C" NOT NULL,   -- commission.earned, commission.reversed, rank.changed, statement.closed, payout.settled
    occurred_at  timestamptz NOT NULL,
    payload      text NOT NULL,               -- JSON of the message's data
    PRIMARY KEY (program_id, message_no)
);
CREATE TABLE webhooks (
    program_id      integer NOT NULL,
    webhook_no      bigint GENERATED ALWAYS AS IDENTITY,
    webhook_id      text COLLATE "C" NOT NULL,
    digest          bytea NOT NULL,           -- of the registration as first sent
    url             text NOT NULL,
    events          text[] COLLATE "C" NOT NULL,
    status          text COLLATE "C" NOT NULL CHECK (status IN ('enabled', 'disabled', 'ended')),
    disabled_reason text COLLATE "C" CHECK (disabled_reason IN ('by_hand', 'gone', 'lasting_failure')),
    status_since    timestamptz NOT NULL,
    secret          bytea NOT NULL,           -- sealed
    former_secret   bytea,                    -- sealed; signs beside the new one for a while after a rotation
    former_until    timestamptz,
    created_at      timestamptz NOT NULL,
    created_by      text NOT NULL,
    PRIMARY KEY (program_id, webhook_no),
    UNIQUE (program_id, webhook_id)
);
CREATE TABLE webhook_deliveries (
    program_id      integer NOT NULL,
    webhook_no      bigint NOT NULL,
    delivery_no     bigint GENERATED ALWAYS AS IDENTITY,
    message_no      bigint NOT NULL,
    status          text COLLATE "C" NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,   -- all of them
    tries           integer NOT NULL DEFAULT 0,   -- since the schedule began, or began anew by hand
    next_attempt_at timestamptz,                  -- while pending; while it is sent, when it counts as lost
    PRIMARY KEY (program_id, webhook_no, delivery_no),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (program_id, webhook_no, next_attempt_at, delivery_no)
    WHERE status = 'pending';
CREATE TABLE webhook_attempts (
    program_id      integer NOT NULL,
    webhook_no      bigint NOT NULL,
    delivery_no     bigint NOT NULL,
    attempt         integer NOT NULL,
    attempted_at    timestamptz NOT NULL,
    milliseconds    integer NOT NULL,
    response_status smallint,                 -- NULL where there was no answer
    error           text COLLATE "C",         -- why it does not count as delivered; NULL where it does
    PRIMARY KEY (program_id, webhook_no, delivery_no, attempt)
);

-- Whoever writes a message, its deliveries are made with it: to the endpoints that want it at that instant.
CREATE FUNCTION fan_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (program_id, webhook_no, message_no, next_attempt_at)
    SELECT m.program_id, w.webhook_no, m.message_no, now()
    FROM told m JOIN webhooks w ON w.program_id = m.program_id AND w.status = 'enabled' AND m.type = ANY (w.events)
    ORDER BY m.program_id, m.message_no, w.webhook_no;
    RETURN NULL;
END $$;
CREATE TRIGGER delivered AFTER INSERT ON outbox
    REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION fan_out();

-- Ranks are written by promotions, by evaluations, by plans and by hand; all of them are told from here.
CREATE FUNCTION tell_ranks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (program_id, type, occurred_at, payload)
    SELECT r.program_id, 'rank.changed', r.recorded_at,
           json_build_object('shop_id', s.shop_id, 'rank', r.rank, 'cause', r.cause,
                             'effective_at', to_char(r.effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                             'reason', left(r.reason, 4000))::text
    FROM changed r JOIN shops s ON s.program_id = r.program_id AND s.shop_no = r.shop_no
    WHERE EXISTS (SELECT 1 FROM webhooks w
                  WHERE w.program_id = r.program_id AND w.status = 'enabled' AND 'rank.changed' = ANY (w.events))
    ORDER BY r.program_id, r.seq;
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT ON shop_ranks
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tell_ranks();

GRANT USAGE, SELECT ON SEQUENCE posting_no_seq TO distrib_web, distrib_worker;
GRANT SELECT, INSERT ON seals, outbox, webhooks, webhook_deliveries, webhook_attempts TO distrib_web, distrib_worker;
GRANT UPDATE ON webhooks, webhook_deliveries TO distrib_web, distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['seals', 'outbox', 'webhook_attempts']
    LOOP
        EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['seals', 'outbox', 'webhooks', 'webhook_deliveries', 'webhook_attempts']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;

-- Through which posting everything that can ever be there is there. Who posts at this instant is waited for, for some
-- seconds at the most, and holds up nobody.
CREATE FUNCTION posting_horizon() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    horizon bigint := COALESCE((SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM posting_no_seq), 0);
    posting text[] := ARRAY(SELECT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND classid = 7145228
        AND objid = 0 AND objsubid = 2 AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()));
BEGIN
    FOR attempt IN 1..200 LOOP
        PERFORM FROM pg_locks WHERE locktype = 'advisory' AND classid = 7145228 AND objid = 0 AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND virtualtransaction = ANY (posting);
        IF NOT FOUND THEN
            RETURN horizon;
        END IF;
        PERFORM pg_sleep(0.025);
    END LOOP;
    RAISE EXCEPTION 'somebody has been posting for seconds' USING ERRCODE = 'lock_not_available';
END $$;

-- What a number of cause_no_seq names, whatever it is, by the id that people know. Who asks sees what they may see of
-- the tables below.
CREATE VIEW causes WITH (security_invoker = true) AS
    SELECT program_id, order_no AS cause_no, 'order' AS cause_type, order_id AS cause_id FROM orders
    UNION ALL SELECT program_id, payout_no, 'payout', payout_id FROM payouts
    UNION ALL SELECT program_id, adjustment_no, 'adjustment', adjustment_id FROM adjustments
    UNION ALL SELECT program_id, cause_no, 'pool',
                     to_char(month / 100, 'FM0000') || '-' || to_char(month % 100, 'FM00') || ':' || pool_id
    FROM pool_payments;
GRANT SELECT ON causes TO distrib_web, distrib_worker;
