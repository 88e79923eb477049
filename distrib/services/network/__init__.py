"""Registers shops, moves them, changes their status, shows the tree. Begin with ``registration``."""
