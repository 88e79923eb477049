-- What waits for a shop is found by that shop's id, when it is registered.
CREATE INDEX event_outcomes_awaited ON event_outcomes (program_id, waits_for) WHERE status = 'waiting';
