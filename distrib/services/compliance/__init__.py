"""Watches structure and registrations, decides cases and penalties, reports to a regulator. Begin with ``monitors``."""
