-- Monthly evaluations of ranks.
SELECT 1;
