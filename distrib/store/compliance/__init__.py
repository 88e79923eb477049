"""Reads and writes cases, findings and penalties; reads for the structure monitors. Begin with ``cases``."""
