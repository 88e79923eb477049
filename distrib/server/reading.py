"""What callers send, read as it comes: a head, then a body if the app wants it, then the answer in a thread.

The part of the worker that has to do with one connection; ``worker`` says which there are and for how long.
"""

from __future__ import annotations

import io
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.http import errors
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.workers.gthread import ThreadWorker

from distrib.server.asking import Admission, ServerLimits, ServerRefusal
from distrib.server.connections import WAITS_FOR_CALLER, BodyQueue, Connection, ConnectionPhase, Connections
from distrib.server.framing import BadFraming, ChunkedBody, SizedBody, take_head
from distrib.server.memory import SharedPlace
from distrib.server.responses import CONTINUE
from distrib.server.serving import Server

_READ_BYTES = 256 * 1024
_CODE_OF_ERROR: dict[type[Exception], str] = {
    errors.LimitRequestLine: "uri_too_long",
    errors.LimitRequestHeaders: "headers_too_large",
}


class ReadingWorker(ThreadWorker):  # type: ignore[misc]
    """Takes each connection from phase to phase."""

    limits: ServerLimits
    server: Server
    connections: Connections
    moderate: BodyQueue
    large: BodyQueue
    strangers: BodyQueue
    place: SharedPlace
    awaits_place: Connection | None = None
    """Whose huge body is there as a whole, and waits until no other process has one."""

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
        connection.most_bytes, connection.admission = self.limits.unasked_bytes, None
        connection.wait_for(ConnectionPhase.BODY, time.monotonic(), self.limits.body_s)
        if body.length is None or body.length <= connection.most_bytes:
            self._invite(connection)
        elif connection.is_asked_again():
            self._after_asking(connection, connection.last_admission)
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
        if connection.admission is not None and (body.length is None or connection.queue is not self.moderate):
            self._count_in(connection, connection.admission)
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

    def _count_in(self, connection: Connection, admission: Admission) -> None:
        """Counts what the app wants counted, before it is kept.

        Raises:
            BadFraming: there is too much of it.
        """
        connection.counted += sum(map(connection.sent.count, admission.counted))
        if connection.counted > admission.most_counted > 0:
            raise BadFraming(admission.refusal)

    def _ask_or_refuse(self, connection: Connection) -> None:
        """A body without a length that has become too long to be read unasked, or too long at all."""
        if connection.admission is not None:
            self._refuse(connection, "too_large")
        else:
            self._ask(connection)

    def _keep_to_size(self, connection: Connection) -> None:
        """Puts a body without a length that has become a large one among the large ones."""
        body = connection.body
        if connection.queue is self.moderate and body and body.received > self.limits.moderate_bytes:
            self._give_place_back(connection)
            self._find_place(connection, self.large)

    # What the app is asked, in threads.

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
        connection.admission, connection.most_bytes, connection.counted = admission, most_bytes, 0
        connection.remember(admission, self.limits.asked_again_s)
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
        if connection.queue is self.large and connection in self.large.holders:
            self.awaits_place = None
            if self.place.is_held:
                self.place.give_back()
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
        """Has a whole request answered; a huge one when no other process has such a one."""
        if connection.queue is self.large and connection.body and connection.body.received > self.limits.huge_bytes:
            self.awaits_place = None
            if not self.place.is_held and not self.place.take():
                self._ignore(connection)
                connection.wait_for(ConnectionPhase.ROOM, time.monotonic(), self.limits.room_s)
                self.awaits_place = connection
                return
        is_large = connection.queue is self.large
        if connection.body is not None:
            connection.request.body = io.BytesIO(connection.body.content())
            connection.body = None
        self._submit(connection, partial(self.server.serve, connection, is_large=is_large), self._after_serving)

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
        refusal = ServerRefusal(code, connection.most_bytes)
        self._submit(connection, partial(self.server.refuse, connection, refusal), lambda done, _: self._linger(done))

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

    def _close(self, connection: Connection) -> None:
        if not self.connections.remove(connection):
            return
        self._ignore(connection)
        self._give_place_back(connection)
        connection.sock.close()
