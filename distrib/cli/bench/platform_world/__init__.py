"""A made-up program at the size of a platform, as the drain leaves it, and kept. Begin with ``keeping``."""
