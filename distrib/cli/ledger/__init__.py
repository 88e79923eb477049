"""`distrib ledger`, `audit`, `adjustment`, `pools` and `statement`."""
