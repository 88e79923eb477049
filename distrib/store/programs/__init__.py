"""Rows of programs and keys, and what a program comes to. Begin with ``tenants``."""
