"""The HTTP server's side of a connection: what is read before a thread is given to it, and how long that may take.

A gunicorn worker whose main loop reads the heads and bodies of all callers, so that a slow one holds memory and never a
thread. Begin with ``worker``; what is asked of the app stands in ``asking``. Nothing of the trade may enter, no route.
"""
