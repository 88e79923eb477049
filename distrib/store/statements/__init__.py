"""Rows of statements, closed periods and pools, and the rows of files. Begin with ``months``."""
