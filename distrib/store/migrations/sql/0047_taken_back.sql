-- What was taken back, given by a pool or adjusted is a few of a program's commissions: a list of them, over all shops,
-- goes from one to the next instead of through all that was earned between them. What was paid is found by its payout.
CREATE INDEX transfers_taken_back ON transfers (program_id, kind, cause_no, seq)
    WHERE kind IN ('reversed', 'pool', 'adjusted');
