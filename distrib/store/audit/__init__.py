"""The queries of the audit, one for each invariant, and its runs as recorded. Begin with ``questions``."""
