"""Works a batch of events off: what orders earn, what refunds take back, in one transaction. Begin with ``drain``."""
