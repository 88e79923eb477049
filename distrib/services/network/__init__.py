"""Registers shops, moves them, changes their status, shows the tree and their months. Begin with ``registration``."""
