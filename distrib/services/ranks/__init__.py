"""Promotes shops as events arrive and evaluates ranks once a month. Begin with ``promotion``."""
