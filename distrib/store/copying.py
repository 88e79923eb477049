"""Encodes columns as PostgreSQL's binary COPY, from one description of a table's columns. No SQL of nouns may enter.

A table says once which columns it is copied with: name, type, nullable. Everything that COPY wants of it, statement,
lengths and widths, is compiled from that (docs/adr/0009-copy-encoding.md).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from psycopg import Copy
from sqlalchemy import Connection

from distrib.store.database import driver
from distrib.store.staging import copy_by_stage

Integers: TypeAlias = NDArray[np.int64]
Truths: TypeAlias = NDArray[np.bool_]
Shape: TypeAlias = tuple[int | bytes | None, ...]
"""Of each column of a block: how wide its numbers are, the text of all rows, or None for NULL in all of them."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_LENGTH = struct.Struct(">i")
_BOUND = "copies are bound by row-level security"
_IS_BOUND = b"SELECT NOT (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = current_user"
_NULL = _LENGTH.pack(-1)
_WIDTHS = {"boolean": 1, "smallint": 2, "integer": 4, "bigint": 8, "timestamptz": 8}
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
TO_2000 = 946_684_800_000_000
"""Microseconds from 1970, from where columns count, to 2000, from where PostgreSQL does."""


class Column(NamedTuple):
    """A column of a table: its name, its type, and whether it may be NULL.

    Numbers are int64 arrays, truths numbers of 0 and 1; a timestamptz is its microseconds since 1970. Any other type is
    copied as text.
    """

    name: str
    type: str
    nullable: bool = False


class Optionals(NamedTuple):
    """Numbers of which some are NULL."""

    values: Integers
    is_null: Truths


class Texts(NamedTuple):
    """Texts of which there are few: each row's place among those that there are."""

    places: Integers
    known: Sequence[str | None]


Values: TypeAlias = Integers | Optionals | Texts | Sequence[str | None] | int | str | None
"""What a column holds: a value a row, or one for all rows."""


class CopyTable:
    """A table as COPY sees it.

    Args:
        name: of the table.
        columns: those that are copied, in the order in which they are sent; all others get their default.
    """

    def __init__(self, name: str, *columns: Column) -> None:
        self.columns = columns
        self.name = name

    def encode(self, count: int, values: Mapping[str, Values]) -> memoryview:
        """Encodes rows, without what COPY wants before and after them.

        Args:
            count: of rows.
            values: of every column, by name.

        Raises:
            ValueError: a column that may not be NULL is, or has not ``count`` values.
            OverflowError: a number is too wide for its column.
        """
        pieces: list[_Pieces] = []
        run: list[_Fixed] = []
        for column in self.columns:
            value = values[column.name]
            _check(column, value, count)
            if isinstance(value, np.ndarray | Optionals | int | str | None):
                run.append((column, value))
                continue
            if run or not pieces:
                pieces.append(_blocks(run, count, 0 if pieces else len(self.columns)))
            pieces.append(_texts(value))
            run = []
        if run:
            pieces.append(_blocks(run, count, 0 if pieces else len(self.columns)))
        return _interleave(pieces, count)

    def copy(self, conn: Connection, parts: Sequence[tuple[int, Mapping[str, Values]]]) -> None:
        """Sends rows in one statement, where there are any: parts of so many each, with the values of their columns."""
        if not any(count for count, _ in parts):
            return
        with copy_into(conn, self.name, [column.name for column in self.columns], is_binary=True) as copy:
            copy.write(_HEADER)
            for count, values in parts:
                copy.write(self.encode(count, values))
            copy.write(_TRAILER)


@contextmanager
def copy_into(conn: Connection, table: str, columns: Sequence[str], *, is_binary: bool = False) -> Iterator[Copy]:
    """A COPY of those columns into a table; by way of another where row-level security keeps COPY from it.

    Whether it does is asked once a connection, whose every transaction acts under the same role.
    """
    raw = driver(conn)
    if _BOUND not in conn.info:
        row = raw.execute(_IS_BOUND).fetchone()
        conn.info[_BOUND] = row is not None and row[0]
    if conn.info[_BOUND]:
        with copy_by_stage(raw, table, columns, is_binary=is_binary) as copy:
            yield copy
        return
    form = " (FORMAT BINARY)" if is_binary else ""
    with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN{form}".encode()) as copy:
        yield copy


def microseconds(instants: Iterable[datetime]) -> list[int]:
    """Counts the microseconds from 1970 to each of the instants."""
    return [(instant - _1970) // _MICROSECOND for instant in instants]


class _Pieces(NamedTuple):
    """A piece of every row: all bytes, and where in them each row's begin and how many they are."""

    data: NDArray[np.uint8]
    offsets: Integers
    lengths: Integers


_Fixed: TypeAlias = tuple[Column, Integers | Optionals | int | str | None]


def _check(column: Column, value: Values, count: int) -> None:
    has_null = value is None or (isinstance(value, Optionals) and bool(value.is_null.any()))
    if has_null and not column.nullable:
        raise ValueError(f"{column.name} may not be NULL")
    numbers = value.values if isinstance(value, Optionals) else value
    if isinstance(numbers, np.ndarray | Texts | list):
        length = len(numbers.places if isinstance(numbers, Texts) else numbers)
        if length != count:
            raise ValueError(f"{column.name} has {length} values for {count} rows")
    if isinstance(numbers, np.ndarray) and numbers.size:
        bound = 1 << (8 * _WIDTHS[column.type] - 1)
        if bound < 1 << 63 and not (-bound <= int(numbers.min()) and int(numbers.max()) < bound):
            raise OverflowError(f"{column.name} has numbers that no {column.type} holds")


def _interleave(pieces: Sequence[_Pieces], count: int) -> memoryview:
    """The rows: of each its pieces, one behind the other."""
    if len(pieces) == 1 and (pieces[0].offsets[1:] > pieces[0].offsets[:-1]).all():
        return pieces[0].data.data
    ends = np.cumsum(sum((piece.lengths for piece in pieces), np.zeros(count, np.int64)))
    rows = np.empty(int(ends[-1]) if count else 0, np.uint8)
    starts = np.zeros(count, np.int64)
    starts[1:] = ends[:-1]
    for data, offsets, lengths in pieces:
        _place(data, offsets, lengths, rows, starts)
        starts = starts + lengths
    return rows.data


def _place(
    data: NDArray[np.uint8], offsets: Integers, lengths: Integers, into: NDArray[np.uint8], starts: Integers
) -> None:
    """Copies each row's bytes to where they belong, those of one length at once."""
    if not lengths.size:
        return
    order = np.argsort(lengths, kind="stable")
    if lengths[order[0]] == lengths[order[-1]]:
        _windows(into, int(lengths[0]))[starts] = _windows(data, int(lengths[0]))[offsets]
        return
    bounds = np.flatnonzero(np.diff(lengths[order])) + 1
    for rows in np.split(order, bounds):
        length = int(lengths[rows[0]])
        _windows(into, length)[starts[rows]] = _windows(data, length)[offsets[rows]]


def _windows(data: NDArray[np.uint8], length: int) -> NDArray[np.void]:
    """So many bytes from each place on, as one value each."""
    return np.ndarray((data.size - length + 1,), f"V{length}", data, 0, (1,))


def _texts(value: Texts | Sequence[str | None]) -> _Pieces:
    """A text of each row with its length in front."""
    known = value.known if isinstance(value, Texts) else value
    fields = [_text_field(text) for text in known]
    lengths = np.array([len(field) for field in fields], np.int64)
    offsets = np.cumsum(lengths) - lengths
    data = np.frombuffer(b"".join(fields), np.uint8)
    if isinstance(value, Texts):
        return _Pieces(data, offsets[value.places], lengths[value.places])
    return _Pieces(data, offsets, lengths)


def _text_field(text: str | None) -> bytes:
    if text is None:
        return _NULL
    data = text.encode()
    return _LENGTH.pack(len(data)) + data


def _blocks(run: Sequence[_Fixed], count: int, fields: int) -> _Pieces:
    """Neighbouring columns of fixed width; rows with NULL in the same columns have one layout.

    Args:
        fields: how many a row has; 0 where these are not the first.
    """
    kinds = np.zeros(count, np.int64)
    for _, value in run:
        if isinstance(value, Optionals):
            kinds = kinds * 2 + value.is_null
    if not count or (kinds == kinds[0]).all():
        block = _block(run, slice(None), count, fields)
        width = block.itemsize
        return _Pieces(block.view(np.uint8), np.arange(count) * width, np.full(count, width, np.int64))
    pieces = _Pieces(np.empty(0, np.uint8), np.empty(count, np.int64), np.empty(count, np.int64))
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        block = _block(run, rows, rows.size, fields)
        pieces.offsets[rows] = pieces.data.size + np.arange(rows.size) * block.itemsize
        pieces.lengths[rows] = block.itemsize
        pieces = pieces._replace(data=np.concatenate([pieces.data, block.view(np.uint8)]))
    return pieces


def _block(run: Sequence[_Fixed], rows: slice[None] | Integers, count: int, fields: int) -> NDArray[np.void]:
    """The same for rows that have NULL in the same columns."""
    shape: list[int | bytes | None] = []
    numbers: list[Integers | int | None] = []
    for column, values in run:
        is_null = values is None or (isinstance(values, Optionals) and bool(values.is_null[rows][:1].all()))
        number = (
            None if is_null or isinstance(values, str) else values.values if isinstance(values, Optionals) else values
        )
        shape.append(None if is_null else values.encode() if isinstance(values, str) else _WIDTHS[column.type])
        numbers.append(number[rows] if isinstance(number, np.ndarray) else number)
    block = np.repeat(_template(tuple(shape), fields), count)
    for place, ((column, _), number) in enumerate(zip(run, numbers, strict=True)):
        if number is not None:
            block[f"value{place}"] = number - TO_2000 if column.type == "timestamptz" else number
    return block


@lru_cache(maxsize=256)
def _template(shape: Shape, fields: int) -> NDArray[np.void]:
    """A row of a block in which the lengths stand and what is the same in all rows."""
    parts = [("fields", ">i2")] if fields else []
    for place, width in enumerate(shape):
        parts.append((f"length{place}", ">i4"))
        if width is not None:
            parts.append((f"value{place}", f"S{len(width)}" if isinstance(width, bytes) else f">i{width}"))
    row = np.zeros(1, np.dtype(parts))
    if fields:
        row["fields"] = fields
    for place, width in enumerate(shape):
        row[f"length{place}"] = -1 if width is None else len(width) if isinstance(width, bytes) else width
        if isinstance(width, bytes):
            row[f"value{place}"] = width
    return row
