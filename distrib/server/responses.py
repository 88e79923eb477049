"""How an answer goes out: within a time, and without a word about what serves. What it says comes from the app."""

from __future__ import annotations

import io
import socket
import time
from typing import Any

from gunicorn.http.wsgi import Response

from distrib.server.asking import ServerLimits

_SERVER = "Server:"
_FAILED = b'{"type":"/docs/errors#internal","title":"internal","status":500,"detail":"internal","code":"internal"}'
LAST_RESORT = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_FAILED), _FAILED)
)
"""For what fails outside of the app, which answers its own failures."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class QuietResponse(Response):  # type: ignore[misc]
    """A response that does not name the server."""

    def default_headers(self) -> list[str]:
        """The headers that every answer has, as lines."""
        lines: list[str] = super().default_headers()
        return [line for line in lines if not line.startswith(_SERVER)]


class Outlet:
    """The caller's socket for a thread that answers: a caller that does not take its answer is given up.

    Only the time that the caller lets us wait counts, not that of the app between two pieces.
    """

    def __init__(self, sock: socket.socket, limits: ServerLimits) -> None:
        self._sock = sock
        self._limits = limits
        self._waited_s = 0.0
        self._sent_bytes = 0

    def sendall(self, data: bytes) -> None:
        """Sends all of it.

        Raises:
            TimeoutError: the caller takes too little.
        """
        allowed_s = self._limits.send_s + self._sent_bytes / self._limits.send_rate - self._waited_s
        if allowed_s <= 0:
            raise TimeoutError
        began = time.monotonic()
        self._sock.settimeout(allowed_s)
        self._sock.sendall(data)
        self._waited_s += time.monotonic() - began
        self._sent_bytes += len(data)

    def send(self, data: bytes) -> int:
        """Sends all of it, as ``sendall``."""
        self.sendall(data)
        return len(data)


class NoRequest:
    """What stands for a request where none could be read: gunicorn answers it as any other."""

    method = "NONE"
    uri = path = "*"
    query = ""
    scheme = "http"
    version = (1, 1)
    proxy_protocol_info = None
    _expected_100_continue = False

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.body: Any = io.BytesIO()

    def should_close(self) -> bool:
        """Nothing follows what cannot be read."""
        return True
