"""Proves the books: runs every check of the audit and works every order out again. Begin with ``run``."""
