"""Runs statements: the one way by which SQL reaches the database. No statement of a noun may enter.

A statement is a text whose parameters have names: ``%(name)s``, or ``%(name)b`` for an array that was built whole
(``arrays``). A per cent sign of its own stands twice. COPY goes by ``copying`` and ``pulling``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from types import MappingProxyType
from typing import Final, TypeVar

import psycopg
from psycopg.rows import TupleRow, dict_row, kwargs_row, scalar_row
from sqlalchemy import Connection

from distrib.store.database import Bound, driver, rows_as

_Row = TypeVar("_Row")
_Value = TypeVar("_Value")

NOTHING: Final[Bound] = MappingProxyType({})
"""What a statement without parameters is bound to."""


def execute(
    conn: Connection, statement: str, values: Bound = NOTHING, *, binary: bool = False
) -> psycopg.Cursor[TupleRow]:
    """Runs a statement in the connection's transaction, and answers a cursor whose rows are tuples.

    Args:
        binary: whether the server answers in binary, which is cheaper where rows are many.
    """
    return driver(conn).execute(statement, values, binary=binary)


def execute_as(
    conn: Connection, kind: type[_Row], statement: str, values: Bound = NOTHING, *, binary: bool = False
) -> psycopg.Cursor[_Row]:
    """The same with rows of a NamedTuple or dataclass, whose fields are the columns in their order.

    Raises:
        TypeError: the columns of the statement are not the fields.
    """
    return driver(conn).cursor(row_factory=rows_as(kind)).execute(statement, values, binary=binary)


def execute_partly_as(
    conn: Connection, kind: type[_Row], statement: str, values: Bound = NOTHING
) -> psycopg.Cursor[_Row]:
    """The same by the columns' names, where a statement answers some of the fields: the others have their defaults."""
    return driver(conn).cursor(row_factory=kwargs_row(kind)).execute(statement, values)


def execute_many(conn: Connection, statement: str, rows: Sequence[Bound]) -> None:
    """Runs a statement once for each of what it is bound to, without waiting for one before the next is sent."""
    with driver(conn).cursor() as cursor:
        cursor.executemany(statement, rows)


def row_as(conn: Connection, kind: type[_Row], statement: str, values: Bound = NOTHING) -> _Row | None:
    """The only row of a statement as such a value; None without one. Raises as ``execute_as`` does, and as ``only``."""
    return _only(execute_as(conn, kind, statement, values).fetchall())


def only(conn: Connection, statement: str, values: Bound = NOTHING) -> TupleRow:
    """The one row that a statement answers.

    Raises:
        LookupError: it answers none, or several.
    """
    row = _only(execute(conn, statement, values).fetchall())
    if row is None:
        raise LookupError("the statement answers no row")
    return row


def value(conn: Connection, kind: type[_Value], statement: str, values: Bound = NOTHING) -> _Value:
    """The one value, of that type, that a statement answers: the first field of its only row.

    Raises:
        LookupError: it answers no row, or several.
        TypeError: the value is of another type, or NULL.
    """
    return _of(kind, only(conn, statement, values)[0])


def value_or_none(conn: Connection, kind: type[_Value], statement: str, values: Bound = NOTHING) -> _Value | None:
    """The same; None where there is no row, and where the value is NULL."""
    row = _only(execute(conn, statement, values).fetchall())
    return None if row is None or row[0] is None else _of(kind, row[0])


def column(conn: Connection, kind: type[_Value], statement: str, values: Bound = NOTHING) -> list[_Value]:
    """The first fields, of that type, of all rows of a bounded statement."""
    cursor = driver(conn).cursor(row_factory=scalar_row).execute(statement, values)
    return [_of(kind, field) for field in cursor]


def figures_or_none(conn: Connection, statement: str, values: Bound = NOTHING) -> dict[str, int] | None:
    """The only row of a statement whose columns are all whole numbers, by name; None without one."""
    row = _only(driver(conn).cursor(row_factory=dict_row).execute(statement, values).fetchall())
    return None if row is None else {name: int(field) for name, field in row.items()}


def figures(conn: Connection, statement: str, values: Bound = NOTHING) -> dict[str, int]:
    """The same of a statement that always answers one.

    Raises:
        LookupError: it answers none, or several.
    """
    row = figures_or_none(conn, statement, values)
    if row is None:
        raise LookupError("the statement answers no row")
    return row


def columns_of(kind: type[_Row], rows: Sequence[_Row]) -> dict[str, list[object]]:
    """The fields of NamedTuples or dataclasses as columns by name, for a statement that unnests them."""
    names: Sequence[str] = getattr(kind, "__match_args__", ())
    return {name: list(map(attrgetter(name), rows)) for name in names}


@contextmanager
def streamed(
    conn: Connection, name: str, statement: str, values: Bound = NOTHING, *, binary: bool = False
) -> Iterator[psycopg.ServerCursor[TupleRow]]:
    """A cursor of the server's, by its name, over rows that may not fit into memory; they are tuples."""
    with driver(conn).cursor(name=name) as cursor:
        yield cursor.execute(statement, values, binary=binary)


@contextmanager
def streamed_as(
    conn: Connection, name: str, kind: type[_Row], statement: str, values: Bound = NOTHING
) -> Iterator[psycopg.ServerCursor[_Row]]:
    """The same with rows of a NamedTuple or dataclass. Raises as ``execute_as`` does."""
    with driver(conn).cursor(name=name, row_factory=rows_as(kind)) as cursor:
        yield cursor.execute(statement, values)


@contextmanager
def savepoint(conn: Connection) -> Iterator[None]:
    """What is done within is undone alone where it fails, and the transaction goes on."""
    with driver(conn).transaction():
        yield


def _only(rows: list[_Row]) -> _Row | None:
    if len(rows) > 1:
        raise LookupError(f"one row is expected, and {len(rows)} came")
    return rows[0] if rows else None


def _of(kind: type[_Value], field: object) -> _Value:
    if not isinstance(field, kind):
        raise TypeError(f"a {kind.__name__} is expected, and a {type(field).__name__} came")
    return field
