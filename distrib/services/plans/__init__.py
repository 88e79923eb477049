"""Versions of plans: created, checked, tried, published, put into words. Begin with ``versions``."""
