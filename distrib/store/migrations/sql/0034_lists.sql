-- Lists of shops. The row says which tree a shop stands in, and its name as it is searched: both beside what they follow
-- from, as under row security an index serves comparisons of columns alone.
ALTER TABLE shops
    ADD COLUMN root_no bigint, -- of the newest chain: the shop's own number where nobody is above it
    ADD COLUMN name_folded text COLLATE "C" GENERATED ALWAYS AS (lower(name)) STORED;
-- The owner of the tables, whom row security would bind, places them all.
ALTER TABLE shops NO FORCE ROW LEVEL SECURITY;
WITH RECURSIVE placed AS (
    SELECT program_id, shop_no, shop_no AS root_no FROM shops WHERE sponsor_no IS NULL
    UNION ALL
    SELECT s.program_id, s.shop_no, p.root_no
    FROM placed p JOIN shops s ON s.program_id = p.program_id AND s.sponsor_no = p.shop_no
)
UPDATE shops s SET root_no = p.root_no FROM placed p WHERE s.program_id = p.program_id AND s.shop_no = p.shop_no;
ALTER TABLE shops FORCE ROW LEVEL SECURITY;
ALTER TABLE shops ALTER COLUMN root_no SET NOT NULL;
GRANT UPDATE (root_no) ON shops TO distrib_web, distrib_worker;
-- Every list goes by when the shop joined; what few have is found by itself, what nearly all have is met on the way.
CREATE INDEX shops_joined ON shops (program_id, joined_at, shop_no);
CREATE INDEX shops_level ON shops (program_id, level, joined_at, shop_no);
CREATE INDEX shops_root ON shops (program_id, root_no, joined_at, shop_no);
CREATE INDEX shops_status ON shops (program_id, status, joined_at, shop_no) WHERE status <> 'active';
CREATE INDEX shops_rank ON shops (program_id, rank, joined_at, shop_no) WHERE rank IS NOT NULL;
CREATE INDEX shops_name ON shops (program_id, name_folded) WHERE name_folded IS NOT NULL;

-- Batches by the month they were made in.
CREATE INDEX payouts_created ON payouts (program_id, created_at, payout_no);

-- The totals of open months count each order and each refund once: they are begun anew, and what is closed stays.
ALTER TABLE statement_totals NO FORCE ROW LEVEL SECURITY;
DELETE FROM statement_totals WHERE period > 0;
ALTER TABLE statement_totals FORCE ROW LEVEL SECURITY;

-- In which order shops of large programs stand by their money and their sales, as of an instant: what pages go along. What
-- a page shows of a shop is read from where it stands. Kept anew by the workers; small programs are put in order as asked.
CREATE TABLE sorted_figures (
    program_id   integer PRIMARY KEY,
    as_of        timestamptz NOT NULL,
    took_ms      bigint NOT NULL,             -- so long it took: what takes longer is kept anew less often
    through_posting bigint NOT NULL,          -- what was posted up to there is in
    periods      integer[] NOT NULL           -- the open months whose statements are kept in order
);
CREATE TABLE sorted_balances (
    program_id      integer NOT NULL,
    shop_no         bigint NOT NULL,
    available_minor bigint NOT NULL,
    held_minor      bigint NOT NULL,
    sales_minor     bigint NOT NULL,          -- of the month of `as_of`
    has_money       boolean NOT NULL,
    -- Among equals in an order that nothing goes along with: most shops sold nothing this month, and those of one level
    -- or tree, whose numbers lie together, are spread evenly over all of these.
    place           bigint NOT NULL GENERATED ALWAYS AS (shop_no * 2654435761 & 4294967295) STORED,
    PRIMARY KEY (program_id, shop_no)
) WITH (fillfactor = 80);
CREATE INDEX sorted_balances_available ON sorted_balances (program_id, available_minor, place, shop_no);
CREATE INDEX sorted_balances_sales ON sorted_balances (program_id, sales_minor, place, shop_no);
CREATE INDEX sorted_balances_money ON sorted_balances (program_id, available_minor, shop_no) WHERE has_money;
CREATE INDEX sorted_balances_held ON sorted_balances (program_id, held_minor, shop_no) WHERE has_money;
CREATE TABLE sorted_statements (
    program_id    integer NOT NULL,
    period        integer NOT NULL,
    shop_no       bigint NOT NULL,
    closing_minor bigint NOT NULL,
    earned_minor  bigint NOT NULL,
    PRIMARY KEY (program_id, period, shop_no)
) WITH (fillfactor = 80);
CREATE INDEX sorted_statements_closing ON sorted_statements (program_id, period, closing_minor, shop_no);
CREATE INDEX sorted_statements_earned ON sorted_statements (program_id, period, earned_minor, shop_no);
GRANT SELECT ON sorted_figures, sorted_balances, sorted_statements TO distrib_web, distrib_worker;
GRANT INSERT, DELETE ON sorted_figures, sorted_balances, sorted_statements TO distrib_worker;
GRANT UPDATE (as_of, took_ms, through_posting, periods) ON sorted_figures TO distrib_worker;
GRANT UPDATE (available_minor, held_minor, sales_minor, has_money) ON sorted_balances TO distrib_worker;
GRANT UPDATE (closing_minor, earned_minor) ON sorted_statements TO distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['sorted_figures', 'sorted_balances', 'sorted_statements']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
-- A closed month in the order of its figures.
CREATE INDEX closed_statements_closing ON closed_statements (program_id, period, figures_no, closing_minor, shop_no);
CREATE INDEX closed_statements_earned ON closed_statements (program_id, period, figures_no, earned_minor, shop_no);
-- Settlements and refunds lie by the month of the sale, but for what came late.
CREATE INDEX settlements_settled ON settlements USING brin (settled_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX refund_lines_sold ON refund_lines USING brin (sold_at) WITH (pages_per_range = 32, autosummarize = on);
