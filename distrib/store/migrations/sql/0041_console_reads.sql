-- What is said in questions may hold names and numbers: the words stand apart from the rows that stay, so that erasing
-- a shop takes them away. Words of shops that were erased before are not brought along.
CREATE TABLE question_words (
    program_id  integer NOT NULL,
    question_no bigint NOT NULL,
    part        text COLLATE "C" NOT NULL CHECK (part IN ('asked', 'answered')),
    words       text NOT NULL CHECK (char_length(words) BETWEEN 1 AND 500),
    PRIMARY KEY (program_id, question_no, part)
);
-- The owner of the tables, whom row security would bind, brings all words along.
ALTER TABLE shop_questions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE question_steps NO FORCE ROW LEVEL SECURITY;
ALTER TABLE unclosed_questions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE shop_erasures NO FORCE ROW LEVEL SECURITY;
INSERT INTO question_words (program_id, question_no, part, words)
SELECT p.program_id, p.question_no, p.part, p.words
FROM (SELECT program_id, question_no, 'asked' AS part, words FROM shop_questions
      UNION ALL
      SELECT program_id, question_no, 'answered', words FROM question_steps WHERE step = 'answered') p
JOIN shop_questions q USING (program_id, question_no)
WHERE NOT EXISTS (SELECT 1 FROM shop_erasures e WHERE e.program_id = q.program_id AND e.shop_no = q.shop_no);
-- Nobody asks for an erased shop any more.
WITH ended AS (
    DELETE FROM unclosed_questions u
    USING (SELECT program_id, shop_no, max(erased_at) AS erased_at FROM shop_erasures GROUP BY program_id, shop_no) e
    WHERE e.program_id = u.program_id AND e.shop_no = u.shop_no
    RETURNING u.program_id, u.question_no, u.shop_no)
INSERT INTO question_steps (program_id, question_no, step, done_at, done_by)
SELECT n.program_id, n.question_no, 'closed', e.erased_at, e.erased_by
FROM ended n CROSS JOIN LATERAL (
    SELECT erased_at, erased_by FROM shop_erasures e WHERE e.program_id = n.program_id AND e.shop_no = n.shop_no
    ORDER BY erased_at DESC LIMIT 1) e;
ALTER TABLE shop_questions FORCE ROW LEVEL SECURITY;
ALTER TABLE question_steps FORCE ROW LEVEL SECURITY;
ALTER TABLE unclosed_questions FORCE ROW LEVEL SECURITY;
ALTER TABLE shop_erasures FORCE ROW LEVEL SECURITY;
ALTER TABLE shop_questions DROP COLUMN words;
ALTER TABLE question_steps DROP COLUMN words;
-- A column that is dropped stays in the rows' bytes until they are written anew.
CLUSTER shop_questions USING shop_questions_pkey;
CLUSTER question_steps USING question_steps_pkey;
ALTER TABLE shop_questions SET WITHOUT CLUSTER;
ALTER TABLE question_steps SET WITHOUT CLUSTER;
GRANT SELECT, INSERT, DELETE ON question_words TO distrib_web, distrib_worker;
ALTER TABLE question_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE question_words FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON question_words TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);

-- Those that wait for an answer, found without those that wait for their shop to read it.
CREATE INDEX unclosed_questions_open ON unclosed_questions (program_id, question_no) WHERE NOT is_answered;

-- A question is told of as the rest that waits for a person is, without what it says.
CREATE FUNCTION tell_questions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (program_id, type, occurred_at, payload)
    SELECT q.program_id, 'question.asked', q.asked_at, json_build_object(
        'question_id', q.question_id, 'shop_id', s.shop_id, 'commission_id', q.cause_no || '-' || q.seq,
        'order_id', o.order_id)::text
    FROM written q JOIN shops s USING (program_id, shop_no)
    LEFT JOIN orders o ON o.program_id = q.program_id AND o.order_no = q.cause_no
    WHERE is_told(q.program_id, 'question.asked');
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT ON shop_questions REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION tell_questions();
-- Changes of rank of all shops, the newest first, by what decided them.
CREATE INDEX shop_ranks_changes ON shop_ranks (program_id, cause, effective_at, seq);

-- The shops that are nearest to their next rank, worked out over all shops now and then and replaced as a whole.
CREATE TABLE near_rank_runs (
    program_id integer PRIMARY KEY,
    as_of      timestamptz NOT NULL,
    version_no integer,                          -- the plan in force; NULL: none
    shops      bigint NOT NULL                   -- how many were looked at
);
CREATE TABLE near_ranks (
    program_id integer NOT NULL,
    shop_no    bigint NOT NULL,
    rank       text NOT NULL,                    -- that it has, or has earned and holds tomorrow
    next_rank  text NOT NULL,
    share_ppm  integer NOT NULL CHECK (share_ppm BETWEEN 0 AND 1000000),
    figures    text NOT NULL,                    -- JSON: each threshold with what the shop has of it
    PRIMARY KEY (program_id, shop_no)
);
CREATE INDEX near_ranks_share ON near_ranks (program_id, next_rank, share_ppm, shop_no);
GRANT SELECT ON near_rank_runs, near_ranks TO distrib_web;
GRANT SELECT, INSERT, DELETE ON near_rank_runs, near_ranks TO distrib_worker;
GRANT UPDATE (as_of, version_no, shops) ON near_rank_runs TO distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['near_rank_runs', 'near_ranks']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;

-- What all shops of a large program get on which day, worked out now and then beside the order of its shops.
CREATE TABLE release_sums (
    program_id    integer PRIMARY KEY,
    as_of         timestamptz NOT NULL,
    days          date[] NOT NULL,               -- in the program's time zone
    amounts_minor bigint[] NOT NULL
);
GRANT SELECT ON release_sums TO distrib_web, distrib_worker;
GRANT INSERT ON release_sums TO distrib_worker;
GRANT UPDATE (as_of, days, amounts_minor) ON release_sums TO distrib_worker;
ALTER TABLE release_sums ENABLE ROW LEVEL SECURITY;
ALTER TABLE release_sums FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON release_sums TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);

-- The shops directly below one by their number, so that a page of a hundred thousand reads no more than it shows.
CREATE INDEX referrals_recruits ON referrals (program_id, sponsor_no, shop_no) WHERE sponsor_no IS NOT NULL;
DROP INDEX referrals_sponsor;

-- The processes that work for all programs and how their periodic jobs went. Neither names a program, a machine or a
-- person: anybody who may read the queue may know them.
CREATE TABLE service_processes (
    process_id text COLLATE "C" PRIMARY KEY,
    kind       text COLLATE "C" NOT NULL CHECK (kind IN ('supervisor', 'worker')),
    began_at   timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    activity   text COLLATE "C",                 -- what it is at; NULL: nothing
    busy_since timestamptz,
    orders     bigint NOT NULL,                  -- settled since it began
    ended_at   timestamptz,                      -- as it should; of one that died it stays NULL
    CHECK ((activity IS NULL) = (busy_since IS NULL))
);
CREATE INDEX service_processes_seen ON service_processes (seen_at);
CREATE TABLE periodic_runs (
    job           text COLLATE "C" PRIMARY KEY,
    every_seconds integer NOT NULL CHECK (every_seconds > 0),
    done_at       timestamptz,                   -- the last that went well
    took_ms       bigint,
    failed_at     timestamptz,                   -- the last that did not
    error         text
);
GRANT SELECT ON service_processes, periodic_runs TO distrib_web, distrib_worker;
GRANT INSERT, DELETE ON service_processes TO distrib_worker;
GRANT INSERT ON periodic_runs TO distrib_worker;
GRANT UPDATE (seen_at, activity, busy_since, orders, ended_at) ON service_processes TO distrib_worker;
GRANT UPDATE (every_seconds, done_at, took_ms, failed_at, error) ON periodic_runs TO distrib_worker;

-- What each shop and all below it sold in the month that runs, worked out over all shops now and then and replaced as a
-- whole; a shop without a row stands alone and sold nothing.
CREATE TABLE branch_runs (
    program_id integer PRIMARY KEY,
    as_of      timestamptz NOT NULL,
    period     integer NOT NULL,                 -- 202603, program's time zone
    shops      bigint NOT NULL                   -- how many there were
);
CREATE TABLE branches (
    program_id  integer NOT NULL,
    shop_no     bigint NOT NULL,
    shops       bigint NOT NULL CHECK (shops > 0),   -- itself and all below it
    sales_minor bigint NOT NULL,
    PRIMARY KEY (program_id, shop_no)
);
GRANT SELECT ON branch_runs, branches TO distrib_web;
GRANT SELECT, INSERT, DELETE ON branch_runs, branches TO distrib_worker;
GRANT UPDATE (as_of, period, shops) ON branch_runs TO distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['branch_runs', 'branches']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
