-- What other plans would have paid: what was asked stays, and so does what it came to.
CREATE TABLE simulations (
    program_id    integer NOT NULL,
    simulation_no bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    simulation_id text COLLATE "C" NOT NULL,
    since         timestamptz NOT NULL,             -- orders paid from then on
    until         timestamptz NOT NULL,             -- and before then
    refunds       text COLLATE "C" NOT NULL CHECK (refunds IN ('known', 'none')),
    ranks         text COLLATE "C" NOT NULL CHECK (ranks IN ('as_were', 'replayed')),
    ranks_from    timestamptz,
    digest        bytea NOT NULL,                   -- of the question: the same one asked again has the same
    key_id        text COLLATE "C" NOT NULL,
    person        text COLLATE "C" NOT NULL,        -- whose the key is
    asked_at      timestamptz NOT NULL,
    PRIMARY KEY (program_id, simulation_no),
    UNIQUE (program_id, simulation_id),
    CHECK (since < until)
);
CREATE INDEX simulations_digest ON simulations (program_id, digest, simulation_no);
CREATE TABLE simulation_plans (
    program_id    integer NOT NULL,
    simulation_no bigint NOT NULL,
    place         smallint NOT NULL CHECK (place BETWEEN 1 AND 5),
    code          text COLLATE "C" NOT NULL,
    version       integer,                          -- where a version was named
    document      text NOT NULL,                    -- canonical JSON
    digest        bytea NOT NULL,
    PRIMARY KEY (program_id, simulation_no, place)
);
CREATE INDEX simulation_plans_digest ON simulation_plans (program_id, digest, simulation_no);

-- Those that have not ended, and how far they are.
CREATE TABLE waiting_simulations (
    program_id    integer NOT NULL,
    simulation_no bigint NOT NULL,
    attempts      integer NOT NULL DEFAULT 0,
    begun_at      timestamptz,                      -- of the last attempt
    orders_done   bigint NOT NULL DEFAULT 0,
    orders_total  bigint,
    PRIMARY KEY (program_id, simulation_no)
);
CREATE TABLE simulation_ends (
    program_id    integer NOT NULL,
    simulation_no bigint NOT NULL,
    outcome       text COLLATE "C" NOT NULL CHECK (outcome IN ('done', 'failed', 'cancelled')),
    last_event_no bigint,                           -- the newest event that it saw
    is_quiet      boolean,                          -- no event waited to be worked on then
    result        text,                             -- JSON
    problem       text,                             -- JSON: why it failed
    attempts      integer NOT NULL,
    begun_at      timestamptz,
    ended_at      timestamptz NOT NULL,
    PRIMARY KEY (program_id, simulation_no),
    CHECK ((result IS NOT NULL) = (outcome = 'done')),
    CHECK ((problem IS NOT NULL) = (outcome = 'failed'))
);
-- What its orders came to, some thousand a row: which shops, rules and reasons are in it, and the orders, compressed.
-- Below 0 stand all shops, some thousand a row.
CREATE TABLE simulation_blocks (
    program_id    integer NOT NULL,
    simulation_no bigint NOT NULL,
    block_no      integer NOT NULL,
    shops         bigint[] NOT NULL,
    rules         text[] NOT NULL,
    reasons       text[] NOT NULL,
    content       bytea NOT NULL,
    PRIMARY KEY (program_id, simulation_no, block_no)
);
ALTER TABLE simulation_blocks ALTER content SET STORAGE EXTERNAL;
-- The ranks that shops would have had, where they were replayed, by candidate.
CREATE TABLE simulation_ranks (
    program_id    integer NOT NULL,
    simulation_no bigint NOT NULL,
    place         smallint NOT NULL,
    seq           bigint NOT NULL,                  -- of one shop in the order in which they hold
    shop_no       bigint NOT NULL,
    effective_at  timestamptz NOT NULL,
    rank          text,
    PRIMARY KEY (program_id, simulation_no, place, shop_no, seq)
);
GRANT SELECT, INSERT ON simulations, simulation_plans, simulation_ends TO distrib_web, distrib_worker;
GRANT SELECT, INSERT, DELETE ON waiting_simulations TO distrib_web, distrib_worker;
GRANT UPDATE (attempts, begun_at, orders_done, orders_total) ON waiting_simulations TO distrib_worker;
GRANT SELECT ON simulation_blocks, simulation_ranks TO distrib_web;
GRANT SELECT, INSERT ON simulation_blocks, simulation_ranks TO distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['simulations', 'simulation_plans', 'waiting_simulations', 'simulation_ends',
        'simulation_blocks', 'simulation_ranks']
    LOOP
        IF t <> 'waiting_simulations' THEN
            EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        END IF;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
