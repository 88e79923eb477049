"""The app for a server whose callers get a second for everything, so that a test need not wait for long."""

from distrib.server.asking import EXTENSION, ServerLimits
from wsgi import app

app.extensions[EXTENSION] = ServerLimits(
    head_s=1.0, body_s=1.0, send_s=1.0, linger_s=1.0, room_s=1.0, gives_way_s=0.5, connections_per_address=4
)
