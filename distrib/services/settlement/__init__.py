"""Applies a batch of events: what orders earn, what refunds take back, in one transaction. Begin with ``drain``.

What an event makes of an order, refunds included, is pure and stands in ``distrib.domain.orders``; here is what a batch
reads for it and writes of it.
"""
