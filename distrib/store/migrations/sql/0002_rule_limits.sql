-- What each earner got by a rule's id, counted gross: refunds free no room (plan.md, cap). Running totals, kept for rules
-- that some published version caps by month or customer; a row is locked by the batch that pays by it.
CREATE TABLE rule_months (
    program_id   integer NOT NULL,
    rule_id      text COLLATE "C" NOT NULL,
    shop_no      bigint NOT NULL,
    period       integer NOT NULL,            -- the month of settlement, 202603, program's time zone
    earned_minor bigint NOT NULL CHECK (earned_minor >= 0),
    PRIMARY KEY (program_id, rule_id, shop_no, period)
) WITH (fillfactor = 70);
CREATE TABLE rule_customers (
    program_id   integer NOT NULL,
    rule_id      text COLLATE "C" NOT NULL,
    shop_no      bigint NOT NULL,
    customer_id  text COLLATE "C" NOT NULL,
    earned_minor bigint NOT NULL CHECK (earned_minor >= 0),
    PRIMARY KEY (program_id, rule_id, shop_no, customer_id)
) WITH (fillfactor = 70);
GRANT SELECT, INSERT, UPDATE ON rule_months, rule_customers TO distrib_web, distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['rule_months', 'rule_customers']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
