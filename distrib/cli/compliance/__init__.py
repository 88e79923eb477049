"""`distrib compliance` and the penalties of a program."""
