"""What can happen to a service, as one table: done to a running one, and undone where it does not pass by itself.

Whoever does it waits for nothing but for what it does.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

import psycopg
import redis

from tests.world.processes import children_of, kill
from tests.world.served import Served
from tests.world.small_disk import filled, may_mount

_MOST_CONNECTIONS = 120


@contextmanager
def killed(*pids: int) -> Iterator[None]:
    """Ends processes without a chance to clean up; somebody else starts them again."""
    for pid in filter(None, pids):
        with suppress(ProcessLookupError):
            kill(pid)
    yield


@contextmanager
def _killed_group(pid: int) -> Iterator[None]:
    if pid:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    yield


@contextmanager
def _hung(*pids: int) -> Iterator[None]:
    """Stops processes, which answer nobody and are not dead, until the block ends."""
    for pid in filter(None, pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    yield
    for pid in filter(None, pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _tell_valkey(service: Served, *command: str) -> None:
    with suppress(redis.RedisError), redis.Redis.from_url(str(service.settings.redis_url), socket_timeout=2) as client:
        client.execute_command(*command)


@contextmanager
def _forgotten(service: Served) -> Iterator[None]:
    """Has Valkey forget all it knows."""
    _tell_valkey(service, "FLUSHALL")
    yield


@contextmanager
def _full(service: Served) -> Iterator[None]:
    """Has Valkey take nothing more."""
    _tell_valkey(service, "CONFIG", "SET", "maxmemory", "1")
    yield
    _tell_valkey(service, "CONFIG", "SET", "maxmemory", "0")


@contextmanager
def _no_connection_left(service: Served) -> Iterator[None]:
    """Takes every connection that PostgreSQL gives."""
    taken: list[psycopg.Connection] = []
    with suppress(psycopg.OperationalError):
        taken.extend(_connection(service) for _ in range(_MOST_CONNECTIONS))
    yield
    for connection in taken:
        connection.close()


@contextmanager
def _connections_ended(service: Served) -> Iterator[None]:
    """Has PostgreSQL end every connection of the service."""
    with suppress(psycopg.OperationalError), _connection(service) as own:
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    yield


def _connection(service: Served) -> psycopg.Connection:
    return psycopg.connect(host=str(service.place.sockets), user="distrib", dbname="distrib")


def _backends(service: Served) -> list[int]:
    pid = service.postgres_pid
    return [pid, *children_of(pid)] if pid else []


_EVERYWHERE: Final[dict[str, Callable[[Served], AbstractContextManager[None]]]] = {
    "the first process of the web is killed": lambda service: killed(service.kept("web")),
    "the web is killed with all its processes": lambda service: _killed_group(service.kept("web")),
    "all processes of the web are killed but the first": lambda service: killed(*service.parts("web")),
    "the supervisor is killed": lambda service: killed(service.kept("workers")),
    "the workers are killed": lambda service: killed(*service.parts("workers")),
    "Valkey is killed": lambda service: killed(service.valkey_pid),
    "Valkey forgets everything": _forgotten,
    "Valkey hangs": lambda service: _hung(service.valkey_pid),
    "Valkey is full": _full,
    "PostgreSQL is killed": lambda service: killed(service.postgres_pid),
    "a process of PostgreSQL is killed": lambda service: killed(*_backends(service)[-1:]),
    "PostgreSQL hangs": lambda service: _hung(*_backends(service)),
    "PostgreSQL ends all connections": _connections_ended,
    "PostgreSQL has no connection left": _no_connection_left,
}
_ON_A_DISK_OF_ITS_OWN: Final[dict[str, Callable[[Served], AbstractContextManager[None]]]] = {
    "the disk is full": lambda service: filled(service.var_dir),
}
MISCHIEF: Final = {**_EVERYWHERE, **(_ON_A_DISK_OF_ITS_OWN if may_mount() else {})}
"""What happens, by its name: a context in which it has happened, and after which it lasts no longer.

A disk is filled where the account may mount one (``small_disk``), on which the service has to lie.
"""
