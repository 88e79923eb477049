-- A result counts at an instant of its own: the day of payment that the channel names, or when it was recorded. What was
-- recorded before counted then. Rewritten as a change of type: results are history, and no row of it is updated.
ALTER TABLE payout_results ADD COLUMN occurred_at timestamptz;
ALTER TABLE payout_results ALTER COLUMN occurred_at TYPE timestamptz USING recorded_at;
ALTER TABLE payout_results ALTER COLUMN occurred_at SET NOT NULL;
DROP INDEX payout_results_time;
CREATE INDEX payout_results_occurred ON payout_results (program_id, occurred_at);
CREATE INDEX payout_results_batch ON payout_results (program_id, payout_no, occurred_at);
-- The lines of a person in a batch that was paid in a later month than it was made in.
CREATE INDEX payout_lines_person ON payout_lines (program_id, payee_hash, payout_no) WHERE payee_kind = 'person';

-- Money that came back after it was paid (退票): a fact of its own beside the result of the line, once.
CREATE TABLE payout_returns (
    program_id   integer NOT NULL,
    payout_no    bigint NOT NULL,
    shop_no      bigint NOT NULL,
    occurred_at  timestamptz NOT NULL,       -- when it counts
    reference    text,
    reason       text,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, payout_no, shop_no)
);
CREATE INDEX payout_returns_occurred ON payout_returns (program_id, occurred_at);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_returns
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON payout_returns TO distrib_web, distrib_worker;
ALTER TABLE payout_returns ENABLE ROW LEVEL SECURITY;
ALTER TABLE payout_returns FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON payout_returns TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
