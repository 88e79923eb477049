"""`distrib plan`."""
