"""What a piece of work costs: processor time of this process and of its server process, and what goes into the log.

Processor time says on a busy machine nearly what it says on a free one, and the clock on the wall does not. It is read
from /proc, so the server must run on this machine. With ``limits`` and ``processes.databases`` the only place outside
the store that speaks SQL.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg
from sqlalchemy import Engine, NullPool, create_engine, make_url

from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.domain.texts import Text
from distrib.drainer import Drainer
from distrib.store.sql import only

_PROCESS = Path("/proc")
_USER_TIME, _SYSTEM_TIME = 11, 12
"""The places of both in /proc/PID/stat, counted after the name."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What some units of work took: microseconds of Python, of PostgreSQL, and bytes of its log, a unit each."""

    python_us: float
    postgres_us: float
    wal_bytes: float

    @property
    def processor_us(self) -> float:
        """Both processors' time."""
        return self.python_us + self.postgres_us

    def rounded(self) -> dict[str, int]:
        """For people and JSON."""
        return {
            "python_us": round(self.python_us),
            "postgres_us": round(self.postgres_us),
            "wal_bytes": round(self.wal_bytes),
        }


def median_of(rounds: list[Spent]) -> Spent:
    """The median of each figure over the rounds."""
    return Spent(
        median(spent.python_us for spent in rounds),
        median(spent.postgres_us for spent in rounds),
        median(spent.wal_bytes for spent in rounds),
    )


def spent_by(url: str, pid: int, run: Callable[[], int]) -> Spent:
    """Does some work and counts what a unit of it took.

    Args:
        url: the database, whose log is read; nothing else may write on that server meanwhile.
        pid: of the server process that the work uses.
        run: does it; answers how many units.

    Raises:
        BenchFailed: it did none, or the server runs on another machine.
    """
    engine = create_engine(url, poolclass=NullPool)
    try:
        log, postgres, python = _log_position(engine), processor_s(pid), time.process_time()
        units = run()
        python, postgres = time.process_time() - python, processor_s(pid) - postgres
        written = _log_position(engine) - log
    finally:
        engine.dispose()
    if not units:
        raise BenchFailed(Text("nothing was done that could be measured"))
    return Spent(python / units * 1e6, postgres / units * 1e6, written / units)


def processor_s(pid: int) -> float:
    """The processor time of a process of this machine so far, in seconds.

    Raises:
        BenchFailed: there is none.
    """
    try:
        fields = (_PROCESS / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError as error:
        raise BenchFailed(Text("processor time is read from /proc: the server must run on this machine")) from error
    return (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / os.sysconf("SC_CLK_TCK")


def drain_spends(container: Container) -> Spent:
    """Drains all that is pending in this process, over one connection; answers what an order took."""
    with container.worker_engine.connect() as conn:
        raw = conn.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        pid = raw.info.backend_pid
    drainer = Drainer(container.worker_engine, container.policies, container.settings.drain_batch_orders, container.now)
    return spent_by(container.database_url, pid, lambda: drainer.run().orders)


def _log_position(engine: Engine) -> int:
    with engine.connect() as conn:
        return int(only(conn, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")[0])


def address(url: str) -> str:
    """The address of a database as psycopg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
