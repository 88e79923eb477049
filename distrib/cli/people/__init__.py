"""``distrib person``: people who sign in to the console."""
