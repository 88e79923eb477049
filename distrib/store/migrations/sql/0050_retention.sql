-- How many shops of a large program stay active, worked out now and then: it reads every order that was ever settled.
CREATE TABLE retention_sums (
    program_id integer PRIMARY KEY,
    as_of      timestamptz NOT NULL,
    months     integer[] NOT NULL,               -- after the month of joining
    shops      bigint[] NOT NULL,                -- for which that month was over
    active     bigint[] NOT NULL                 -- and that sold something in it
);
GRANT SELECT ON retention_sums TO distrib_web, distrib_worker;
GRANT INSERT ON retention_sums TO distrib_worker;
GRANT UPDATE (as_of, months, shops, active) ON retention_sums TO distrib_worker;
ALTER TABLE retention_sums ENABLE ROW LEVEL SECURITY;
ALTER TABLE retention_sums FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON retention_sums TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
