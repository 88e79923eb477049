-- A payout batch (打款批次) reserves money at once; what became of a batch and of its lines are rows of their own.
-- A line is reserved at an instant when its batch is made by then, and neither cancelled nor its result known by then.
CREATE TABLE payouts (
    program_id   integer NOT NULL,
    payout_no    bigint NOT NULL DEFAULT nextval('cause_no_seq'),
    payout_id    text COLLATE "C" NOT NULL,
    digest       bytea NOT NULL,
    up_to        timestamptz NOT NULL,
    min_minor    bigint NOT NULL,
    channel      text COLLATE "C" NOT NULL CHECK (channel IN ('csv', 'wechat', 'alipay')),
    withholding  text COLLATE "C" NOT NULL DEFAULT 'none',   -- the program's setting when the batch was made
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
    line_no      integer NOT NULL DEFAULT 1 CHECK (line_no > 0),  -- counts the lines of the batch; numbers its transfers
    payee_version integer NOT NULL DEFAULT 0,           -- who is paid, and where to: as it was when the batch was made
    payee_kind   text COLLATE "C" NOT NULL DEFAULT 'person',
    payee_hash   bytea NOT NULL DEFAULT '',              -- keyed: one person's shops are taxed together
    tax_period   integer NOT NULL DEFAULT 0,            -- the month the tax belongs to
    months_counted smallint CHECK (months_counted BETWEEN 1 AND 12),  -- an input of the cumulative method
    months_given boolean NOT NULL DEFAULT false,        -- whether the caller said so
    income_before_minor bigint NOT NULL DEFAULT 0,      -- what of the payee stood before this line, and its tax:
    tax_before_minor bigint NOT NULL DEFAULT 0,         -- of the month, or of the year with the cumulative method
    PRIMARY KEY (program_id, payout_no, shop_no),
    UNIQUE (program_id, payout_no, line_no)
);
CREATE INDEX payout_lines_shop ON payout_lines (program_id, shop_no, reserved_at);
CREATE INDEX payout_lines_payee ON payout_lines (program_id, payee_hash, tax_period);
-- Shops that had money for the batch and got no line, and why.
CREATE TABLE payout_refusals (
    program_id   integer NOT NULL,
    payout_no    bigint NOT NULL,
    shop_no      bigint NOT NULL,
    code         text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (program_id, payout_no, shop_no)
);
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
CREATE INDEX payout_results_time ON payout_results (program_id, recorded_at);

-- Who is paid (收款人). A version's details are encrypted with a key of its own, which is encrypted with the data key;
-- erasing takes that key away, and the version can be read by nobody again. History keeps what names nobody.
CREATE TABLE payee_versions (
    program_id   integer NOT NULL,
    shop_no      bigint NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    kind         text COLLATE "C" NOT NULL CHECK (kind IN ('person', 'sole_trader', 'company')),
    accounts     text[] COLLATE "C" NOT NULL, -- which kinds of account there are
    details      bytea NOT NULL,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, shop_no, version)
);
CREATE TABLE payee_keys (
    program_id   integer NOT NULL,
    shop_no      bigint NOT NULL,
    version      integer NOT NULL,
    identity_hash bytea NOT NULL,             -- keyed, of the kind and number of the identity
    sealed_key   bytea NOT NULL,
    PRIMARY KEY (program_id, shop_no, version)
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payee_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_refusals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payouts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_decisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_results FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON payouts, payout_decisions, payout_lines, payout_results, payout_refusals, payee_versions, payee_keys
    TO distrib_web, distrib_worker;
GRANT UPDATE (sealed_key), DELETE ON payee_keys TO distrib_web, distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['payouts', 'payout_decisions', 'payout_lines', 'payout_results', 'payout_refusals',
        'payee_versions', 'payee_keys']
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
