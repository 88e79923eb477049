"""The inbox and its queue, and orders and commissions as they are read. Begin with ``inbox``."""
