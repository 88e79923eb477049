-- A refund undone gives back what it took: rows under '/reversed/' and its id, with the same amounts below zero.
ALTER TABLE refund_lines DROP CONSTRAINT refund_lines_amount_minor_check;
ALTER TABLE refund_lines DROP CONSTRAINT refund_lines_sales_minor_check;
ALTER TABLE refund_lines ADD CHECK (CASE WHEN starts_with(refund_id, '/reversed/') THEN amount_minor <= 0 AND sales_minor <= 0
                                         ELSE amount_minor >= 0 AND sales_minor >= 0 END);
-- A refund from before the settlement counts from the settlement; those of before this migration count from their event.
ALTER TABLE refund_lines ADD COLUMN is_dated_by_event boolean NOT NULL DEFAULT true;
ALTER TABLE refund_lines ALTER COLUMN is_dated_by_event SET DEFAULT false;

-- An order whose payment failed may be paid again: each payment has a number, and its changes and refunds begin at one.
ALTER TABLE paid_orders ADD COLUMN payment_no smallint NOT NULL DEFAULT 1;
ALTER TABLE paid_orders ADD COLUMN first_seq integer NOT NULL DEFAULT 1;
ALTER TABLE paid_orders ADD COLUMN first_refund_seq integer NOT NULL DEFAULT 1;
ALTER TABLE paid_orders DROP CONSTRAINT paid_orders_pkey;
ALTER TABLE paid_orders ADD PRIMARY KEY (program_id, order_no, payment_no);
ALTER TABLE expecting_orders ADD COLUMN payment_no smallint NOT NULL DEFAULT 1;
ALTER TABLE early_refunds DROP CONSTRAINT early_refunds_amount_minor_check;
ALTER TABLE early_refunds ADD CHECK (CASE WHEN starts_with(refund_id, '/reversed/') THEN amount_minor <= 0 ELSE amount_minor >= 0 END);
ALTER TABLE early_refunds DROP CONSTRAINT early_refunds_pkey;
ALTER TABLE early_refunds ADD PRIMARY KEY (program_id, order_no, seq, line_id);
-- A line may take up what a cap had denied it while another line stood, and a refund undone raises what is expected.
ALTER TABLE expected_changes DROP CONSTRAINT expected_changes_check;
ALTER TABLE expected_changes ADD CHECK (amount_minor <> 0 AND (kind = 'refunded' OR (amount_minor > 0) = (kind = 'expected')));
CREATE TABLE payment_failures (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    event_no     bigint NOT NULL,
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, order_no, event_no)
);

-- Money given back that is no line's (goodwill, freight): it counts for no commission. Undone as lines are.
CREATE TABLE refunds_beside (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    refund_id    text COLLATE "C" NOT NULL,
    event_no     bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0 AND (amount_minor < 0) = starts_with(refund_id, '/reversed/')),
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, order_no, refund_id)
);

-- The order of a refund that is undone, by the refund's id.
CREATE INDEX events_refund ON events (program_id, (payload::json #>> '{refund,id}')) WHERE type = 'order.refunded';
-- What undoes a refund of which nothing is known yet, and so not its order: waits here, under its number as an event.
CREATE TABLE unplaced_events (
    program_id   integer NOT NULL,
    event_no     bigint NOT NULL DEFAULT nextval('event_no_seq'),
    event_id     text COLLATE "C" NOT NULL,
    type         text COLLATE "C" NOT NULL,
    refund_id    text COLLATE "C" NOT NULL,
    occurred_at  timestamptz NOT NULL,
    day          date NOT NULL,
    received_at  timestamptz NOT NULL,
    digest       bytea NOT NULL,
    payload      text NOT NULL,
    PRIMARY KEY (program_id, event_id)
);

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_failures FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON refunds_beside FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON payment_failures, refunds_beside, unplaced_events TO distrib_web, distrib_worker;
-- An event leaves when it is kept under its order, in the same transaction.
GRANT DELETE ON unplaced_events TO distrib_web, distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['payment_failures', 'refunds_beside', 'unplaced_events']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
