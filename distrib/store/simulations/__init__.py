"""Simulations: the history they read, and what is kept of them. Begin with ``history``."""
