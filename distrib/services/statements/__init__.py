"""A shop's month: read, closed by two persons, written to files; pools paid at the close. Begin with ``months``."""
