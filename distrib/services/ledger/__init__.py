"""Accounts and transfers as they are read, the chain of seals, adjustments by two keys. Begin with ``accounts``."""
