"""Connections that do not wait for ever: a server that hangs is given up, as if the connection had broken.

PostgreSQL ends what takes too long by itself (``statement_timeout``), unless it hangs: a frozen process, a disk that
does not answer. Then nobody would hear of it, and each call that waits keeps a thread. So whoever asks waits as long as
the server may take and ``MARGIN_S`` more.
"""

from __future__ import annotations

from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

MARGIN_S = 5.0
"""So much later than the server's own limit an answer may come: it has to be sent, and a busy machine to be woken."""
CONNECTS_WITHIN_S = 10
"""A server that hangs takes connections and does not greet."""
_Answer = TypeVar("_Answer")


class ServerHangs(psycopg.OperationalError):
    """The server took a statement and has not answered it in time; the connection is closed."""


class PatientConnection(psycopg.Connection[TupleRow]):
    """A connection that is closed where the server leaves it without an answer for longer than ``patience_s``."""

    patience_s: float | None = None
    """None: it waits for ever."""

    def wait(self, gen: PQGen[_Answer], interval: float = 0.1, timeout: float | None = None) -> _Answer:
        """Waits for an answer of the server.

        Raises:
            ServerHangs: none came, and the connection is closed.
        """
        if timeout is not None or self.patience_s is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience_s)
        except psycopg.OperationalError as error:
            if self.closed or error.sqlstate is not None:
                raise
            # Neither did the server say a word nor did the connection break: the time is over.
            self.pgconn.finish()
            raise ServerHangs(f"the server has not answered for {self.patience_s:g} seconds") from error

    def wait_as_long_as(self, statement_timeout_ms: int) -> None:
        """Sets how long the server may take for a statement; 0: as long as it likes."""
        self.patience_s = statement_timeout_ms / 1_000 + MARGIN_S if statement_timeout_ms else None

    def be_impatient(self) -> None:
        """Waits ``MARGIN_S`` alone, as for the answer to whether the connection is alive."""
        self.patience_s = MARGIN_S
