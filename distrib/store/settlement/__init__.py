"""Writes what a batch of orders became and reads what was settled before. Begin with ``batch``."""
