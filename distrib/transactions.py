"""One unit of work is one transaction: begun, run again as a whole where the database asks for it, and committed.

The edges call it: a request, a batch of a drain. A unit may run several times, so what it says to the outside (the
bell, a stream) waits for the commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from typing import Final, TypeVar

import psycopg
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from distrib.store.patience import ServerHangs

_Result = TypeVar("_Result")

MOST_ATTEMPTS: Final = 5
LOCK_NOT_AVAILABLE: Final = "55P03"
_FIRST_PAUSE_S: Final = 0.02
_RETRIED: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock
STATEMENT_TIMEOUT: Final = "57014"
_OF_EITHER: Final = frozenset({STATEMENT_TIMEOUT, "53200", "53400"})
"""Too much was asked for, or the database has too little: of time, memory, room."""
_PASSING: Final = _RETRIED | {
    "25P03",  # the transaction was idle for too long, and its connection is gone
    "53100",  # the disk is full
    "53200",  # out of memory, or of room for locks
    "53300",  # too many connections
    "53400",  # a limit of the configuration
    LOCK_NOT_AVAILABLE,
    STATEMENT_TIMEOUT,
    "57P01",
    "57P02",
    "57P03",  # the server is going down or coming up
    "57P05",  # the session was idle for too long
    "58030",  # the disk cannot be read or written
}
_GONE: Final = frozenset({"25P03", "57P01", "57P02", "57P05"})
"""The connection is closed by the server, for its own reasons."""

_HANGS: Final = (ServerHangs, psycopg.errors.ConnectionTimeout)

_log = structlog.get_logger(__name__)


def in_transaction(
    begin: Callable[[], AbstractContextManager[Connection]],
    unit: Callable[[Connection], _Result],
    also: Collection[str] = (),
) -> _Result:
    """Runs a unit of work in a transaction and returns its result after the commit.

    A serialization failure, a deadlock or a lost connection runs the whole unit again, ``MOST_ATTEMPTS`` times in all;
    so does an exception that was raised from one of them. A server that hangs is not asked again: that takes too long.

    Args:
        begin: opens a transaction, committed when it is left without an error.
        also: further codes (SQLSTATE) of the database that run the unit again.
    """
    for attempt in range(MOST_ATTEMPTS):
        try:
            with begin() as conn:
                return unit(conn)
        except Exception as error:
            if attempt == MOST_ATTEMPTS - 1 or not _is_worth_another_try(error, also):
                raise
            _log.info("unit_retried", attempt=attempt + 1, error=type(error).__name__)
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def stream_in_transaction(
    begin: Callable[[], AbstractContextManager[Connection]], produce: Callable[[Connection], Iterator[bytes]]
) -> Iterator[bytes]:
    """Yields the chunks of ``produce`` from a connection of their own, given back when the stream ends."""
    with begin() as conn:
        yield from produce(conn)


def sqlstate_of(error: DBAPIError | psycopg.Error | Exception) -> str | None:
    """The database's five-letter code of an error; None where the database gave none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def is_passing(error: DBAPIError | psycopg.Error) -> bool:
    """Whether the same request may well succeed in a moment."""
    return is_lost(error) or sqlstate_of(error) in _PASSING


def is_of_the_server(error: BaseException) -> bool:
    """Whether what went wrong surely lies with the database, and not with what was asked of it: later it is well."""
    if not isinstance(error, DBAPIError | psycopg.Error):
        return False
    return is_passing(error) and sqlstate_of(error) not in _OF_EITHER


def _is_worth_another_try(error: BaseException, also: Collection[str]) -> bool:
    cause = error if isinstance(error, DBAPIError | psycopg.Error) else error.__cause__
    if not isinstance(cause, DBAPIError | psycopg.Error):
        return False
    if isinstance(cause.orig if isinstance(cause, DBAPIError) else cause, _HANGS):
        return False
    state = sqlstate_of(cause)
    return is_lost(cause) or state in _RETRIED or state in also


def is_lost(error: DBAPIError | psycopg.Error) -> bool:
    """Whether the connection broke, or there was none to be had: no code, or one of class 08."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = sqlstate_of(error)
    is_operational = isinstance(
        error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError
    )
    return (is_operational and state is None) or (state is not None and state.startswith("08")) or state in _GONE
