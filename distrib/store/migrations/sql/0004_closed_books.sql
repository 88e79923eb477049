-- How far the books of a program are closed. The drain takes the program's row FOR SHARE before it posts, a close FOR
-- UPDATE, so that nothing is posted into a period while it closes.
ALTER TABLE programs ADD COLUMN closed_through integer NOT NULL DEFAULT 0; -- the last closed period, 202603; 0: none
