"""Keeps workers alive and sweeps: finds queued orders in the database, with or without Redis.

The sweeper asks the database and waits for nothing else: servers and the bell are looked after by threads of their own.
It rings for what it finds; where nobody hears the bell, or nobody has come since the last look, it drains the queue
itself. No rule may enter.
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
from distrib.services.heartbeats import SUPERVISOR, SWEEPS
from distrib.worker_health import forget_health, write_health
from workers.heartbeat import Heartbeat
from workers.lookout import Lookout
from workers.periodic import Tending
from workers.runtime import make_drainer

_RESTART_WAIT_S = 1.0
_STOP_WAIT_S = 20.0
_SWEEP_DRAIN_S = 5.0
_BELL_LOOK_S = 0.25
_HEALTH_EVERY_S = 5.0
_UNHEARD_SWEEP_S = 0.25
"""How often the sweeper looks while nobody hears the bell: it is the only one who will come."""

_log = structlog.get_logger(__name__)


class Supervisor:
    """The parent of the worker processes of this machine.

    Args:
        container: of the settings; its servers are looked after when they are the embedded ones.
        processes: how many RQ workers to keep alive; 0 leaves all the work to the sweeper.

    ``is_heard`` says whether anybody was there to hear the bell when it was last listened for.
    """

    def __init__(self, container: Container, processes: int) -> None:
        self._container = container
        self._drainer: Drainer = make_drainer(container)
        self._children: list[subprocess.Popen[bytes] | None] = [None] * processes
        self._started = [-_RESTART_WAIT_S] * processes
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._last_queue: int | None = None
        self._woken = self._noted = -float("inf")
        self._has_database = False
        self.is_heard, self._is_silent = False, True
        self._tending = Tending(container)
        self._heartbeat = Heartbeat(container, SUPERVISOR)
        self._lookouts = (
            Lookout("servers", container.settings.sweep_interval_ms / 1000, self._keep_servers),
            Lookout("bell", _BELL_LOOK_S, self._listen),
            self._heartbeat.lookout,
        )

    def run(self) -> None:
        """Supervises until a signal ends it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        try:
            while not self._stop.is_set():
                self.keep_watching()
                self._keep_children()
                self._tending.keep()
                self.sweep()
                self._note_health()
                self._wake.wait(self._pause_s())
                self._wake.clear()
        finally:
            self.stop_watching()
            self._stop_children()
            self._tending.stop()
            self._heartbeat.end()
            forget_health(self._container.settings.var_dir)

    def keep_watching(self) -> None:
        """Looks after the servers, and listens for who hears the bell, beside whatever else is done."""
        for lookout in self._lookouts:
            lookout.keep()

    def stop_watching(self) -> None:
        """Looks no more; a look that hangs ends with the process."""
        for lookout in self._lookouts:
            lookout.stop()

    def _end(self) -> None:
        self._stop.set()
        self._wake.set()

    def _pause_s(self) -> float:
        interval = self._container.settings.sweep_interval_ms / 1000
        return interval if self.is_heard else min(interval, _UNHEARD_SWEEP_S)

    def _listen(self) -> None:
        """Notes who hears the bell; the sweeper is woken where nobody does any more."""
        was_heard, self.is_heard = self.is_heard, self._container.bell.is_heard()
        if was_heard and not self.is_heard:
            self._wake.set()
        self._is_silent = not self.is_heard or self._container.bell.is_silent()

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
            [sys.executable, "-P", "-m", "workers", "--child", str(os.getpid())],
            env={**os.environ, **self._container.environment()},
            start_new_session=True,
        )

    def sweep(self) -> None:
        """Rings for queued orders, or drains them where nobody hears; never waits for Redis."""
        try:
            self._wake_waiting()
            waiting = self._container.orders_in_queue()
            has_pending_events = waiting > 0 or self._drainer.has_pending_events()
            if has_pending_events:
                has_stayed = waiting in (self._last_queue, 0)
                if not (self.is_heard and self._children):
                    self._drain()
                else:
                    self._container.ringer.ring()
                    if has_stayed and self._is_silent:
                        self._drain()
            self._last_queue = waiting if has_pending_events else None
            self._has_database = True
        except (DBAPIError, psycopg.Error) as error:
            self._has_database = False
            _log.warning("database_away", error=type(error).__name__)
        except Exception:  # noqa: BLE001 - the next sweep may find it gone, and all else needs this process
            _log.exception("sweep_failed")

    def _note_health(self) -> None:
        """Renews the file by which others see that this goes round; every few seconds."""
        if monotonic() - self._noted < _HEALTH_EVERY_S:
            return
        running = sum(child is not None and child.poll() is None for child in self._children)
        state = {"running": running, "processes": len(self._children), "pid": os.getpid()}
        state_of_database = "up" if self._has_database else "away"
        try:
            directory = self._container.settings.var_dir
            write_health(directory, self._container.now(), {**state, "database": state_of_database})
        except OSError as error:
            _log.warning("health_unwritten", error=error.strerror)
        self._noted = monotonic()

    def _wake_waiting(self) -> None:
        """Queues what waited for something that has come; as often as sweeps are meant to be, and no oftener."""
        if monotonic() - self._woken >= self._container.settings.sweep_interval_ms / 1000:
            self._drainer.wake_waiting()
            self._woken = monotonic()

    def _drain(self) -> None:
        with self._heartbeat.engaged_in(SWEEPS):
            tally = self._drainer.run(deadline_s=_SWEEP_DRAIN_S)
        self._heartbeat.add(tally)
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
