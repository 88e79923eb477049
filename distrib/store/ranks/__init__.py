"""Reads the figures that ranks are decided by, in rows and in columns; writes evaluations. Begin with ``figures``."""
