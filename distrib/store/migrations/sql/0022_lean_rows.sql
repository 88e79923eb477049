-- A shop's transfers are found through one index entry an order where there were as many as it has lines and rules that
-- pay the shop. Null says that a row of the same shop with a lower number was posted with this one, of the same cause; so
-- only what an order earned has it, and of each shop one row of what it earned by an order has the entry. Whoever posts
-- without a word gets an entry of his own, and every row of before keeps its own: nothing is written anew.
ALTER TABLE transfers ADD COLUMN is_first_of_shop boolean DEFAULT true
    CHECK (COALESCE(is_first_of_shop, kind = 'earned'));
CREATE INDEX transfers_of_shop ON transfers (program_id, shop_no, cause_no) WHERE is_first_of_shop;
DROP INDEX transfers_shop;

-- Transfers to be asked for by shop: the rows that have an entry, each with those of its cause that it stands for. They
-- were posted with it for the same event, so that what one event's transfers share is asked of the row with the entry.
CREATE VIEW shop_transfers WITH (security_invoker = true) AS
    SELECT f.program_id, f.shop_no, f.cause_no, t.seq, f.debit_account, f.credit_account, t.amount_minor, f.kind, f.event_no,
           t.tier, t.base_minor, t.rate_ppm, f.version_no, f.occurred_at, f.available_at, f.period, f.belongs_to_period,
           f.reverses_seq, t.line_id, t.rule_id, f.posting_no
    FROM transfers f CROSS JOIN LATERAL (
        SELECT f.seq, f.amount_minor, f.tier, f.base_minor, f.rate_ppm, f.line_id, f.rule_id
        UNION ALL
        SELECT r.seq, r.amount_minor, r.tier, r.base_minor, r.rate_ppm, r.line_id, r.rule_id
        FROM transfers r
        WHERE f.kind = 'earned' AND r.program_id = f.program_id AND r.cause_no = f.cause_no AND r.shop_no = f.shop_no
          AND r.is_first_of_shop IS NULL
    ) t
    WHERE f.is_first_of_shop;
GRANT SELECT ON shop_transfers TO distrib_web, distrib_worker;

-- Months by period alone: entries of one month follow the places of the rows, so that a new row's entry goes to the end
-- of its month, where the last one went, and not to a page of its own.
CREATE INDEX account_months_moved ON account_months (program_id, period);
DROP INDEX account_months_period;

-- Which shops' standing in the tree changed, and by which transaction: what a worker keeps of a shop holds until then. A
-- change of very many is one row of shop 0, which is every shop. Who asks compares transactions with the snapshot that he
-- asked under before, so that a change which was not through then is found whatever its place.
CREATE TABLE shop_changes (
    program_id   integer NOT NULL,
    changed_by   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    shop_no      bigint NOT NULL,
    PRIMARY KEY (program_id, changed_by, shop_no)
);
CREATE FUNCTION note_shop_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop_changes (program_id, shop_no)
    SELECT DISTINCT c.program_id, CASE WHEN c.shops <= 1000 THEN c.shop_no ELSE 0 END FROM (
        SELECT n.program_id, n.shop_no, count(*) OVER (PARTITION BY n.program_id) AS shops
        FROM was o JOIN is_now n USING (program_id, shop_no)
        WHERE (o.uplines, o.chain_since, o.joined_at, o.status, o.status_since, o.rank, o.rank_since)
              IS DISTINCT FROM (n.uplines, n.chain_since, n.joined_at, n.status, n.status_since, n.rank, n.rank_since)
    ) c
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER changes_noted AFTER UPDATE ON shops
    REFERENCING OLD TABLE AS was NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION note_shop_changes();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON shop_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON shop_changes TO distrib_web, distrib_worker;
ALTER TABLE shop_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON shop_changes TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
