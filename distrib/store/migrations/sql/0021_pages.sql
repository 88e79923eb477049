-- Where the rows of a page lie. Lists go by the number of the cause, whatever they are filtered by; an index a filter on
-- transfers would be paid nine times an order. Instead each 128 causes (a block) say once which kinds, periods and days
-- their transfers have: a page reads the blocks that can have rows of it and no others. A row here is never wrong and
-- never missing: it is written with the first transfer that it tells of, and stays.
CREATE TABLE transfer_blocks (
    program_id   integer NOT NULL,
    block        bigint NOT NULL,             -- cause_no / 128
    kind         transfer_kind NOT NULL,
    period       integer NOT NULL,
    occurred_on  date NOT NULL,               -- days in UTC
    available_on date NOT NULL,
    PRIMARY KEY (program_id, block, kind, period, occurred_on, available_on)
);
-- The same of orders, by the day they were paid.
CREATE TABLE order_blocks (
    program_id   integer NOT NULL,
    block        bigint NOT NULL,             -- order_no / 128
    paid_on      date NOT NULL,               -- in UTC
    PRIMARY KEY (program_id, block, paid_on)
);

-- In the order of the key, so that two who meet wait and do not deadlock.
CREATE FUNCTION note_transfer_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transfer_blocks (program_id, block, kind, period, occurred_on, available_on)
    SELECT DISTINCT program_id, cause_no >> 7, kind, period, (occurred_at AT TIME ZONE 'UTC')::date,
           (available_at AT TIME ZONE 'UTC')::date
    FROM posted ORDER BY 1, 2, 3, 4, 5, 6 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE FUNCTION note_order_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_blocks (program_id, block, paid_on)
    SELECT DISTINCT program_id, order_no >> 7, (paid_at AT TIME ZONE 'UTC')::date
    FROM posted ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER blocks_noted AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION note_transfer_blocks();
CREATE TRIGGER blocks_noted AFTER INSERT ON settlements
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION note_order_blocks();
CREATE TRIGGER blocks_noted AFTER INSERT ON paid_orders
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION note_order_blocks();
INSERT INTO transfer_blocks (program_id, block, kind, period, occurred_on, available_on)
SELECT DISTINCT program_id, cause_no >> 7, kind, period, (occurred_at AT TIME ZONE 'UTC')::date,
       (available_at AT TIME ZONE 'UTC')::date
FROM transfers;
INSERT INTO order_blocks (program_id, block, paid_on)
SELECT program_id, order_no >> 7, (paid_at AT TIME ZONE 'UTC')::date FROM settlements
UNION
SELECT program_id, order_no >> 7, (paid_at AT TIME ZONE 'UTC')::date FROM paid_orders;

-- Events by their numbers; a new one always comes last.
CREATE INDEX events_number ON events (program_id, event_no);
-- What is not earned is rare: nothing on the plain way, and of one shop it is found among all that the shop earned.
CREATE INDEX transfers_rare ON transfers (program_id, shop_no, kind, cause_no, seq) WHERE kind <> 'earned';
-- With the number of the order, so that a shop's orders are put in their order without reading them.
DROP INDEX settlements_seller;
CREATE INDEX settlements_seller ON settlements (program_id, seller_no, settled_at) INCLUDE (order_no)
    WHERE seller_no IS NOT NULL;
-- Ends by their reason, and the shops that are not free to be paid.
CREATE INDEX order_ends_reason ON order_ends (program_id, reason, order_no);
CREATE INDEX shop_statuses_stopped ON shop_statuses (program_id, shop_no, effective_at)
    WHERE status IN ('frozen', 'closed');

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['transfer_blocks', 'order_blocks']
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

-- What all shops of an open month come to, as it stood after a posting and at an instant: a page of the month adds what
-- has come since. `period` 0: of all months together. Kept anew by the workers; where there is none it is added up.
CREATE TABLE statement_totals (
    program_id      integer NOT NULL,
    period          integer NOT NULL,
    through_posting bigint NOT NULL,
    held_from       timestamptz NOT NULL,     -- held is what becomes available from then on
    shops           bigint NOT NULL DEFAULT 0, -- with money or movement, what is held or reserved left out
    opening_minor   bigint NOT NULL DEFAULT 0,
    earned_minor    bigint NOT NULL DEFAULT 0,
    reversed_minor  bigint NOT NULL DEFAULT 0,
    adjusted_minor  bigint NOT NULL DEFAULT 0,
    paid_minor      bigint NOT NULL DEFAULT 0,
    tax_minor       bigint NOT NULL DEFAULT 0,
    held_minor      bigint NOT NULL DEFAULT 0, -- by date alone
    orders          bigint NOT NULL DEFAULT 0,
    refunds         bigint NOT NULL DEFAULT 0,
    version         bigint NOT NULL DEFAULT 0,
    watched         bigint[] NOT NULL DEFAULT '{}', -- accounts that come to nothing, but something of them is held or reserved
    PRIMARY KEY (program_id, period)
);
GRANT SELECT ON statement_totals TO distrib_web, distrib_worker;
GRANT INSERT, UPDATE ON statement_totals TO distrib_worker;
ALTER TABLE statement_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE statement_totals FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON statement_totals TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);

-- What the lines of a payout come to and what became of them, so that a batch of a million lines is not added up to be
-- shown. Written by the statements that write lines, results and returns, which wait for one another anyway.
CREATE TABLE payout_sums (
    program_id      integer NOT NULL,
    payout_no       bigint NOT NULL,
    lines           bigint NOT NULL DEFAULT 0,
    amount_minor    bigint NOT NULL DEFAULT 0,
    tax_minor       bigint NOT NULL DEFAULT 0,
    fee_minor       bigint NOT NULL DEFAULT 0,
    paid            bigint NOT NULL DEFAULT 0, -- and not come back
    failed          bigint NOT NULL DEFAULT 0,
    returned        bigint NOT NULL DEFAULT 0,
    paid_minor      bigint NOT NULL DEFAULT 0, -- net of tax and fee
    returned_minor  bigint NOT NULL DEFAULT 0,
    ended_minor     bigint NOT NULL DEFAULT 0, -- of the amount: of lines with a result, which reserve nothing any more
    last_ended_at   timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (program_id, payout_no)
);
CREATE FUNCTION add_payout_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payout_sums AS s (program_id, payout_no, lines, amount_minor, tax_minor, fee_minor)
    SELECT program_id, payout_no, count(*), sum(amount_minor), sum(tax_minor), sum(fee_minor) FROM written
    GROUP BY program_id, payout_no ORDER BY program_id, payout_no
    ON CONFLICT (program_id, payout_no) DO UPDATE SET
        lines = s.lines + EXCLUDED.lines, amount_minor = s.amount_minor + EXCLUDED.amount_minor,
        tax_minor = s.tax_minor + EXCLUDED.tax_minor, fee_minor = s.fee_minor + EXCLUDED.fee_minor;
    RETURN NULL;
END $$;
CREATE FUNCTION add_payout_results() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payout_sums s SET paid = s.paid + w.paid, failed = s.failed + w.failed,
        paid_minor = s.paid_minor + w.paid_minor, ended_minor = s.ended_minor + w.ended_minor,
        last_ended_at = GREATEST(s.last_ended_at, w.last_ended_at)
    FROM (SELECT r.program_id, r.payout_no, count(*) FILTER (WHERE r.status = 'paid') AS paid,
                 count(*) FILTER (WHERE r.status = 'failed') AS failed,
                 COALESCE(sum(l.amount_minor - l.tax_minor - l.fee_minor) FILTER (WHERE r.status = 'paid'), 0) AS paid_minor,
                 sum(l.amount_minor) AS ended_minor, max(r.occurred_at) AS last_ended_at
          FROM written r JOIN payout_lines l USING (program_id, payout_no, shop_no)
          GROUP BY r.program_id, r.payout_no) w
    WHERE s.program_id = w.program_id AND s.payout_no = w.payout_no;
    RETURN NULL;
END $$;
CREATE FUNCTION add_payout_returns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payout_sums s SET paid = s.paid - w.returned, returned = s.returned + w.returned,
        paid_minor = s.paid_minor - w.returned_minor, returned_minor = s.returned_minor + w.returned_minor
    FROM (SELECT b.program_id, b.payout_no, count(*) AS returned,
                 sum(l.amount_minor - l.tax_minor - l.fee_minor) AS returned_minor
          FROM written b JOIN payout_lines l USING (program_id, payout_no, shop_no)
          GROUP BY b.program_id, b.payout_no) w
    WHERE s.program_id = w.program_id AND s.payout_no = w.payout_no;
    RETURN NULL;
END $$;
CREATE TRIGGER sums_kept AFTER INSERT ON payout_lines
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION add_payout_lines();
CREATE TRIGGER sums_kept AFTER INSERT ON payout_results
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION add_payout_results();
CREATE TRIGGER sums_kept AFTER INSERT ON payout_returns
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION add_payout_returns();
INSERT INTO payout_sums
SELECT l.program_id, l.payout_no, count(*), sum(l.amount_minor), sum(l.tax_minor), sum(l.fee_minor),
       count(*) FILTER (WHERE r.status = 'paid' AND b.shop_no IS NULL), count(*) FILTER (WHERE r.status = 'failed'),
       count(b.shop_no),
       COALESCE(sum(l.amount_minor - l.tax_minor - l.fee_minor) FILTER (WHERE r.status = 'paid' AND b.shop_no IS NULL), 0),
       COALESCE(sum(l.amount_minor - l.tax_minor - l.fee_minor) FILTER (WHERE b.shop_no IS NOT NULL), 0),
       COALESCE(sum(l.amount_minor) FILTER (WHERE r.status IS NOT NULL), 0), COALESCE(max(r.occurred_at), '-infinity')
FROM payout_lines l LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
LEFT JOIN payout_returns b USING (program_id, payout_no, shop_no)
GROUP BY l.program_id, l.payout_no;
GRANT SELECT, INSERT, UPDATE ON payout_sums TO distrib_web, distrib_worker;
ALTER TABLE payout_sums ENABLE ROW LEVEL SECURITY;
ALTER TABLE payout_sums FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON payout_sums TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
