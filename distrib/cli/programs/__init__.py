"""`distrib program` and `distrib key`."""
