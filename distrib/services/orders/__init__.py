"""Accepts events into the inbox; shows orders, commissions and explanations. Begin with ``inbox``."""
