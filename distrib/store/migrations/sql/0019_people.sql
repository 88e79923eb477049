-- A customer that turned out to be another one. From `merged_at` on both are one person, who goes on under `into_id`.
-- The newest row of a customer names who it is now, with no chain to follow: when a customer is merged that others had
-- been merged into before, each of those gets a further row. `merged_id` is whose merge the row came of: the customer
-- itself in the one row of its own merge.
CREATE TABLE customer_merges (
    program_id   integer NOT NULL,
    customer_id  text COLLATE "C" NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    into_id      text COLLATE "C" NOT NULL CHECK (into_id <> customer_id),
    merged_id    text COLLATE "C" NOT NULL,
    merged_at    timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, customer_id, seq)
);
CREATE UNIQUE INDEX customer_merges_once ON customer_merges (program_id, customer_id) WHERE merged_id = customer_id;
CREATE INDEX customer_merges_into ON customer_merges (program_id, into_id);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON customer_merges
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON customer_merges TO distrib_web, distrib_worker;
ALTER TABLE customer_merges ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_merges FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON customer_merges TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO distrib_web, distrib_worker;
