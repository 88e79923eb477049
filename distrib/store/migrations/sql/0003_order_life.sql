-- Expected commissions, cancels and groups.
SELECT 1;
