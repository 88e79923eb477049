"""Reports to others what happened: endpoints, messages, signed deliveries. Begin with ``endpoints``."""
