-- A proposal to close a month may cut it off: what is posted from then on counts in the next month, though the month is
-- open until the close is confirmed. So a month of which facts go on coming in can be closed.
ALTER TABLE programs ADD COLUMN cut_off_through integer NOT NULL DEFAULT 0; -- the last month cut off, 202603; 0: none
ALTER TABLE close_proposals ADD COLUMN cut_off_at timestamptz; -- what was received before is in; NULL: all that came
GRANT UPDATE (cut_off_through) ON programs TO distrib_web, distrib_worker;
