"""``distrib simulate``: what another plan would have cost, and whether the ledger is what its plans come to."""
