"""The gunicorn worker: one loop reads what callers send, and a thread is given to a request that is there as a whole.

Begin with ``run``. Every connection is in one ``ConnectionPhase``; what may not go on for longer has a
deadline, and the loop ends what is overdue. Bodies above a few KiB are read once the app has said that it wants them.
The design, and what was measured: docs/adr/0018-the-server-reads-first.md.
"""

from __future__ import annotations

import errno
import io
import ipaddress
import selectors
import socket
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from gunicorn.errors import ConfigError
from gunicorn.http import errors
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.workers.gthread import ThreadWorker

from distrib.server.asking import EXTENSION, Admission, ServerLimits
from distrib.server.connections import (
    WAITS_FOR_CALLER,
    BodyQueue,
    Connection,
    ConnectionPhase,
    Connections,
    Peer,
    longest_waiting,
    network_of,
)
from distrib.server.framing import BadFraming, ChunkedBody, SizedBody, take_head
from distrib.server.responses import CONTINUE
from distrib.server.serving import Server

_LOOK_S = 0.5
"""How often the loop looks for what is overdue."""
_STOP_IDLE_S = 2.0
"""How long a stopping process waits for a request that a caller may be sending on a connection it kept."""
_STOP_BEGUN_S = 5.0
"""How long it waits for the rest of a request."""
_ACCEPTED_AT_ONCE = 16
_READ_BYTES = 256 * 1024
_CODE_OF_ERROR: dict[type[Exception], str] = {
    errors.LimitRequestLine: "uri_too_long",
    errors.LimitRequestHeaders: "headers_too_large",
}
_GONE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)


class Worker(ThreadWorker):  # type: ignore[misc]
    """Serves an app; what it may read and for how long say the app's ``ServerLimits``, or the usual ones."""

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
        extensions = getattr(self.wsgi, "extensions", {})
        self.limits: ServerLimits = extensions.get(EXTENSION, ServerLimits())
        self.server = Server(self, self.limits, can_be_asked=EXTENSION in extensions)
        self.connections = Connections()
        self.moderate = BodyQueue(self.limits.moderate_bodies)
        self.large = BodyQueue(1)
        self.strangers = BodyQueue(self.limits.strangers_bodies)
        self.is_trusted = lru_cache(1024)(partial(_is_in, self.cfg))
        self.poller.register(self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks)

    def _turn(self) -> None:
        """One turn of the loop."""
        self.notify()
        self.wait_for_and_dispatch_events(_LOOK_S)
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

    def _close(self, connection: Connection) -> None:
        if not self.connections.remove(connection):
            return
        self._ignore(connection)
        self._give_place_back(connection)
        connection.sock.close()

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

    # What callers send.

    def _listen(self, connection: Connection) -> None:
        self.poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_readable, connection))

    def _ignore(self, connection: Connection) -> None:
        try:
            self.poller.unregister(connection.sock)
        except (KeyError, ValueError):
            return

    def _on_readable(self, connection: Connection, _sock: object) -> None:
        if connection.phase in WAITS_FOR_CALLER:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        """Takes what is there, once: a caller with much to say gets no more turns than others."""
        try:
            sent = connection.sock.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            sent = b""
        if not sent:
            self._close(connection)
        elif connection.phase is ConnectionPhase.END:
            self._discard(connection, len(sent))
        else:
            connection.sent += sent
            self._go_on(connection)

    def _discard(self, connection: Connection, number: int) -> None:
        connection.discarded += number
        if connection.discarded > self.limits.linger_bytes:
            self._close(connection)

    def _go_on(self, connection: Connection) -> None:
        """Reads on in what has come, until it is a request or something is missing."""
        try:
            if connection.phase is ConnectionPhase.HEAD:
                self._read_head(connection)
            if connection.phase is ConnectionPhase.BODY:
                self._read_body(connection)
        except BadFraming as error:
            self._refuse(connection, error.code)

    def _read_head(self, connection: Connection) -> None:
        if not connection.has_begun:
            connection.has_begun = True
            connection.wait_for(ConnectionPhase.HEAD, time.monotonic(), self.limits.head_s)
        head = take_head(connection.sent, self.limits.request_line, self.limits.head_bytes)
        if head is None:
            return
        connection.requests += 1
        request = connection.request = self._parsed(head, connection)
        size = getattr(request.body.reader, "length", None)
        body = connection.body = ChunkedBody() if size is None else SizedBody(size)
        connection.most_bytes, connection.is_admitted = self.limits.unasked_bytes, False
        connection.wait_for(ConnectionPhase.BODY, time.monotonic(), self.limits.body_s)
        if body.length is None or body.length <= connection.most_bytes:
            self._invite(connection)
        else:
            self._ask(connection)

    def _parsed(self, head: bytes, connection: Connection) -> Request:
        try:
            request = Request(self.cfg, IterUnreader([head]), connection.peer, connection.requests)
        except (errors.ParseException, errors.NoMoreData, StopIteration) as error:
            raise BadFraming(_CODE_OF_ERROR.get(type(error), "bad_request")) from None
        connection.awaits_word = request._expected_100_continue  # noqa: SLF001 - the word is ours to give, see _invite
        request._expected_100_continue = False  # noqa: SLF001
        return request

    def _invite(self, connection: Connection) -> None:
        """Says that the body may come, to a caller that waits for that word and has sent nothing of it."""
        if connection.awaits_word:
            connection.awaits_word = False
            if not connection.sent and not (connection.body and connection.body.length == 0):
                try:
                    connection.sock.send(CONTINUE)
                except OSError:
                    return  # what is wrong with it shows when it is read

    def _read_body(self, connection: Connection) -> None:
        body = connection.body
        if body is None:
            raise TypeError("a body is read after its head")
        is_whole = body.feed(connection.sent)
        if body.received > connection.most_bytes:
            self._ask_or_refuse(connection)
        elif is_whole:
            self._hand_over(connection)
        else:
            if self.alive:
                allowed_s = self.limits.body_s + body.received / self.limits.body_rate
                connection.deadline = connection.since + allowed_s
            self._keep_to_size(connection)

    def _ask_or_refuse(self, connection: Connection) -> None:
        """A body without a length that has become too long to be read unasked, or too long at all."""
        if connection.is_admitted:
            self._refuse(connection, "too_large")
        else:
            self._ask(connection)

    def _keep_to_size(self, connection: Connection) -> None:
        """Puts a body without a length that has become a large one among the large ones."""
        body = connection.body
        if connection.queue is self.moderate and body and body.received > self.limits.moderate_bytes:
            self._give_place_back(connection)
            self._find_place(connection, self.large)

    # What is asked of the app, in threads.

    def _submit(self, connection: Connection, task: Callable[[], Any], then: Callable[[Connection, Any], None]) -> None:
        """Runs a task in a thread; meanwhile nothing of that caller is read."""
        self._ignore(connection)
        connection.phase = ConnectionPhase.ANSWER
        future = self.tpool.submit(task)
        future.add_done_callback(lambda done: self.method_queue.defer(self._after, connection, done, then))

    def _after(self, connection: Connection, done: Any, then: Callable[[Connection, Any], None]) -> None:
        connection.sock.setblocking(False)
        if done.cancelled() or done.exception() is not None:
            if not done.cancelled():
                self.log.error("Error on a connection", exc_info=done.exception())
            self._close(connection)
            return
        then(connection, done.result())

    def _ask(self, connection: Connection) -> None:
        self._submit(connection, partial(self.server.ask, connection), self._after_asking)

    def _after_asking(self, connection: Connection, admission: Admission) -> None:
        """Reads on where the body is welcome; else the app's answer is out."""
        most_bytes = admission.most_bytes
        if most_bytes is None:
            self._linger(connection)
            return
        connection.is_admitted, connection.most_bytes = True, most_bytes
        body = connection.body
        size = body.length if body and body.length is not None else min(most_bytes, self.limits.moderate_bytes)
        if size > most_bytes:
            self._refuse(connection, "too_large")
            return
        known = self.moderate if size <= self.limits.moderate_bytes else self.large
        self._find_place(connection, known if admission.is_known else self.strangers)

    def _find_place(self, connection: Connection, queue: BodyQueue) -> None:
        if queue.enter(connection):
            self._read_on(connection)
        else:
            self._ignore(connection)
            connection.wait_for(ConnectionPhase.ROOM, time.monotonic(), self.limits.room_s)

    def _read_on(self, connection: Connection) -> None:
        """Goes on with a body that has its place."""
        connection.wait_for(ConnectionPhase.BODY, time.monotonic(), self.limits.body_s)
        self._ignore(connection)
        self._listen(connection)
        self._invite(connection)
        self._go_on(connection)

    def _give_place_back(self, connection: Connection) -> None:
        follower = None if connection.queue is None else connection.queue.leave(connection)
        if follower is not None:
            self._read_on(follower)

    def _let_others_pass(self, now: float) -> None:
        """Has a body that comes slowly give way where another waits."""
        for queue in (self.moderate, self.large, self.strangers):
            for holder in tuple(queue.holders) if queue.waiting else ():
                if holder.phase is ConnectionPhase.BODY and now - holder.since > self.limits.gives_way_s:
                    self._refuse(holder, "request_timeout")

    def _hand_over(self, connection: Connection) -> None:
        if connection.body is not None:
            connection.request.body = io.BytesIO(connection.body.content())
            connection.body = None
        self._submit(connection, partial(self.server.serve, connection), self._after_serving)

    def _after_serving(self, connection: Connection, is_kept: bool) -> None:
        """Waits for the next request, which may have come already; or ends the connection."""
        self._give_place_back(connection)
        connection.request = None
        if not is_kept:
            if connection.sent:
                self._linger(connection)
            else:
                self._close(connection)
            return
        connection.has_begun = bool(connection.sent)
        seconds = self.limits.head_s if connection.sent else self.cfg.keepalive
        connection.wait_for(ConnectionPhase.HEAD, time.monotonic(), seconds)
        self._listen(connection)
        if connection.sent:
            self._go_on(connection)

    def _refuse(self, connection: Connection, code: str) -> None:
        """Has the app answer with a refusal; nothing more of that caller is read."""
        connection.body = None
        self._give_place_back(connection)
        self._submit(connection, partial(self.server.refuse, connection, code), lambda done, _: self._linger(done))

    def _linger(self, connection: Connection) -> None:
        """Ends a connection whose caller may still be sending, so that it gets to read its answer."""
        self._give_place_back(connection)
        connection.body = connection.request = None
        connection.sent.clear()
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        connection.wait_for(ConnectionPhase.END, time.monotonic(), self.limits.linger_s)
        self._listen(connection)


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
