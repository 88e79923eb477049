-- What SQL asks of a snapshot: whether the buyer was the selling shop itself. Version 2 is an object with names, version 1
-- was a list by position (distrib.domain.settlement.snapshot).
CREATE FUNCTION snapshot_is_self_purchase(snapshot text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN left(snapshot, 1) = '[' THEN coalesce(snapshot::jsonb ->> 2 = '1', false)
                ELSE coalesce((snapshot::jsonb ->> 'is_self_purchase')::boolean, false) END
$$;
