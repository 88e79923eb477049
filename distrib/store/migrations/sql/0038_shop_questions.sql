-- What a shop's owner asks about one of its commissions; an answer and a close are rows of their own.
CREATE TABLE shop_questions (
    program_id  integer NOT NULL,
    question_no bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    question_id text COLLATE "C" NOT NULL,
    shop_no     bigint NOT NULL,
    cause_no    bigint NOT NULL,                 -- with seq: the commission
    seq         integer NOT NULL,
    words       text NOT NULL CHECK (char_length(words) BETWEEN 1 AND 500),
    asked_at    timestamptz NOT NULL,
    asked_by    text COLLATE "C" NOT NULL,
    PRIMARY KEY (program_id, question_no),
    UNIQUE (program_id, question_id)
);
CREATE INDEX shop_questions_shop ON shop_questions (program_id, shop_no, question_no);
CREATE TABLE question_steps (
    program_id  integer NOT NULL,
    question_no bigint NOT NULL,
    step        text COLLATE "C" NOT NULL CHECK (step IN ('answered', 'closed')),
    words       text CHECK (char_length(words) BETWEEN 1 AND 500),
    done_at     timestamptz NOT NULL,
    done_by     text COLLATE "C" NOT NULL,
    PRIMARY KEY (program_id, question_no, step),
    CHECK ((words IS NOT NULL) = (step = 'answered'))
);
CREATE INDEX question_steps_closed ON question_steps (program_id, question_no) WHERE step = 'closed';

-- Those that are not closed, so that what waits is found without the past.
CREATE TABLE unclosed_questions (
    program_id  integer NOT NULL,
    question_no bigint NOT NULL,
    shop_no     bigint NOT NULL,
    is_answered boolean NOT NULL DEFAULT false,
    PRIMARY KEY (program_id, question_no)
);
CREATE INDEX unclosed_questions_shop ON unclosed_questions (program_id, shop_no, question_no);
GRANT SELECT, INSERT ON shop_questions, question_steps TO distrib_web, distrib_worker;
GRANT SELECT, INSERT, DELETE ON unclosed_questions TO distrib_web, distrib_worker;
GRANT UPDATE (is_answered) ON unclosed_questions TO distrib_web, distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['shop_questions', 'question_steps', 'unclosed_questions']
    LOOP
        IF t <> 'unclosed_questions' THEN
            EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        END IF;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
