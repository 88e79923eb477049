-- Penalties for organising or leading pyramid selling, as a platform learns of them: about a shop (the person who
-- runs it), or about an organiser. A decision that was annulled is withdrawn by a row of its own.
CREATE TABLE penalties (
    program_id   integer NOT NULL,
    penalty_no   bigint GENERATED ALWAYS AS IDENTITY,
    penalty_id   text COLLATE "C" NOT NULL,   -- the caller's own
    digest       bytea NOT NULL,              -- of the content as first sent
    shop_no      bigint,
    organiser_id text COLLATE "C",
    kind         text NOT NULL CHECK (kind IN ('administrative', 'criminal')),
    decided_on   date NOT NULL,
    authority    text,
    reference    text,
    reason       text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, penalty_id),
    UNIQUE (program_id, penalty_no),
    CHECK ((shop_no IS NULL) <> (organiser_id IS NULL))
);
CREATE TABLE penalty_withdrawals (
    program_id   integer NOT NULL,
    penalty_no   bigint NOT NULL,
    reason       text NOT NULL,
    withdrawn_at timestamptz NOT NULL,
    withdrawn_by text NOT NULL,
    PRIMARY KEY (program_id, penalty_no)
);

-- Whom a shop names is asked of the dated rows alone.
DROP INDEX shops_organiser;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['penalties', 'penalty_withdrawals']
    LOOP
        EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO distrib_web, distrib_worker', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
