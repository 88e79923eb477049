-- Long calls that a worker makes in the name of who asked: what was asked stays, and so does how it ended.
CREATE TABLE tasks (
    program_id integer NOT NULL,
    task_no    bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    task_id    text COLLATE "C" NOT NULL,
    operation  text COLLATE "C" NOT NULL,
    asked      jsonb NOT NULL,                   -- path, query and body of the call
    language   text COLLATE "C" NOT NULL,        -- in which what becomes of it is said
    key_id     text COLLATE "C" NOT NULL,
    person     text COLLATE "C" NOT NULL,        -- whose the key is
    asked_at   timestamptz NOT NULL,
    PRIMARY KEY (program_id, task_no),
    UNIQUE (program_id, task_id)
);
CREATE INDEX tasks_person ON tasks (program_id, person, task_no);
CREATE INDEX tasks_operation ON tasks (program_id, operation, task_no);

-- Those that have not ended; what is asked a second time meanwhile is the same task.
CREATE TABLE waiting_tasks (
    program_id integer NOT NULL,
    task_no    bigint NOT NULL,
    person     text COLLATE "C" NOT NULL,
    digest     bytea NOT NULL,                   -- of operation and what is asked
    attempts   integer NOT NULL DEFAULT 0,
    begun_at   timestamptz,                      -- of the last attempt
    bytes      bigint NOT NULL DEFAULT 0,        -- of the file so far
    PRIMARY KEY (program_id, task_no),
    UNIQUE (program_id, person, digest)
);
CREATE TABLE task_ends (
    program_id integer NOT NULL,
    task_no    bigint NOT NULL,
    outcome    text COLLATE "C" NOT NULL CHECK (outcome IN ('done', 'failed', 'cancelled')),
    answer     jsonb,                            -- of the call, where it was done and is no file
    problem    jsonb,                            -- why it failed
    file_name  text COLLATE "C",
    media_type text COLLATE "C",
    file_bytes bigint,
    attempts   integer NOT NULL,
    begun_at   timestamptz,
    ended_at   timestamptz NOT NULL,
    PRIMARY KEY (program_id, task_no),
    CHECK ((problem IS NOT NULL) = (outcome = 'failed'))
);
-- The file of a task in pieces; no fact, and forgotten after some days.
CREATE TABLE task_files (
    program_id integer NOT NULL,
    task_no    bigint NOT NULL,
    piece_no   integer NOT NULL,
    content    bytea NOT NULL,
    made_at    timestamptz NOT NULL,
    PRIMARY KEY (program_id, task_no, piece_no)
);
ALTER TABLE task_files ALTER content SET STORAGE EXTERNAL;
CREATE INDEX task_files_made ON task_files (made_at);
GRANT SELECT, INSERT ON tasks, task_ends, task_files TO distrib_web, distrib_worker;
GRANT SELECT, INSERT, DELETE ON waiting_tasks TO distrib_web, distrib_worker;
GRANT UPDATE (attempts, begun_at, bytes) ON waiting_tasks TO distrib_worker;
GRANT DELETE ON task_files TO distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['tasks', 'waiting_tasks', 'task_ends', 'task_files']
    LOOP
        IF t IN ('tasks', 'task_ends') THEN
            EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        END IF;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
