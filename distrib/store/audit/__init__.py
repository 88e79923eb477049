"""The queries of the audit, one for each invariant, and its runs as kept. Begin with ``questions``."""
