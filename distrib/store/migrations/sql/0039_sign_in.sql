-- Links by which a person sets a new password, once: asked for by an admin of the one program that the person is in.
CREATE TABLE password_links (
    link_hash   bytea PRIMARY KEY,
    program_id  integer NOT NULL REFERENCES programs,
    key_id      text COLLATE "C" NOT NULL,        -- the person's seat
    person_no   bigint NOT NULL REFERENCES people,
    made_at     timestamptz NOT NULL,
    made_by     text COLLATE "C" NOT NULL,        -- the key that asked
    over_at     timestamptz NOT NULL,             -- until when it is good; or when it was used or another took its place
    used_at     timestamptz
);
CREATE INDEX password_links_person ON password_links (person_no, over_at);
CREATE INDEX password_links_over ON password_links (program_id, over_at);
GRANT SELECT, INSERT, DELETE ON password_links TO distrib_web, distrib_worker;
GRANT UPDATE (over_at, used_at) ON password_links TO distrib_web, distrib_worker;
ALTER TABLE password_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE password_links FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON password_links TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
CREATE POLICY by_person ON password_links TO distrib_web
    USING (person_no = NULLIF(current_setting('distrib.person_no', true), '')::bigint);
-- A link is looked up before its program and person are known: by its unguessable hash alone.
CREATE POLICY by_link ON password_links FOR SELECT TO distrib_web
    USING (link_hash = decode(current_setting('distrib.password_link', true), 'hex'));

-- Whom a person is at a provider of OpenID Connect; a row that ended stays. Bound on the command line alone.
CREATE TABLE person_subjects (
    binding_no  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_no   bigint NOT NULL REFERENCES people,
    issuer      text COLLATE "C" NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    bound_at    timestamptz NOT NULL,
    unbound_at  timestamptz
);
CREATE UNIQUE INDEX person_subjects_subject ON person_subjects (issuer, subject) WHERE unbound_at IS NULL;
CREATE UNIQUE INDEX person_subjects_person ON person_subjects (person_no, issuer) WHERE unbound_at IS NULL;
GRANT SELECT ON person_subjects TO distrib_web;
GRANT SELECT, INSERT ON person_subjects TO distrib_worker;
GRANT UPDATE (unbound_at) ON person_subjects TO distrib_worker;
GRANT USAGE ON SEQUENCE person_subjects_binding_no_seq TO distrib_worker;
ALTER TABLE person_subjects ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_subjects FORCE ROW LEVEL SECURITY;
CREATE POLICY by_person ON person_subjects TO distrib_web
    USING (person_no = NULLIF(current_setting('distrib.person_no', true), '')::bigint);
CREATE POLICY by_subject ON person_subjects FOR SELECT TO distrib_web
    USING (issuer = current_setting('distrib.issuer', true) AND subject = current_setting('distrib.subject', true));

ALTER TABLE person_sessions
    ADD COLUMN signed_in_by text NOT NULL DEFAULT 'password' CHECK (signed_in_by IN ('password', 'oidc'));
