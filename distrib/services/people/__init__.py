"""People who sign in: accounts, sessions, seats. Begin with ``accounts``."""
