"""The gunicorn worker: one loop reads what callers send, and a thread is given to a request that is there as a whole.

Begin with ``run``. Every connection is in one ``ConnectionPhase``; what may not go on for longer has a
deadline, and the loop ends what is overdue. Bodies above a few KiB are read once the app has said that it wants them.
The design, and what was measured: docs/adr/0020-the-server-reads-first.md.
"""

from __future__ import annotations

import errno
import ipaddress
import selectors
import socket
import time
from functools import lru_cache, partial
from typing import Any, ClassVar

from gunicorn.errors import ConfigError

from distrib.server.asking import EXTENSION, ServerLimits
from distrib.server.connections import (
    BodyQueue,
    Connection,
    ConnectionPhase,
    Connections,
    Peer,
    longest_waiting,
    network_of,
)
from distrib.server.memory import SharedPlace, return_large_blocks
from distrib.server.reading import ReadingWorker
from distrib.server.serving import Server

_LOOK_S = 0.5
"""How often the loop looks for what is overdue."""
_PLACE_LOOK_S = 0.02
"""How often it looks for a place that another process has."""
_STOP_IDLE_S = 2.0
"""How long a stopping process waits for a request that a caller may be sending on a connection it kept."""
_STOP_BEGUN_S = 5.0
"""How long it waits for the rest of a request."""
_ACCEPTED_AT_ONCE = 16
_GONE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)


class Worker(ReadingWorker):
    """Serves an app; what it may read and for how long say the app's ``ServerLimits``, or the usual ones."""

    _shared: ClassVar[SharedPlace | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Is made by the first process, for a process that it is about to fork."""
        super().__init__(*args, **kwargs)
        self.place = Worker._shared = Worker._shared or SharedPlace()

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuses what this worker does not speak: TLS and the like are a proxy's.

        Raises:
            ConfigError: names the settings.
        """
        unknown = [name for name, is_set in _unspoken(cfg).items() if is_set]
        if unknown:
            raise ConfigError(f"not with this worker: {', '.join(unknown)}")

    def run(self) -> None:
        """Serves until it is told to stop; then lets those finish who have begun."""
        self._prepare()
        self.set_accept_enabled(True)
        while self.alive:
            self._turn()
            if not self.is_parent_alive():
                break
        self.set_accept_enabled(False)
        self._hurry()
        until = time.monotonic() + self.cfg.graceful_timeout
        while len(self.connections) and time.monotonic() < until:
            self._turn()
        for connection in self.connections:
            self._close(connection)
        self.tpool.shutdown(wait=False)
        self.poller.close()
        self.method_queue.close()
        for listener in self.sockets:
            listener.close()

    def accept(self, listener: Any) -> None:
        """Takes the callers that wait at a listener."""
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, peer = listener.accept()
            except OSError as error:
                if error.errno in _GONE:
                    return
                raise
            sock.setblocking(False)
            self._take(sock, peer, listener.getsockname())

    def _prepare(self) -> None:
        return_large_blocks()
        extensions = getattr(self.wsgi, "extensions", {})
        self.limits: ServerLimits = extensions.get(EXTENSION, ServerLimits())
        self.server = Server(self, self.limits, can_be_asked=EXTENSION in extensions)
        self.connections = Connections()
        self.moderate = BodyQueue(self.limits.moderate_bodies)
        self.large = BodyQueue(1)
        self.strangers = BodyQueue(self.limits.strangers_bodies)
        self.awaits_place: Connection | None = None
        self.is_trusted = lru_cache(1024)(partial(_is_in, self.cfg))
        self.poller.register(self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks)

    def _turn(self) -> None:
        """One turn of the loop."""
        self.notify()
        self.wait_for_and_dispatch_events(_LOOK_S if self.awaits_place is None else _PLACE_LOOK_S)
        if self.awaits_place is not None and self.place.take():
            self._hand_over(self.awaits_place)
        now = time.monotonic()
        for connection in self.connections:
            if connection.deadline <= now and connection.phase is not ConnectionPhase.ANSWER:
                self._end_overdue(connection)
        self._let_others_pass(now)

    # Connections begin and end.

    def _take(self, sock: socket.socket, peer: Peer, server: Peer) -> None:
        """Has a new connection read, if need be in place of the one that has kept us waiting longest."""
        now = time.monotonic()
        connection = Connection(sock, peer, server, self._counted_address(peer), now, now + self.limits.head_s)
        if not self._make_room(connection.address):
            sock.close()
            return
        if isinstance(peer, tuple):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.add(connection)
        self._listen(connection)
        self._read(connection)

    def _make_room(self, address: str | None) -> bool:
        """Whether one connection more of that address may be, after one that waits has made way for it."""
        if address is not None:
            theirs = self.connections.of_address(address)
            if len(theirs) >= self.limits.connections_per_address and not self._end_longest_waiting(theirs):
                return False
        is_full = len(self.connections) >= self.cfg.worker_connections
        return not is_full or self._end_longest_waiting(self.connections.everyone())

    def _end_longest_waiting(self, connections: set[Connection]) -> bool:
        ended = longest_waiting(connections)
        if ended is not None:
            self._close(ended)
        return ended is not None

    def _counted_address(self, peer: Peer) -> str | None:
        """Under what a caller's connections are counted; those of a unix socket or of a proxy are many callers'."""
        if not isinstance(peer, tuple) or self.is_trusted(peer[0]):
            return None
        return network_of(peer[0])

    def _hurry(self) -> None:
        """Shortens, once, what a stopping process waits: longer for callers who have begun."""
        now = time.monotonic()
        for connection in self.connections:
            has_begun = connection.has_begun or connection.phase is not ConnectionPhase.HEAD
            connection.deadline = min(connection.deadline, now + (_STOP_BEGUN_S if has_begun else _STOP_IDLE_S))

    def _end_overdue(self, connection: Connection) -> None:
        if connection.phase is ConnectionPhase.END or not (connection.has_begun or connection.request is not None):
            self._close(connection)
        elif connection.phase is ConnectionPhase.ROOM:
            self._refuse(connection, "unavailable")
        else:
            self._refuse(connection, "request_timeout")


def _unspoken(cfg: Any) -> dict[str, bool]:
    return {
        "certfile": bool(cfg.is_ssl),
        "proxy_protocol": cfg.proxy_protocol != "off",
        "protocol": getattr(cfg, "protocol", "http") != "http",
    }


def _is_in(cfg: Any, host: str) -> bool:
    """Whether an address is one of the trusted proxies."""
    if "*" in cfg.forwarded_allow_ips:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in cfg.forwarded_allow_networks())
