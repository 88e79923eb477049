"""Engines for the database: one per role, with time limits that the server itself enforces.

Row-level security rests on the role set here and on the program named per transaction. No
query of a noun may enter.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, TypeVar

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.rows import BaseRowFactory
from sqlalchemy import Connection, Engine, create_engine, event, text

_Row = TypeVar("_Row")

_BIGINT, _BIGINTS = 20, 1016
"""PostgreSQL's numbers for the type and for its arrays."""
_ARRAY_HEAD = struct.Struct(">iiiii")
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])

WEB_ROLE = "distrib_web"
WORKER_ROLE = "distrib_worker"


class _BigintsDumper(Dumper):
    """Sends an int64 array as a bigint[], all elements at once."""

    format = pq.Format.BINARY
    oid = _BIGINTS

    def dump(self, obj: NDArray[np.int64]) -> Buffer:
        if not obj.size:
            return _ARRAY_HEAD.pack(0, 0, _BIGINT, 0, 1)[:12]
        elements = np.empty(obj.size, _ELEMENT)
        elements["length"] = _ELEMENT["value"].itemsize
        elements["value"] = obj
        return _ARRAY_HEAD.pack(1, 0, _BIGINT, obj.size, 1) + elements.tobytes()


psycopg.adapters.register_dumper(np.ndarray, _BigintsDumper)


def open_engine(
    url: str,
    role: str | None,
    *,
    statement_timeout_ms: int = 15_000,
    lock_timeout_ms: int = 5_000,
    pool_size: int = 8,
    overflow: int | None = None,
) -> Engine:
    """Opens an engine whose every connection acts under ``role`` (None: the login's own, for migrations).

    Args:
        pool_size: connections that stay open.
        overflow: connections beside them that are closed after use; as many again if not given.
    """
    options = f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms} -c timezone=UTC"
    options += " -c jit=off"  # statements here are short; compiling them costs more than it gains
    options += " -c idle_in_transaction_session_timeout=60000"
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size if overflow is None else overflow,
        pool_pre_ping=True,
        connect_args={"options": options},
    )
    if role is not None:
        event.listen(engine, "connect", _act_as(role))
    return engine


def _act_as(role: str) -> Any:
    def set_role(connection: psycopg.Connection[Any], _record: object) -> None:
        autocommit = connection.autocommit
        connection.autocommit = True
        connection.execute(f'SET ROLE "{role}"')
        connection.autocommit = autocommit

    return set_role


def enter_program(conn: Connection, program_id: int) -> None:
    """Lets this transaction see the rows of one program, and of no other, under the web role."""
    conn.execute(text("SELECT set_config('distrib.program_id', :p, true)"), {"p": str(program_id)})


def allow_long_reads(conn: Connection, minutes: int) -> None:
    """Lets each statement of this transaction take so many minutes, on one core: those who settle need the others."""
    conn.execute(text(f"SET LOCAL statement_timeout = '{minutes:d}min'"))
    conn.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))


def driver(conn: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection below a connection, in the same transaction: for COPY and binary arrays."""
    raw = conn.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("the store needs psycopg")
    return raw


def rows_as(kind: type[_Row]) -> BaseRowFactory[_Row]:
    """A row factory that makes values of a NamedTuple or dataclass, whose fields are the columns, in their order.

    Names are compared once a statement and not once a row: four times as fast as psycopg's own ``class_row``.

    Raises:
        TypeError: the columns of a statement are not the fields.
    """
    shape: Any = kind
    is_tuple = issubclass(shape, tuple)
    names = tuple(shape._fields if is_tuple else (field.name for field in fields(shape)))
    make: Callable[[Sequence[Any]], Any] = partial(tuple.__new__, shape) if is_tuple else lambda values: shape(*values)

    def factory(cursor: Any) -> Callable[[Sequence[Any]], _Row]:
        columns = tuple(column.name for column in cursor.description or ())
        if columns and columns != names:
            raise TypeError(f"{kind.__name__} has the fields {names}, the statement the columns {columns}")
        return make

    return factory
