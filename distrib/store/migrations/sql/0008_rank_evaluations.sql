-- Monthly evaluations of ranks.
-- A rank that holds again because the floor over it ended, or because a floor below it was set, only repeats what was
-- earned before: it is no promotion of its own.
ALTER TABLE shop_ranks DROP CONSTRAINT shop_ranks_cause_check;
ALTER TABLE shop_ranks ADD CONSTRAINT shop_ranks_cause_check
    CHECK (cause IN ('hand', 'floor', 'restored', 'promotion', 'evaluation', 'plan'));

-- A month is evaluated once, in sequence; the row is what makes it so.
CREATE TABLE rank_evaluations (
    program_id   integer NOT NULL,
    period       integer NOT NULL,            -- 202603, program's time zone
    version_no   integer,                     -- the plan in force at the month's last instant; NULL: none, nothing done
    effective_at timestamptz NOT NULL,        -- the start of the next month
    shops        bigint NOT NULL,
    promoted     bigint NOT NULL,
    lowered      bigint NOT NULL,             -- keep failed more often than grace allows
    taken_back   bigint NOT NULL,             -- basis_refunded
    failing      bigint NOT NULL,             -- keep failed, within grace or not
    ranks_seq    bigint NOT NULL,             -- the newest row of shop_ranks that it has seen
    evaluated_at timestamptz NOT NULL,
    evaluated_by text NOT NULL,
    PRIMARY KEY (program_id, period)
);
-- Who failed `keep` in a month, and for which time in a row; who does not stand here has kept its rank.
CREATE TABLE rank_failures (
    program_id   integer NOT NULL,
    period       integer NOT NULL,
    shop_no      bigint NOT NULL,
    rank         text NOT NULL,
    failures     integer NOT NULL CHECK (failures > 0),
    is_lowered   boolean NOT NULL,
    PRIMARY KEY (program_id, period, shop_no)
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON rank_evaluations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON rank_failures FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON rank_evaluations, rank_failures TO distrib_web, distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['rank_evaluations', 'rank_failures']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
