-- A payout batch (打款批次) reserves money at once; what became of a batch and of its lines are rows of their own.
-- A line is reserved at an instant when its batch is made by then, and neither cancelled nor its result known by then.
CREATE TABLE payouts (
    program_id   integer NOT NULL,
    payout_no    bigint NOT NULL DEFAULT nextval('cause_no_seq'),
    payout_id    text COLLATE "C" NOT NULL,
    digest       bytea NOT NULL,
    up_to        timestamptz NOT NULL,
    min_minor    bigint NOT NULL,
    channel      text COLLATE "C" NOT NULL,
    created_at   timestamptz NOT NULL,
    created_by   text NOT NULL,
    PRIMARY KEY (program_id, payout_no),
    UNIQUE (program_id, payout_id)
);
CREATE TABLE payout_decisions (
    program_id   integer NOT NULL,
    payout_no    bigint NOT NULL,
    decision     text NOT NULL CHECK (decision IN ('approved', 'cancelled')),
    decided_at   timestamptz NOT NULL,
    decided_by   text NOT NULL,
    PRIMARY KEY (program_id, payout_no)       -- either, once
);
CREATE TABLE payout_lines (
    program_id   integer NOT NULL,
    payout_no    bigint NOT NULL,
    shop_no      bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),  -- reserved: what the shop receives and the tax withheld
    tax_minor    bigint NOT NULL DEFAULT 0 CHECK (tax_minor >= 0 AND tax_minor <= amount_minor),
    reserved_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, payout_no, shop_no)
);
CREATE INDEX payout_lines_shop ON payout_lines (program_id, shop_no, reserved_at);
CREATE TABLE payout_results (
    program_id   integer NOT NULL,
    payout_no    bigint NOT NULL,
    shop_no      bigint NOT NULL,
    status       text NOT NULL CHECK (status IN ('paid', 'failed')),
    reference    text,
    reason       text,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, payout_no, shop_no)  -- a line settles once
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payouts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_decisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_results FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON payouts, payout_decisions, payout_lines, payout_results TO distrib_web, distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['payouts', 'payout_decisions', 'payout_lines', 'payout_results']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;

-- How tax is withheld from what is paid out.
ALTER TABLE programs ADD COLUMN withholding text NOT NULL DEFAULT 'none'
    CHECK (withholding IN ('none', 'per_payment', 'cumulative', 'us_1099'));
