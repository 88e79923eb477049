-- A close works out its figures while the drain goes on. What a proposal worked out is kept under a number of its own;
-- a closed month says which of those numbers is its, and no other row of closed_statements is about a closed month.
CREATE SEQUENCE figures_no_seq AS bigint;
GRANT USAGE, SELECT ON SEQUENCE figures_no_seq TO distrib_web, distrib_worker;
ALTER TABLE closed_statements ADD COLUMN figures_no bigint NOT NULL DEFAULT 0;  -- 0: closed before there were numbers
ALTER TABLE closed_periods ADD COLUMN figures_no bigint NOT NULL DEFAULT 0;
ALTER TABLE closed_statements DROP CONSTRAINT closed_statements_pkey,
    ADD PRIMARY KEY (program_id, period, figures_no, shop_id);
-- Up to where the books stood: the last number of a posting, and how many facts that are no posting were dated before
-- the month's end. NULL where nothing was kept.
ALTER TABLE close_proposals
    ADD COLUMN figures_no bigint,
    ADD COLUMN through_posting bigint,
    ADD COLUMN dated_facts bigint[],
    ADD CHECK ((figures_no IS NULL) = (through_posting IS NULL) AND (figures_no IS NULL) = (dated_facts IS NULL));
-- Postings of a month lie together but for what came late.
CREATE INDEX transfers_period ON transfers USING brin (period) WITH (pages_per_range = 32, autosummarize = on);
