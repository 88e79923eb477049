"""Rows of payees, payout batches and their lines. Begin with ``batches``."""
