"""The app for a WSGI server that is started from a checkout; it stands in ``distrib.wsgi``."""

from distrib.wsgi import app

__all__ = ["app"]
