"""A shop's month: shown, closed by two keys, written to files; pools paid at the close. Begin with ``months``."""
