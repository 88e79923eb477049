-- How far the books of a program are closed. The drain takes the program's row FOR SHARE before it posts, a close FOR
-- UPDATE, so that nothing is posted into a period while it closes.
ALTER TABLE programs ADD COLUMN closed_through integer NOT NULL DEFAULT 0; -- the last closed period, 202603; 0: none

-- A close is proposed by one key and confirmed by another; what was proposed is kept with its figures.
CREATE TABLE close_proposals (
    program_id   integer NOT NULL,
    period       integer NOT NULL,
    proposal_no  bigint GENERATED ALWAYS AS IDENTITY,
    shops        bigint NOT NULL,
    totals       text NOT NULL,               -- JSON: all figures added up
    digest       text COLLATE "C" NOT NULL,   -- SHA-256 of shops.csv, in hex
    proposed_at  timestamptz NOT NULL,
    proposed_by  text NOT NULL,
    PRIMARY KEY (program_id, period, proposal_no)
);
CREATE TABLE closed_periods (
    program_id   integer NOT NULL,
    period       integer NOT NULL,
    shops        bigint NOT NULL,
    totals       text NOT NULL,
    digest       text COLLATE "C" NOT NULL,
    lines        bigint NOT NULL,
    lines_minor  bigint NOT NULL,
    lines_digest text COLLATE "C" NOT NULL,   -- SHA-256 of lines.csv, in hex
    proposed_at  timestamptz NOT NULL,
    proposed_by  text NOT NULL,
    confirmed_by text NOT NULL,
    closed_at    timestamptz NOT NULL,
    PRIMARY KEY (program_id, period)
);
CREATE TABLE closed_statements (
    program_id      integer NOT NULL,
    period          integer NOT NULL,
    shop_id         text COLLATE "C" NOT NULL,
    shop_no         bigint NOT NULL,
    opening_minor   bigint NOT NULL,
    earned_minor    bigint NOT NULL,
    reversed_minor  bigint NOT NULL,
    adjusted_minor  bigint NOT NULL,
    paid_minor      bigint NOT NULL,
    tax_minor       bigint NOT NULL,
    closing_minor   bigint NOT NULL,
    held_minor      bigint NOT NULL,
    reserved_minor  bigint NOT NULL,
    available_minor bigint NOT NULL,
    orders          bigint NOT NULL,
    refunds         bigint NOT NULL,
    frozen_minor    bigint NOT NULL,          -- what of the held only the shop's status kept
    PRIMARY KEY (program_id, period, shop_id),
    CHECK (closing_minor = opening_minor + earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor),
    CHECK (closing_minor = held_minor + reserved_minor + available_minor)
);

-- By hand, by two keys: what was proposed, and the approval that posted it.
CREATE TABLE adjustments (
    program_id    integer NOT NULL,
    adjustment_no bigint NOT NULL DEFAULT nextval('cause_no_seq'),
    adjustment_id text COLLATE "C" NOT NULL,
    digest        bytea NOT NULL,
    shop_no       bigint NOT NULL,
    amount_minor  bigint NOT NULL CHECK (amount_minor <> 0 AND abs(amount_minor) <= 1000000000000),
    reason        text NOT NULL,
    proposed_at   timestamptz NOT NULL,
    proposed_by   text NOT NULL,
    PRIMARY KEY (program_id, adjustment_no),
    UNIQUE (program_id, adjustment_id)
);
CREATE TABLE adjustment_approvals (
    program_id    integer NOT NULL,
    adjustment_no bigint NOT NULL,
    period        integer NOT NULL,           -- in which it counts
    approved_at   timestamptz NOT NULL,
    approved_by   text NOT NULL,
    PRIMARY KEY (program_id, adjustment_no)   -- once
);

-- A pool of a month, paid once: all that its amount was worked out from.
CREATE TABLE pool_payments (
    program_id   integer NOT NULL,
    month        integer NOT NULL,
    pool_id      text COLLATE "C" NOT NULL,
    cause_no     bigint NOT NULL DEFAULT nextval('cause_no_seq'),
    version_no   integer NOT NULL,            -- the plan in force at the month's last instant
    rate_ppm     integer NOT NULL,
    base_minor   bigint NOT NULL,             -- rounded down
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    holders      bigint NOT NULL,
    weight       bigint NOT NULL,             -- of all holders
    period       integer NOT NULL,            -- in which it counts
    paid_at      timestamptz NOT NULL,
    paid_by      text NOT NULL,
    PRIMARY KEY (program_id, month, pool_id)
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['close_proposals', 'closed_periods', 'closed_statements', 'adjustments',
        'adjustment_approvals', 'pool_payments']
    LOOP
        EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO distrib_web, distrib_worker', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO distrib_web, distrib_worker;

-- What is closed stays closed, whoever posts. Once a statement, not once a row.
CREATE FUNCTION refuse_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM posted t JOIN programs p USING (program_id) WHERE t.period <= p.closed_through) THEN
        RAISE EXCEPTION 'the period is closed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER closed_periods_stay AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_period();
CREATE FUNCTION refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a closed period cannot be opened again' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER stays_closed BEFORE UPDATE OF closed_through ON programs
    FOR EACH ROW WHEN (NEW.closed_through < OLD.closed_through) EXECUTE FUNCTION refuse_reopening();
