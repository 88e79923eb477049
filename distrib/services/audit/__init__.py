"""Proves the books: runs every check of the audit and recomputes every order. Begin with ``run``."""
