"""Says every few seconds that this process lives and what it is at. What is made of it is the services' business."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from distrib.bootstrap import Container
from distrib.drainer import DrainTally
from distrib.services.heartbeats import BEATS_EVERY, BatchTimes, SignOfLife, beat
from workers.lookout import Lookout

_WAITS_S = 1.0

_log = structlog.get_logger(__name__)


class Heartbeat:
    """The signs of life of one process; a database that is away is told nothing, and nobody waits for it.

    Args:
        kind: ``supervisor`` or ``worker``.
    """

    def __init__(self, container: Container, kind: str) -> None:
        self._container = container
        self._kind = kind
        self._process_id = secrets.token_hex(4)
        self._began_at = container.now()
        self._has_begun = False
        self._engaged: tuple[str, datetime] | None = None
        self._orders = 0
        self._batches = BatchTimes()
        self._guard = threading.Lock()
        self._counting = threading.Lock()
        self.lookout = Lookout("heartbeat", BEATS_EVERY.total_seconds(), self.beat)

    @property
    def process_id(self) -> str:
        """What this process is called."""
        return self._process_id

    @contextmanager
    def engaged_in(self, name: str) -> Iterator[None]:
        """Says what the process is at while the block runs."""
        self._engaged = (name, self._container.now())
        try:
            yield
        finally:
            self._engaged = None

    def add(self, tally: DrainTally) -> None:
        """Adds what a run of drains has settled, and how long its batches took."""
        self._orders += tally.orders
        with self._counting:
            self._batches.add_all(tally.times.take())

    def beat(self, *, is_end: bool = False) -> None:
        """Writes one sign of life, or the last; of none that hangs another is written."""
        if not self._guard.acquire(timeout=_WAITS_S):
            return
        with self._counting:
            batches = self._batches.take()
        try:
            is_first, now = not self._has_begun, self._container.now()
            state = (self._began_at, self._engaged, self._orders, is_first)
            sign = SignOfLife(self._process_id, self._kind, *state, is_last=is_end, batches=batches)
            with self._container.begin() as conn:
                beat(conn, sign, now)
            self._has_begun = True
        except (SQLAlchemyError, psycopg.Error) as error:
            with self._counting:
                self._batches.add_all(batches)
            _log.warning("heartbeat_unwritten", error=type(error).__name__)
        finally:
            self._guard.release()

    def end(self) -> None:
        """Stops, and says that the process ends as it should."""
        self.lookout.stop()
        self.beat(is_end=True)
