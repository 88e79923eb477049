"""A service that a command starts here: where it listens, and whether it answers. No request of a noun may enter."""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException

HOST = "127.0.0.1"
_ANSWER_S = 2


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def reachable(host: str) -> str:
    """The address at which a service that listens on ``host`` is reached from here.

    >>> reachable("0.0.0.0"), reachable("::"), reachable("fx.example.com")
    ('127.0.0.1', '::1', 'fx.example.com')
    """
    return {"": HOST, "0.0.0.0": HOST, "::": "::1"}.get(host, host)  # noqa: S104  # nosec B104  # looked up


def is_ready(port: int, host: str = HOST) -> bool:
    """Whether the service there says that it is ready."""
    connection = HTTPConnection(host, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
