"""`distrib serve`, `worker`, `settle` and `migrate`: what keeps running."""
