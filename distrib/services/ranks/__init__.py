"""Promotes shops as facts arrive and evaluates ranks once a month. Begin with ``promotion``."""
