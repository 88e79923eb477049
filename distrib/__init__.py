"""distrib: the commission engine of a social-commerce platform. Nothing but the version is said here."""

__version__ = "0.1.0"
