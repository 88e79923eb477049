-- Customers, bindings (锁客) and admission.
ALTER TABLE programs
    ADD COLUMN binding_rule text NOT NULL DEFAULT 'first' CHECK (binding_rule IN ('first', 'last', 'protected')),
    ADD COLUMN protect_days integer CHECK (protect_days BETWEEN 0 AND 3650),
    ADD COLUMN expire_days integer CHECK (expire_days BETWEEN 1 AND 3650);

-- What was set differently, by whom, from what to what: a program's own row carries the newest.
CREATE TABLE program_changes (
    program_id    integer NOT NULL,
    seq           bigint GENERATED ALWAYS AS IDENTITY,
    changed_at    timestamptz NOT NULL,
    changed_by    text NOT NULL,
    signed_off_by text,
    before        text NOT NULL,              -- JSON of the settings that changed, as they were
    after         text NOT NULL,              -- and as they became
    PRIMARY KEY (program_id, seq)
);

-- A customer who is also a shop: the newest row says which; NULL takes it back.
CREATE TABLE customer_shops (
    program_id   integer NOT NULL,
    customer_id  text COLLATE "C" NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    shop_no      bigint,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, customer_id, seq)
);

-- A claim (锁客) is a fact: the customer came by that shop at `bound_at`. Whom the customer belongs to at an instant is
-- worked out from the claims up to it by `bound_at`, in whatever order they arrived; each is judged by the rule of the
-- program when it was recorded, which is kept with it. `outcome` is what was answered when it was first sent.
CREATE TABLE bindings (
    program_id   integer NOT NULL,
    customer_id  text COLLATE "C" NOT NULL,
    bound_at     timestamptz NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    shop_no      bigint NOT NULL,
    source       text NOT NULL,
    rule         text NOT NULL CHECK (rule IN ('first', 'last', 'protected')),
    protect_days integer,
    expire_days  integer,
    outcome      text NOT NULL CHECK (outcome IN ('bound', 'kept', 'taken_over')),
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, customer_id, bound_at, seq),
    UNIQUE (program_id, customer_id, bound_at, shop_no, source)
);
CREATE INDEX bindings_shop ON bindings (program_id, shop_no, bound_at);

-- Who runs a shop's tree, where one runs several (compliance adds their trees together), dated.
ALTER TABLE shops ADD COLUMN organiser_id text COLLATE "C";
CREATE TABLE shop_organisers (
    program_id   integer NOT NULL,
    shop_no      bigint NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    effective_at timestamptz NOT NULL,
    organiser_id text COLLATE "C",
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, shop_no, effective_at, seq)
);
CREATE INDEX shop_organisers_id ON shop_organisers (program_id, organiser_id) WHERE organiser_id IS NOT NULL;

-- Whose personal data was blanked, and when; what was blanked is gone.
CREATE TABLE shop_erasures (
    program_id   integer NOT NULL,
    shop_no      bigint NOT NULL,
    erased_at    timestamptz NOT NULL,
    erased_by    text NOT NULL,
    PRIMARY KEY (program_id, shop_no, erased_at)
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['program_changes', 'customer_shops', 'bindings', 'shop_organisers', 'shop_erasures']
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
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO distrib_web, distrib_worker;
