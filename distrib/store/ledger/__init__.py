"""Transfers, accounts, balances, seals, and the lock on the books. Begin with ``postings``."""
