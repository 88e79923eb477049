"""One request is one transaction: begun, tried again where the database asks for it, and committed here alone.

A unit of work may run several times, so what it says to the outside (the bell, a stream) waits for the commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

Outcome = TypeVar("Outcome")

MOST_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.01
_RETRY = {"40001", "40P01"}  # serialization failure, deadlock
_PASSING = _RETRY | {
    "53300",  # too many connections
    "55P03",  # lock not available in time
    "57014",  # statement took too long
    "57P01",
    "57P02",
    "57P03",  # the server is going down or coming up
}


def in_transaction(
    begin: Callable[[], AbstractContextManager[Connection]], unit: Callable[[Connection], Outcome]
) -> Outcome:
    """What ``unit`` answers, after its commit; tried again on a deadlock or a lost connection, five times at most."""
    for attempt in range(MOST_ATTEMPTS):
        try:
            with begin() as conn:
                return unit(conn)
        except (DBAPIError, psycopg.Error) as error:
            if attempt == MOST_ATTEMPTS - 1 or not _is_worth_another_try(error):
                raise
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
    raise AssertionError("the last attempt answers or raises")


def stream_in_transaction(
    begin: Callable[[], AbstractContextManager[Connection]], produce: Callable[[Connection], Iterator[bytes]]
) -> Iterator[bytes]:
    """Chunks from a connection of their own, given back when the stream ends or is dropped."""
    with begin() as conn:
        yield from produce(conn)


def sqlstate_of(error: DBAPIError | psycopg.Error | Exception) -> str | None:
    """The database's five-letter code for what went wrong; None where it could not be asked."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def is_passing(error: DBAPIError | psycopg.Error) -> bool:
    """Whether the same request may well succeed in a moment."""
    return _is_lost(error) or sqlstate_of(error) in _PASSING


def _is_worth_another_try(error: DBAPIError | psycopg.Error) -> bool:
    return _is_lost(error) or sqlstate_of(error) in _RETRY


def _is_lost(error: DBAPIError | psycopg.Error) -> bool:
    """No code of its own, or one of class 08: the connection broke, or there was none to be had."""
    state = sqlstate_of(error)
    broken = isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError)
    return (broken and state is None) or (state is not None and state.startswith("08")) or state == "57P01"
