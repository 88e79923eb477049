"""`distrib payout` and the files of banks."""
