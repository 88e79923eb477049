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
