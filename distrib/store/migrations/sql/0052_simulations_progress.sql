-- How far a simulation was when it ended; null of those that ended before that was kept.
ALTER TABLE simulation_ends ADD orders_done bigint, ADD orders_total bigint;
