"""The page to write, check and try plans. Begin with ``page``."""
