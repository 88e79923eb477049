"""`distrib shops` and the posters of shops."""
