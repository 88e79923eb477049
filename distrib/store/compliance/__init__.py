"""Rows of cases, findings and penalties, and what the structure monitors read. Begin with ``cases``."""
