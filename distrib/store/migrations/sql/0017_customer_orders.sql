-- A customer's settled orders by when they were paid: who is new, who returns (plan.md, where).
CREATE INDEX settlements_customer ON settlements (program_id, customer_id, paid_at)
    WHERE customer_id IS NOT NULL;

-- The customers of orders of programs whose plans ask for that: a batch holds their rows while it decides, so that of two
-- orders in two hands one is the first.
CREATE TABLE customer_turns (
    program_id   integer NOT NULL,
    customer_id  text COLLATE "C" NOT NULL,
    PRIMARY KEY (program_id, customer_id)
);
GRANT SELECT, INSERT, UPDATE ON customer_turns TO distrib_web, distrib_worker;
ALTER TABLE customer_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_turns FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON customer_turns TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
