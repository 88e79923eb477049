"""The app's side of a request, in a thread: asked about a body, run, or told to refuse. No socket is read here."""

from __future__ import annotations

import errno
import io
from datetime import UTC, datetime
from typing import Any

from gunicorn.http import wsgi

from distrib.server.asking import ADMISSION, REFUSAL, WHOLE, Admission, ServerLimits, ServerRefusal
from distrib.server.connections import Connection
from distrib.server.memory import collect_what_is_left
from distrib.server.responses import LAST_RESORT, NoRequest, Outlet, QuietResponse

_CALLER_LEFT = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF)
_MOST_UNASKED = 16 * 1024 * 1024
"""What is read for an app that cannot be asked."""


class Server:
    """Runs the app of a worker."""

    def __init__(self, worker: Any, limits: ServerLimits, *, can_be_asked: bool) -> None:
        self._worker = worker
        self._limits = limits
        self._can_be_asked = can_be_asked

    def ask(self, connection: Connection) -> Admission:
        """What may be read of the body; where the app refused the request, that is answered."""
        if not self._can_be_asked:
            return Admission(_MOST_UNASKED, is_known=True)
        admission = Admission()
        self._answer(connection, connection.request, {ADMISSION: admission, "wsgi.input": io.BytesIO()}, admission)
        return admission

    def refuse(self, connection: Connection, refusal: ServerRefusal) -> None:
        """Answers with a refusal."""
        request = connection.request or NoRequest()
        self._answer(connection, request, {REFUSAL: refusal, "wsgi.input": io.BytesIO()}, None)

    def serve(self, connection: Connection, *, is_large: bool) -> bool:
        """Answers a whole request; whether the connection is kept for another."""
        is_kept = self._serve(connection)
        if is_large:
            connection.request = None
            collect_what_is_left()
        return is_kept

    def _serve(self, connection: Connection) -> bool:
        worker, request = self._worker, connection.request
        environ: dict[str, Any] = {}
        response = None
        began = datetime.now(UTC)
        outlet = Outlet(connection.sock, self._limits)
        try:
            worker.cfg.pre_request(worker, request)
            response, environ = self._created(connection, request, outlet)
            environ[WHOLE] = True
            self._count(response)
            self._run(environ, response)
            return not response.should_close()
        except OSError as error:
            self._note_lost(error)
            return False
        except Exception:
            worker.log.exception("Error handling a request")
            if response is None or not response.headers_sent:
                _send_last_resort(outlet)
            return False
        finally:
            if response is not None and response.status is not None:
                worker.log.access(response, request, environ, datetime.now(UTC) - began)
            worker.cfg.post_request(worker, request, environ, response)

    def _answer(self, connection: Connection, request: Any, extra: dict[str, Any], admission: Admission | None) -> None:
        """Runs the app without a body and sends what it says, unless it says that the body is welcome."""
        outlet = Outlet(connection.sock, self._limits)
        try:
            response, environ = self._created(connection, request, outlet)
            response.force_close()
            environ |= extra
            app_iter = self._worker.wsgi(environ, response.start_response)
            try:
                content = b"".join(app_iter)
            finally:
                _close(app_iter)
            if admission is not None and admission.most_bytes is not None:
                return
            response.write(content)
            response.close()
        except OSError as error:
            self._note_lost(error)

    def _created(self, connection: Connection, request: Any, outlet: Outlet) -> tuple[Any, dict[str, Any]]:
        worker = self._worker
        response, environ = wsgi.create(
            request, outlet, connection.peer, connection.server, worker.cfg, response_class=QuietResponse
        )
        environ["wsgi.multithread"] = True
        return response, environ

    def _count(self, response: Any) -> None:
        """Ends the process after so many requests, and the connection where the process is ending."""
        worker = self._worker
        worker.nr += 1
        if worker.nr >= worker.max_requests and worker.alive:
            worker.log.info("Autorestarting worker after current request.")
            worker.alive = False
        if not worker.alive or not worker.cfg.keepalive:
            response.force_close()

    def _run(self, environ: dict[str, Any], response: Any) -> None:
        app_iter = self._worker.wsgi(environ, response.start_response)
        try:
            for piece in app_iter:
                response.write(piece)
            response.close()
        finally:
            _close(app_iter)

    def _note_lost(self, error: OSError) -> None:
        if error.errno not in _CALLER_LEFT and not isinstance(error, TimeoutError):
            self._worker.log.warning("A connection was lost: %s", error)


def _close(app_iter: Any) -> None:
    close = getattr(app_iter, "close", None)
    if close is not None:
        close()


def _send_last_resort(outlet: Outlet) -> None:
    try:
        outlet.sendall(LAST_RESORT)
    except OSError:
        return
