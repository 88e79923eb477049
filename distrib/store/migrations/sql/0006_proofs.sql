-- What is told to others is written with what it tells of, in one transaction; webhooks are delivered from here.
-- Deliveries and their attempts are tables of their own; a row here never changes.
CREATE TABLE outbox (
    program_id   integer NOT NULL,
    message_no   bigint GENERATED ALWAYS AS IDENTITY,
    type         text COLLATE "C" NOT NULL,   -- commission.earned, commission.reversed, rank.changed, statement.closed, payout.settled
    occurred_at  timestamptz NOT NULL,
    payload      text NOT NULL,               -- JSON of the message's data
    PRIMARY KEY (program_id, message_no)
);
GRANT SELECT, INSERT ON outbox TO distrib_web, distrib_worker;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON outbox TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
