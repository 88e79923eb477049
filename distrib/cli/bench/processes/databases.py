"""Databases of the bench's own beside the user's, made from one another and dropped in the end.

Together with ``distrib.cli.bench.limits.rows`` and ``orm`` the only place outside the store that speaks SQL: what is
measured against must not lean on what is measured. No table of the user's is ever read or written.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, NullPool, create_engine, make_url
from sqlalchemy.exc import ProgrammingError

from distrib.cli.bench.processes.processor import parent_of, processor_seconds
from distrib.store.sql import column, execute, only, value

PREFIX = "distrib_bench_"
WORLDS_PREFIX = f"{PREFIX}world_"
"""Of databases that are kept from run to run: the programs of ``distrib.cli.bench.platform_world``."""
_LOCK = 7145229


class Databases:
    """Makes and drops databases whose names only this run uses."""

    def __init__(self, url: str, connection: Connection, run: int) -> None:
        self._url = url
        self._connection = connection
        self._run = run

    def make(self, name: str, template: str | None = None, *, source: str | None = None) -> str:
        """Makes a database, empty or as a copy; returns its address.

        Args:
            template: another database of this run.
            source: a database that is kept from run to run, by its whole name; nobody may be connected to it.
        """
        source = source if template is None else self._named(template)
        copied = "" if source is None else f' TEMPLATE "{source}"'
        execute(self._connection, f'CREATE DATABASE "{self._named(name)}"{copied}')
        return self.address(name)

    def address(self, name: str) -> str:
        """The address of a database of this run."""
        return make_url(self._url).set(database=self._named(name)).render_as_string(hide_password=False)

    def copy_kept(self, name: str, database: str) -> str:
        """Makes a database that is a copy of one which no run drops; returns its address."""
        execute(self._connection, f'CREATE DATABASE "{self._named(name)}" TEMPLATE "{database}"')
        return make_url(self._url).set(database=self._named(name)).render_as_string(hide_password=False)

    def drop(self, name: str) -> None:
        """Drops a database of this run, where it is."""
        _drop(self._connection, self._named(name))

    @contextmanager
    def copy_of(self, template: str, name: str = "round") -> Iterator[str]:
        """The address of a fresh copy, always of one name and wholly on disk; dropped after the block."""
        self.drop(name)
        url = self.make(name, template)
        self.flush()
        try:
            yield url
        finally:
            self.drop(name)

    def spent(self) -> tuple[float, int]:
        """Seconds of processor that the server took so far (0.0 where it runs elsewhere), and bytes of its log."""
        pid, log = only(self._connection, "SELECT pg_backend_pid(), pg_current_wal_lsn() - '0/0'::pg_lsn")
        server = parent_of(pid)
        return (0.0 if server is None else processor_seconds(server) or 0.0), int(log)

    def flush(self) -> None:
        """Has the server write out what it holds back, so that no round pays for the one before it."""
        with suppress(ProgrammingError):  # not every login may; rounds are then less even, not wrong
            execute(self._connection, "CHECKPOINT")

    def _named(self, name: str) -> str:
        return f"{PREFIX}{self._run}_{name}"


@contextmanager
def own_databases(url: str) -> Iterator[Databases]:
    """A run of its own on the server of ``url``; whatever it made is dropped after the block.

    Advisory locks belong to a database, so every run holds its own in the one that all runs can see.
    """
    shared = make_url(url).set(database="postgres")
    engine = create_engine(shared, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    run = secrets.randbelow(2**31)
    try:
        with engine.connect() as connection:
            execute(connection, "SELECT pg_advisory_lock(%(lock)s, %(run)s)", {"lock": _LOCK, "run": run})
            _drop_leftovers(connection)
            try:
                yield Databases(url, connection, run)
            finally:
                _drop_all(connection, run)
    finally:
        engine.dispose()


def _drop_leftovers(connection: Connection) -> None:
    """Drops what runs left that were killed: those whose lock nobody holds."""
    runs = {int(name[len(PREFIX) :].partition("_")[0]) for name in _names(connection, PREFIX)}
    for run in runs:
        lock = {"lock": _LOCK, "run": run}
        if value(connection, bool, "SELECT pg_try_advisory_lock(%(lock)s, %(run)s)", lock):
            _drop_all(connection, run)
            execute(connection, "SELECT pg_advisory_unlock(%(lock)s, %(run)s)", lock)


def _drop_all(connection: Connection, run: int) -> None:
    for name in _names(connection, f"{PREFIX}{run}_"):
        _drop(connection, name)


def _names(connection: Connection, prefix: str) -> list[str]:
    statement = "SELECT datname FROM pg_database WHERE starts_with(datname, %(prefix)s)"
    names = column(connection, str, statement, {"prefix": prefix})
    return [name for name in names if not name.startswith(WORLDS_PREFIX)]


def _drop(connection: Connection, name: str) -> None:
    execute(connection, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
