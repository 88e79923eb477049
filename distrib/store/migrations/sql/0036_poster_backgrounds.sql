-- The picture that a program puts behind its posters, encoded anew by us. No fact: who set it when is in the trail.
CREATE TABLE poster_backgrounds (
    program_id  integer PRIMARY KEY,
    image       bytea NOT NULL CHECK (octet_length(image) <= 1048576),   -- JPEG, 1080 x 1920
    digest      bytea NOT NULL CHECK (octet_length(digest) = 32),        -- SHA-256 of the image
    set_at      timestamptz NOT NULL
);
GRANT SELECT, INSERT, DELETE ON poster_backgrounds TO distrib_web, distrib_worker;
GRANT UPDATE (image, digest, set_at) ON poster_backgrounds TO distrib_web, distrib_worker;
ALTER TABLE poster_backgrounds ENABLE ROW LEVEL SECURITY;
ALTER TABLE poster_backgrounds FORCE ROW LEVEL SECURITY;
CREATE POLICY own_program ON poster_backgrounds TO distrib_web
    USING (program_id = NULLIF(current_setting('distrib.program_id', true), '')::integer);
