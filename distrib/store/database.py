"""Engines for the database: one per role, with time limits that the server itself enforces, a transaction each.

Row-level security rests on the role set here and on the program named, both per transaction. No
query of a noun may enter.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias, TypedDict, TypeVar

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import pq
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper
from psycopg.rows import RowFactory, RowMaker, TupleRow, args_row
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from distrib.store.patience import CONNECTS_WITHIN_S, PatientConnection

_Row = TypeVar("_Row")

RawConnection: TypeAlias = psycopg.Connection[TupleRow]
"""A connection of psycopg's own, whose rows are tuples."""
Bound: TypeAlias = Mapping[str, object]
"""What a statement's parameters are bound to, by name."""

POOL_SIZE = 8
"""Connections of an engine that stay open."""
_BIGINT, _BIGINTS = 20, 1016
"""PostgreSQL's numbers for the type and for its arrays."""
_ARRAY_HEAD = struct.Struct(">iiiii")
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])

_ENTER = "SELECT set_config('distrib.program_id', %(program)s, true)"
WEB_ROLE = "distrib_web"
WORKER_ROLE = "distrib_worker"


class _Named(TypedDict, total=False):
    """What SQLAlchemy connects with by name, beside what the address says."""

    autocommit: bool
    connect_timeout: int
    context: AdaptContext | None


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


class PoolSize(NamedTuple):
    """How many connections stay open, and how many beside them are closed after use; as many again if not given."""

    kept: int = POOL_SIZE
    overflow: int | None = None


PLAIN_POOL = PoolSize()


def open_engine(
    url: str,
    role: str | None,
    *,
    statement_timeout_ms: int = 15_000,
    lock_timeout_ms: int = 5_000,
    pool: PoolSize = PLAIN_POOL,
) -> Engine:
    """Opens an engine whose every transaction acts under ``role`` (None: the login's own, for migrations).

    Role and limits go with BEGIN, in one message, and end with the transaction: no connection carries anything from one
    to the next, and a pooler may serve each by another (adr/0019).
    """
    engine = create_engine(
        url,
        pool_size=pool.kept,
        max_overflow=pool.kept if pool.overflow is None else pool.overflow,
        pool_pre_ping=True,
        connect_args={
            "autocommit": True,  # to psycopg, which would begin by itself; see _begin_as
            "connect_timeout": CONNECTS_WITHIN_S,
        },
    )
    limits: dict[str, str | int] = {
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": lock_timeout_ms,
        "idle_in_transaction_session_timeout": 60_000,
        "timezone": "UTC",
        "jit": "off",  # statements here are short; compiling them costs more than it gains
    }
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _prepare_only_where_alone)
    event.listen(engine, "checkin", _when_given_back)
    event.listen(engine, "begin", _begin_as(limits if role is None else {"role": role, **limits}, statement_timeout_ms))
    return engine


def watch_pool(engine: Engine, note: Callable[[int], None]) -> None:
    """Tells how many connections of an engine are in use, whenever one is taken or given back."""

    def taken(*_: object) -> None:
        if isinstance(engine.pool, QueuePool):
            note(engine.pool.checkedout())

    def given_back(*_: object) -> None:  # told before it counts as given back
        if isinstance(engine.pool, QueuePool):
            note(engine.pool.checkedout() - 1)

    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", given_back)


def _connect(_dialect: object, _record: object, words: Sequence[str], named: _Named) -> PatientConnection:
    return PatientConnection.connect(*words, **named)


def _when_given_back(connection: object, _record: object) -> None:
    """What is asked of it next is whether it is alive."""
    if isinstance(connection, PatientConnection):
        connection.be_impatient()


def _prepare_only_where_alone(connection: RawConnection, _record: object) -> None:
    """Keeps prepared statements off a connection that leads to a pooler: the next transaction is elsewhere.

    PostgreSQL tells its own process in the greeting, a pooler a number of its making. Where they are one, preparing
    saves half of the database's work on a post.
    """
    answer = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    if answer is None or answer[0] != connection.info.backend_pid:
        connection.prepare_threshold = None


def _begin_as(local: Mapping[str, str | int], statement_timeout_ms: int) -> Callable[[Connection], None]:
    """Begins a transaction with settings that end with it, without a round trip of their own."""
    words = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in local.items())

    def begin(conn: Connection) -> None:
        raw = below(conn)
        _wait_as_long_as(raw, statement_timeout_ms)
        level = conn.get_execution_options().get("isolation_level")
        if level == "AUTOCOMMIT":
            return  # there nothing begins
        if not raw.autocommit:  # as SQLAlchemy leaves a connection that had a level of its own
            raw.autocommit = True
        raw.execute(f"BEGIN{f' ISOLATION LEVEL {level}' if level else ''}{words}".encode(), prepare=False)

    return begin


def _wait_as_long_as(raw: RawConnection, statement_timeout_ms: int) -> None:
    if isinstance(raw, PatientConnection):
        raw.wait_as_long_as(statement_timeout_ms)


def enter_program(conn: Connection, program_id: int) -> None:
    """Lets this transaction see the rows of one program, and of no other, under the web role."""
    driver(conn).execute(_ENTER, {"program": str(program_id)})


def allow_minutes(conn: Connection, minutes: int) -> None:
    """Lets each statement of this transaction take so many minutes."""
    raw = driver(conn)
    raw.execute(f"SET LOCAL statement_timeout = '{minutes:d}min'".encode(), prepare=False)
    _wait_as_long_as(raw, minutes * 60_000)


def allow_long_reads(conn: Connection, minutes: int) -> None:
    """Lets each statement of this transaction take so many minutes, on one core: those who settle need the others."""
    allow_minutes(conn, minutes)
    driver(conn).execute("SET LOCAL max_parallel_workers_per_gather = 0")


def driver(conn: Connection) -> RawConnection:
    """The psycopg connection below a connection, in its transaction, which is begun where it is not yet.

    Statements go by ``sql``; this is for COPY, and for those that speak to the server before anything is there.
    """
    if conn.get_transaction() is None:
        conn.begin()
    return below(conn)


def below(conn: Connection) -> RawConnection:
    """The psycopg connection below a connection as it is, in a transaction or not."""
    raw = conn.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("the store needs psycopg")
    return raw


def rows_as(kind: type[_Row]) -> RowFactory[_Row]:
    """A row factory that makes values of a NamedTuple or dataclass, whose fields are the columns, in their order.

    Names are compared once a statement and not once a row: four times as fast as psycopg's own ``class_row``.

    Raises:
        TypeError: the columns of a statement are not the fields.
    """

    def factory(cursor: psycopg.Cursor[object]) -> RowMaker[_Row]:
        if cursor.description:
            _compare(kind, [column.name for column in cursor.description])
        if issubclass(kind, tuple):
            return partial(tuple.__new__, kind)
        return args_row(kind)(cursor)

    return factory


def _compare(kind: type[object], columns: Sequence[str]) -> None:
    """Raises a TypeError where the columns of a statement are not the fields of what is made of its rows."""
    fields: Sequence[str] = getattr(kind, "__match_args__", ())
    if list(columns) != list(fields):
        raise TypeError(f"{kind.__name__} has the fields {tuple(fields)}, the statement the columns {tuple(columns)}")
