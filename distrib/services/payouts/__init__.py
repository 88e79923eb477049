"""Payees, payout batches proposed, approved and settled, channel files, reports. Begin with ``batches``."""
