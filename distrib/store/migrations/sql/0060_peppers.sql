-- With which secrets keyed hashes are made, as values that only tell one from another: who comes with a wrong one is told.
CREATE TABLE peppers (
    pepper_no   integer NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    purpose     text COLLATE "C" NOT NULL CHECK (purpose IN ('keys', 'identities')),
    check_value bytea NOT NULL CHECK (octet_length(check_value) = 16),
    recorded_at timestamptz NOT NULL,
    UNIQUE (purpose, check_value)
);
-- Keys may be hashed anew when they are shown; an identity is never kept, so that its pepper stays for ever.
CREATE UNIQUE INDEX peppers_identities ON peppers (purpose) WHERE purpose = 'identities';
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON peppers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON peppers TO distrib_web, distrib_worker;
