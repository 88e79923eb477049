"""Rows of shops, their dated links, statuses and ranks, and their figures. Begin with ``shops``."""
