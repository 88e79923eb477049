-- What is sealed, in closed months and found clean need not be asked again: an audit keeps how far that reached when it
-- began, empty where it found anything wrong. Those of before this migration have nothing to rest upon.
ALTER TABLE audits ADD COLUMN closed_through integer;
ALTER TABLE audits ADD COLUMN through_posting bigint;
ALTER TABLE audits ADD CHECK ((closed_through IS NULL) = (through_posting IS NULL));
ALTER TABLE audit_requests ADD COLUMN is_full boolean NOT NULL DEFAULT false;
