-- What an order is before it settles: paid with what is expected of it, waiting for its group (拼团), cancelled, dropped.

-- A group's head; its number comes from the sequence of causes, so that its own events stand in `events` and `queue`
-- under a number that no order has. Its row is the lock on which an order and the group's decision meet.
CREATE TABLE groups (
    program_id   integer NOT NULL,
    group_no     bigint NOT NULL DEFAULT nextval('cause_no_seq'),
    group_id     text COLLATE "C" NOT NULL,
    PRIMARY KEY (program_id, group_no),
    UNIQUE (program_id, group_id)
);
CREATE TABLE group_decisions (
    program_id   integer NOT NULL,
    group_no     bigint NOT NULL,
    event_no     bigint NOT NULL,
    has_succeeded boolean NOT NULL,
    occurred_at  timestamptz NOT NULL,
    day          date NOT NULL,               -- of occurred_at in the program's time zone
    PRIMARY KEY (program_id, group_no)        -- once: success is as final as failure
);
-- Orders that were worked on while they belonged to a group: whom a decision wakes.
CREATE TABLE group_orders (
    program_id   integer NOT NULL,
    group_no     bigint NOT NULL,
    order_no     bigint NOT NULL,
    PRIMARY KEY (program_id, group_no, order_no)
);

-- An order whose payment came before its settlement: the snapshot taken then is the one that counts for ever.
CREATE TABLE paid_orders (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    event_no     bigint NOT NULL,
    version_no   integer NOT NULL,
    seller_no    bigint,
    paid_at      timestamptz NOT NULL,
    paid_minor   bigint NOT NULL CHECK (paid_minor >= 0),
    snapshot     text NOT NULL,
    PRIMARY KEY (program_id, order_no)
);
CREATE INDEX paid_orders_seller ON paid_orders (program_id, seller_no, order_no) WHERE seller_no IS NOT NULL;
-- What is expected of an order, apart from the ledger: first what was worked out, then what refunds took of it and
-- what its end took away. Amounts are signed; an order that is settled, cancelled or dropped adds up to nothing.
CREATE TABLE expected_changes (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    seq          integer NOT NULL,
    event_no     bigint NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('expected', 'refunded', 'ended')),
    shop_no      bigint NOT NULL,
    line_id      text COLLATE "C" NOT NULL,
    rule_id      text COLLATE "C" NOT NULL,
    tier         smallint NOT NULL,
    base_minor   bigint NOT NULL,
    rate_ppm     integer,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0 AND (amount_minor > 0) = (kind = 'expected')),
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, order_no, seq)
);
CREATE INDEX expected_changes_shop ON expected_changes (program_id, shop_no, order_no);
-- What refunds took of a paid order before it settled; the settlement brings them to `refund_lines`, in this order.
CREATE TABLE early_refunds (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    refund_id    text COLLATE "C" NOT NULL,
    line_id      text COLLATE "C" NOT NULL,
    seq          integer NOT NULL,
    event_no     bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, order_no, refund_id, line_id)
);
-- An order that was cancelled (before or after it settled) or dropped by its group, once and for ever.
CREATE TABLE order_ends (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    reason       text COLLATE "C" NOT NULL CHECK (reason IN ('order_cancelled', 'group_failed')),
    event_no     bigint NOT NULL,             -- of the cancel, or of the group
    shop_id      text COLLATE "C",            -- that the order names
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, order_no)
);
CREATE INDEX order_ends_shop ON order_ends (program_id, shop_id, order_no) WHERE shop_id IS NOT NULL;

-- Which paid orders are neither settled nor ended: few, so that they are found without reading all that ever were.
CREATE TABLE expecting_orders (
    program_id   integer NOT NULL,
    order_no     bigint NOT NULL,
    PRIMARY KEY (program_id, order_no)
);

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON groups FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON group_decisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON group_orders FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON paid_orders FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON expected_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON early_refunds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON order_ends FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON groups, group_decisions, group_orders, paid_orders, expected_changes, early_refunds, order_ends,
    expecting_orders TO distrib_web, distrib_worker;
-- Locking a row asks for the right to change it; the trigger says that nobody does.
GRANT UPDATE (group_id) ON groups TO distrib_worker;
GRANT DELETE ON expecting_orders TO distrib_worker;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['groups', 'group_decisions', 'group_orders', 'paid_orders', 'expected_changes',
        'early_refunds', 'order_ends', 'expecting_orders']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_program ON %I TO distrib_web '
            'USING (program_id = NULLIF(current_setting(''distrib.program_id'', true), '''')::integer)', t);
    END LOOP;
END $$;
