-- Findings, cases and freezes.
SELECT 1;
