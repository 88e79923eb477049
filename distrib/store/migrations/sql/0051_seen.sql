-- What a simulation saw, in one line: where it is what is seen now, the same question has the same answer. One that runs
-- says it as soon as it reads; those that ended before have none, and answer nothing anew.
ALTER TABLE simulation_ends ADD COLUMN seen text COLLATE "C";
ALTER TABLE waiting_simulations ADD COLUMN seen text COLLATE "C";
GRANT UPDATE (seen) ON waiting_simulations TO distrib_worker;
-- The newest rows of a program's history, whatever instant they are dated to.
CREATE INDEX referrals_newest ON referrals (program_id, seq);
CREATE INDEX shop_statuses_newest ON shop_statuses (program_id, seq);
CREATE INDEX shop_ranks_newest ON shop_ranks (program_id, seq);
CREATE INDEX bindings_newest ON bindings (program_id, seq);
CREATE INDEX customer_shops_newest ON customer_shops (program_id, seq);
CREATE INDEX customer_merges_newest ON customer_merges (program_id, seq);
