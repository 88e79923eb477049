"""The app for a server that waits for its callers for as long as any test takes."""

from distrib.server.asking import EXTENSION, ServerLimits
from wsgi import app

app.extensions[EXTENSION] = ServerLimits(head_s=600.0, body_s=600.0, gives_way_s=600.0)
