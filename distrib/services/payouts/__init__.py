"""Payees, payout batches proposed, approved and answered by a bank, channel files, reports. Begin with ``batches``."""
