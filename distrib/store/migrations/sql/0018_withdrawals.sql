-- What a batch is of: everything available, chosen shops, parts of balances, withdrawals, a closed shop's last money.
ALTER TABLE payouts ADD COLUMN selection text COLLATE "C" NOT NULL DEFAULT 'all'
    CHECK (selection IN ('all', 'shops', 'amounts', 'withdrawals', 'closing'));
ALTER TABLE payouts ADD COLUMN reason text CHECK ((reason IS NOT NULL) = (selection = 'closing')); -- why a closed shop is paid
-- What the shop bears for its withdrawals; the channel sends the amount less tax less fee.
ALTER TABLE payout_lines ADD COLUMN fee_minor bigint NOT NULL DEFAULT 0
    CHECK (fee_minor >= 0 AND tax_minor + fee_minor <= amount_minor);

-- The rules of withdrawals (提现): without a least amount they are off.
ALTER TABLE programs
    ADD COLUMN withdrawal_least_minor bigint CHECK (withdrawal_least_minor > 0),
    ADD COLUMN withdrawal_most_minor bigint CHECK (withdrawal_most_minor >= withdrawal_least_minor),
    ADD COLUMN withdrawals_per_day integer CHECK (withdrawals_per_day > 0),
    ADD COLUMN withdrawals_per_month integer CHECK (withdrawals_per_month > 0),
    ADD COLUMN withdrawal_fee_minor bigint CHECK (withdrawal_fee_minor >= 0 AND withdrawal_fee_minor < withdrawal_least_minor);

-- A shop's request for its own money, under the rules of its day; what became of it are rows of their own.
CREATE TABLE withdrawals (
    program_id    integer NOT NULL,
    withdrawal_no bigint NOT NULL DEFAULT nextval('cause_no_seq'),  -- the cause of the transfer of its fee
    withdrawal_id text COLLATE "C" NOT NULL,
    digest        bytea NOT NULL,
    shop_no       bigint NOT NULL,
    amount_minor  bigint NOT NULL CHECK (amount_minor > 0),         -- the fee included
    fee_minor     bigint NOT NULL CHECK (fee_minor >= 0 AND fee_minor < amount_minor),
    requested_at  timestamptz NOT NULL,
    requested_by  text NOT NULL,
    PRIMARY KEY (program_id, withdrawal_no),
    UNIQUE (program_id, withdrawal_id)
);
CREATE INDEX withdrawals_shop ON withdrawals (program_id, shop_no, withdrawal_no);
CREATE TABLE withdrawal_decisions (
    program_id    integer NOT NULL,
    withdrawal_no bigint NOT NULL,
    decision      text COLLATE "C" NOT NULL CHECK (decision IN ('approved', 'refused', 'cancelled')),
    reason        text,
    decided_at    timestamptz NOT NULL,
    decided_by    text NOT NULL,
    PRIMARY KEY (program_id, withdrawal_no, decision)
);
CREATE UNIQUE INDEX withdrawal_decisions_end ON withdrawal_decisions (program_id, withdrawal_no)
    WHERE decision <> 'approved';             -- refused or cancelled, once; also after an approval
-- Which line of which batch pays which withdrawals; again only after that batch was cancelled.
CREATE TABLE withdrawal_lines (
    program_id    integer NOT NULL,
    payout_no     bigint NOT NULL,
    shop_no       bigint NOT NULL,
    withdrawal_no bigint NOT NULL,
    PRIMARY KEY (program_id, payout_no, withdrawal_no)
);
CREATE INDEX withdrawal_lines_withdrawal ON withdrawal_lines (program_id, withdrawal_no, payout_no);

-- Those that are not ended: asked for, approved, or in a batch without a result. What waits is found without the past.
CREATE TABLE open_withdrawals (
    program_id    integer NOT NULL,
    withdrawal_no bigint NOT NULL,
    PRIMARY KEY (program_id, withdrawal_no)
);

CREATE OR REPLACE VIEW causes WITH (security_invoker = true) AS
    SELECT program_id, order_no AS cause_no, 'order' AS cause_type, order_id AS cause_id FROM orders
    UNION ALL SELECT program_id, payout_no, 'payout', payout_id FROM payouts
    UNION ALL SELECT program_id, adjustment_no, 'adjustment', adjustment_id FROM adjustments
    UNION ALL SELECT program_id, cause_no, 'pool',
                     to_char(month / 100, 'FM0000') || '-' || to_char(month % 100, 'FM00') || ':' || pool_id
    FROM pool_payments
    UNION ALL SELECT program_id, withdrawal_no, 'withdrawal', withdrawal_id FROM withdrawals;

GRANT SELECT, INSERT ON withdrawals, withdrawal_decisions, withdrawal_lines TO distrib_web, distrib_worker;
GRANT SELECT, INSERT, DELETE ON open_withdrawals TO distrib_web, distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['withdrawals', 'withdrawal_decisions', 'withdrawal_lines', 'open_withdrawals']
    LOOP
        IF t <> 'open_withdrawals' THEN
            EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        END IF;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
