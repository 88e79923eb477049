"""Payees, payout batches proposed, approved and answered by the bank, channel files, reports. Begin with ``batches``."""
