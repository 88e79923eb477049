-- Which columns lines.csv has in a closed month: its digest is of those bytes, so they stay. 1: without the id and the
-- reason of an adjustment; what is closed from now on says its form itself.
ALTER TABLE closed_periods ADD COLUMN lines_form smallint NOT NULL DEFAULT 1;
