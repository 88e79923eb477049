"""Keeps workers alive and sweeps: finds queued orders in the database, with or without Redis.

The sweeper rings for what it finds; where the bell is dead, or nobody has come since the last
look, it drains the queue itself. No rule may enter.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from time import monotonic

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from distrib.bootstrap import Container
from distrib.drainer import Drainer
from distrib.embedded import EmbeddedServersFailed
from workers.periodic import Tending
from workers.runtime import make_drainer

_RESTART_WAIT_S = 1.0
_STOP_WAIT_S = 20.0
_SWEEP_DRAIN_S = 5.0

_log = structlog.get_logger(__name__)


class Supervisor:
    """The parent of the worker processes of this machine.

    Args:
        container: of the settings; its servers are looked after when they are the embedded ones.
        processes: how many RQ workers to keep alive; 0 leaves all the work to the sweeper.
    """

    def __init__(self, container: Container, processes: int) -> None:
        self._container = container
        self._drainer: Drainer = make_drainer(container)
        self._children: list[subprocess.Popen[bytes] | None] = [None] * processes
        self._started = [-_RESTART_WAIT_S] * processes
        self._stop = threading.Event()
        self._last_queue: int | None = None
        self._tending = Tending(container)

    def run(self) -> None:
        """Supervises until a signal ends it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        interval = self._container.settings.sweep_interval_ms / 1000
        try:
            while not self._stop.is_set():
                self._keep_servers()
                self._keep_children()
                self._tending.keep()
                self._sweep()
                self._stop.wait(interval)
        finally:
            self._stop_children()
            self._tending.stop()

    def _keep_servers(self) -> None:
        servers = self._container.servers
        if servers is None:
            return
        try:
            servers.ensure_postgres()
            servers.ensure_valkey()
        except EmbeddedServersFailed as error:
            _log.warning("server_down", error=str(error))

    def _keep_children(self) -> None:
        for place, child in enumerate(self._children):
            if child is not None and child.poll() is None:
                continue
            if monotonic() - self._started[place] < _RESTART_WAIT_S:
                continue
            if child is not None:
                _log.warning("worker_died", pid=child.pid, status=child.returncode)
            self._children[place] = self._start_child()
            self._started[place] = monotonic()

    def _start_child(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "workers", "--child", str(os.getpid())],
            env={**os.environ, **self._container.environment()},
            start_new_session=True,
        )

    def _sweep(self) -> None:
        """Rings for queued orders, or drains them where ringing does not help."""
        try:
            self._drainer.wake_waiting()
            waiting = self._container.orders_in_queue()
            has_pending_events = waiting > 0 or self._drainer.has_pending_events()
            if has_pending_events:
                rung = self._container.bell.ring()
                stuck = waiting in (self._last_queue, 0)
                if not rung or (stuck and self._container.bell.is_silent()) or not self._children:
                    self._drain()
            self._last_queue = waiting if has_pending_events else None
        except (DBAPIError, psycopg.Error) as error:
            _log.warning("database_away", error=type(error).__name__)

    def _drain(self) -> None:
        tally = self._drainer.run(deadline_s=_SWEEP_DRAIN_S)
        if tally.orders:
            _log.info("swept", orders=tally.orders, events=tally.events)

    def _stop_children(self) -> None:
        alive = [child for child in self._children if child is not None and child.poll() is None]
        for child in alive:
            child.terminate()
        until = monotonic() + _STOP_WAIT_S
        for child in alive:
            try:
                child.wait(max(0.1, until - monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
