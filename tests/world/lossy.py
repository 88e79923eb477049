"""A way to PostgreSQL on which answers get lost: a proxy that forwards, and drops what a test tells it to.

A lost COMMIT and a lost answer to one look the same to whoever sent it, and are not.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url

_COMMIT = b"COMMIT\0"
_READY = b"Z\0\0\0\x05"
"""How PostgreSQL's answer to a statement ends, before one byte of state."""
_PIECE = 65_536


@dataclass
class Lossy:
    """The proxy: where it listens, and what is lost next."""

    url: str
    loses: str | None = None
    """``commit``: the next COMMIT does not arrive; ``answer``: it arrives and is done, its answer does not."""
    lost: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    """Not set: nothing passes either way, and nobody is told."""

    def lose(self, what: str) -> None:
        """Loses the next one, once."""
        self.loses = what


@contextmanager
def lossy_way(database_url: str) -> Iterator[Lossy]:
    """A proxy before the PostgreSQL of that address until the block ends."""
    url = make_url(database_url)
    directory = url.query.get("host")
    assert isinstance(directory, str), "the tests' PostgreSQL listens on a socket of its own"
    target = Path(directory) / ".s.PGSQL.5432"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        near = url.set(host="127.0.0.1", port=port, query={"sslmode": "disable", "gssencmode": "disable"})
        way = Lossy(near.render_as_string(hide_password=False))
        way.held.set()
        opened: list[socket.socket] = []
        accepting = threading.Thread(target=_accept, args=(listener, target, way, opened))
        accepting.start()
        try:
            yield way
        finally:
            way.held.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for end in opened:
                _end(end)


def _accept(listener: socket.socket, target: Path, way: Lossy, opened: list[socket.socket]) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(str(target))
        except OSError:
            near.close()
            continue
        opened += [near, far]
        state = _Pair()
        threading.Thread(target=_to_server, args=(near, far, way, state), daemon=True).start()
        threading.Thread(target=_to_client, args=(far, near, way, state), daemon=True).start()


@dataclass
class _Pair:
    """One connection: whether the answer that comes next is to be lost."""

    is_deaf: bool = False


def _to_server(near: socket.socket, far: socket.socket, way: Lossy, state: _Pair) -> None:
    with suppress(OSError):
        while piece := near.recv(_PIECE):
            way.held.wait()
            if way.loses is not None and _COMMIT in piece:
                what, way.loses = way.loses, None
                way.lost += 1
                if what == "commit":
                    break
                state.is_deaf = True
            far.sendall(piece)
    _end(near)
    if not state.is_deaf:
        _end(far)


def _to_client(far: socket.socket, near: socket.socket, way: Lossy, state: _Pair) -> None:
    with suppress(OSError):
        while piece := far.recv(_PIECE):
            way.held.wait()
            if state.is_deaf:
                if _READY in piece:
                    break
                continue
            near.sendall(piece)
    _end(far)
    _end(near)


def _end(side: socket.socket) -> None:
    """Ends both directions; a close alone says nothing while another thread waits for what comes."""
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
    side.close()
