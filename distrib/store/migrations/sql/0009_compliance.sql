-- Findings, cases and freezes. A finding is what a policy pack saw; a case is opened where it says so, and a person
-- decides it: indirect pay is frozen from an instant on, what is frozen is released or taken back.
CREATE INDEX shops_organiser ON shops (program_id, organiser_id, shop_no) WHERE organiser_id IS NOT NULL;

CREATE TABLE compliance_runs (
    program_id   integer NOT NULL,
    run_no       bigint GENERATED ALWAYS AS IDENTITY,
    as_of        timestamptz NOT NULL,
    day          date NOT NULL,               -- of as_of in the program's time zone
    result       text NOT NULL,               -- JSON: what was measured
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, run_no)
);
CREATE INDEX compliance_runs_day ON compliance_runs (program_id, day);
CREATE TABLE compliance_findings (
    program_id   integer NOT NULL,
    finding_no   bigint GENERATED ALWAYS AS IDENTITY,
    id           text COLLATE "C" NOT NULL,   -- CN-M01
    severity     text NOT NULL CHECK (severity IN ('info', 'alert', 'sign_off', 'hold', 'refuse')),
    moment       text NOT NULL CHECK (moment IN ('registration', 'structure')),
    subject      text COLLATE "C" NOT NULL,   -- tree:SHOP, organiser:ID, program, shop:ID
    figure       text NOT NULL,
    threshold    text NOT NULL,
    source       text NOT NULL,
    detail_en    text NOT NULL,
    detail_zh    text NOT NULL,
    action       text NOT NULL,               -- what was done about it at once
    evidence     text NOT NULL,               -- JSON
    pack         text COLLATE "C" NOT NULL,
    found_at     timestamptz NOT NULL,
    day          date NOT NULL,
    PRIMARY KEY (program_id, finding_no)
);
CREATE INDEX compliance_findings_day ON compliance_findings (program_id, id, day);
CREATE INDEX compliance_findings_subject ON compliance_findings (program_id, subject, id, finding_no DESC);

CREATE TABLE compliance_cases (
    program_id   integer NOT NULL,
    case_no      bigint NOT NULL DEFAULT nextval('cause_no_seq'),
    finding_id   text COLLATE "C",            -- NULL where a person opened it
    subject      text COLLATE "C" NOT NULL,
    root_no      bigint,                      -- of one tree
    organiser_id text COLLATE "C",            -- of all the trees of one organiser
    reason       text NOT NULL,
    evidence     text NOT NULL,
    opened_at    timestamptz NOT NULL,
    opened_by    text NOT NULL,
    PRIMARY KEY (program_id, case_no),
    CHECK ((root_no IS NULL) <> (organiser_id IS NULL))
);
CREATE INDEX compliance_cases_subject ON compliance_cases (program_id, subject, case_no);
CREATE TABLE case_decisions (
    program_id   integer NOT NULL,
    case_no      bigint NOT NULL,
    seq          integer NOT NULL,
    decision     text NOT NULL CHECK (decision IN ('freeze', 'release', 'reverse', 'dismiss')),
    effective_at timestamptz NOT NULL,        -- of a freeze: for orders paid from then on
    decided_by   text NOT NULL,               -- a person
    reason       text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,               -- the key
    PRIMARY KEY (program_id, case_no, seq)
);
-- Indirect commissions that were posted while their tree was frozen: held, whatever their day of release says, until a
-- decision frees them (freed_at). What a decision took back stands in the ledger as a reversal without an event.
CREATE TABLE frozen_commissions (
    program_id   integer NOT NULL,
    cause_no     bigint NOT NULL,
    seq          integer NOT NULL,
    case_no      bigint NOT NULL,
    shop_no      bigint NOT NULL,
    frozen_at    timestamptz NOT NULL,        -- when it was earned
    PRIMARY KEY (program_id, cause_no, seq)
);
CREATE INDEX frozen_commissions_case ON frozen_commissions (program_id, case_no);
CREATE INDEX frozen_commissions_shop ON frozen_commissions (program_id, shop_no);
CREATE TABLE freed_commissions (
    program_id   integer NOT NULL,
    cause_no     bigint NOT NULL,
    seq          integer NOT NULL,
    case_no      bigint NOT NULL,
    decision_seq integer NOT NULL,
    freed_at     timestamptz NOT NULL,
    PRIMARY KEY (program_id, cause_no, seq)
);
-- Every transfer that a freeze holds or held, its reversals included; freed_at is NULL while it is held.
CREATE VIEW frozen_transfers WITH (security_invoker = true) AS
SELECT f.program_id, t.cause_no, t.seq, f.shop_no, t.period, t.occurred_at, t.available_at, f.case_no, d.freed_at,
       CASE WHEN t.credit_account = t.shop_no THEN t.amount_minor ELSE -t.amount_minor END AS signed_minor
FROM frozen_commissions f
JOIN transfers t ON t.program_id = f.program_id AND t.cause_no = f.cause_no
     AND COALESCE(t.reverses_seq, t.seq) = f.seq AND t.kind IN ('earned', 'reversed')
LEFT JOIN freed_commissions d ON d.program_id = f.program_id AND d.cause_no = f.cause_no AND d.seq = f.seq;

-- Who answers for a local override that loosens a figure of a pack.
CREATE TABLE policy_sign_offs (
    program_id   integer NOT NULL,
    sign_off_no  bigint GENERATED ALWAYS AS IDENTITY,
    pack         text COLLATE "C" NOT NULL,
    digest       text COLLATE "C" NOT NULL,   -- of the override as merged
    document     text NOT NULL,
    loosened     text NOT NULL,               -- JSON: every figure that is looser, before and after
    signed_off_by text NOT NULL,
    reason       text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    PRIMARY KEY (program_id, sign_off_no)
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['compliance_runs', 'compliance_findings', 'compliance_cases', 'case_decisions',
        'frozen_commissions', 'freed_commissions', 'policy_sign_offs']
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
GRANT SELECT ON frozen_transfers TO distrib_web, distrib_worker;
