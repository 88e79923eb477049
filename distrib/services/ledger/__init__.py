"""Accounts and transfers as they are read, the chain of seals, adjustments by two persons. Begin with ``accounts``."""
