"""Callers that speak to a server byte by byte, as none of the usual clients would."""

from __future__ import annotations

import http.client
import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from tests.world.live import Answer

ANSWERED_WITHIN_S = 60.0
"""Long enough for any machine; what counts is that an answer comes at all."""
OUTSIDER = "127.0.0.2"
"""An address of this machine that is no trusted proxy."""


class _Reader:
    """What has come on a connection, for one answer after another: none takes what belongs to the next."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def makefile(self, _mode: str) -> _Reader:
        """Itself, as a socket gives the file of its answer."""
        return self

    def close(self) -> None:
        """Leaves it open for the next answer."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class RawCaller:
    """One connection."""

    def __init__(self, port: int, source: str = "127.0.0.1", receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(ANSWERED_WITHIN_S)
        self.sock.bind((source, 0))
        self.sock.connect(("127.0.0.1", port))
        self._file = self.sock.makefile("rb")

    def send(self, *lines: str, body: bytes = b"") -> RawCaller:
        """Sends lines, each with its end, an empty one after the last, and then the body."""
        self.sock.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode() + body)
        return self

    def send_bytes(self, sent: bytes) -> RawCaller:
        """Sends just that."""
        self.sock.sendall(sent)
        return self

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, whole."""
        response = http.client.HTTPResponse(cast("socket.socket", _Reader(self._file)), method=method)
        response.begin()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())

    def refusal(self) -> tuple[int, str]:
        """Status and code of the next answer, which must be a whole problem document and the last of the connection."""
        answer = self.answer()
        assert answer.headers["Content-Type"] == "application/problem+json", answer
        assert answer.headers["X-Request-Id"]
        assert answer.headers["Connection"] == "close"
        problem = json.loads(answer.text)
        assert problem["status"] == answer.status
        assert problem["type"] == f"/docs/errors#{problem['code']}"
        assert self.has_ended()
        return answer.status, problem["code"]

    def has_ended(self) -> bool:
        """Waits for what comes next: true where that is the end of the connection."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def is_held(self) -> bool:
        """Whether the server has neither answered nor ended the connection so far."""
        self.sock.setblocking(False)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        finally:
            self.sock.settimeout(ANSWERED_WITHIN_S)
        return False

    def close(self) -> None:
        """Ends it."""
        self._file.close()
        self.sock.close()


@contextmanager
def raw_callers(
    port: int, number: int, source: str = "127.0.0.1", receive_buffer: int | None = None
) -> Iterator[list[RawCaller]]:
    """So many connections, ended with the block."""
    callers: list[RawCaller] = []
    try:
        while len(callers) < number:
            callers.append(RawCaller(port, source, receive_buffer))
        yield callers
    finally:
        for caller in callers:
            caller.close()


@contextmanager
def raw_caller(port: int, source: str = "127.0.0.1") -> Iterator[RawCaller]:
    """One connection, ended with the block."""
    with raw_callers(port, 1, source) as [caller]:
        yield caller
