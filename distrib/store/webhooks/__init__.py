"""Rows of endpoints and deliveries, and the outbox. Begin with ``endpoints``."""
