"""Columns of values as PostgreSQL's binary arrays, built whole: psycopg's own way asks a dumper for every element.

A statement takes one as ``%(name)b``. No table and no column of a noun may enter.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import chain, repeat
from typing import Any, Final

import numpy as np
import psycopg
from psycopg.adapt import Dumper, PyFormat
from psycopg.postgres import types
from psycopg.pq import Format

from distrib.store.copying import TO_2000, Integers, microseconds

_HEAD = struct.Struct(">iiIii")  # dimensions, has NULLs, type of the elements, how many there are, number of the first
_LENGTH = struct.Struct(">i")
_LENGTHS: Final = [_LENGTH.pack(length) for length in range(8_192)]
_ELEMENT: Final = np.dtype([("length", ">i4"), ("value", ">i8")])
_BEFORE_2000: Final = date(2000, 1, 1).toordinal()


class ColumnArray:
    """An array in PostgreSQL's binary form, and its type."""

    __slots__ = ("data", "oid")

    def __init__(self, oid: int, data: bytes) -> None:
        self.oid = oid
        self.data = data


def text_array(values: Sequence[str]) -> ColumnArray:
    """A ``text[]`` of those values, without NULLs."""
    return _of_bytes("text", len(values), list(map(str.encode, values)))


def json_texts(values: Sequence[bytes]) -> ColumnArray:
    """A ``text[]`` of texts that are in UTF-8 already."""
    return _of_bytes("text", len(values), values)


def bytes_array(values: Sequence[bytes]) -> ColumnArray:
    """A ``bytea[]`` of those values, without NULLs."""
    return _of_bytes("bytea", len(values), values)


def integer_array(values: Sequence[int]) -> ColumnArray:
    """A ``bigint[]`` of those values, without NULLs."""
    return _of_numbers("int8", "iq", 8, values, len(values))


def instant_array(values: Sequence[datetime]) -> ColumnArray:
    """A ``timestamptz[]`` of aware instants, without NULLs."""
    since_2000 = [instant - TO_2000 for instant in microseconds(values)]
    return _of_numbers("timestamptz", "iq", 8, since_2000, len(values))


def numbers_array(values: Integers) -> ColumnArray:
    """A ``bigint[]`` of a column."""
    return _of_column("int8", values)


def instants_array(values: Integers) -> ColumnArray:
    """A ``timestamptz[]`` of a column of microseconds since 1970."""
    return _of_column("timestamptz", values - TO_2000)


def day_array(values: Sequence[date]) -> ColumnArray:
    """A ``date[]`` of those days, without NULLs."""
    return _of_numbers("date", "ii", 4, [day.toordinal() - _BEFORE_2000 for day in values], len(values))


def _array(name: str, count: int, elements: bytes) -> ColumnArray:
    kind = types[name]
    head = _HEAD.pack(1, 0, kind.oid, count, 1) if count else _HEAD.pack(0, 0, kind.oid, 0, 0)[:12]
    return ColumnArray(kind.array_oid, head + elements)


def _of_column(name: str, values: Integers) -> ColumnArray:
    elements = np.empty(values.size, _ELEMENT)
    elements["length"], elements["value"] = 8, values
    return _array(name, values.size, elements.tobytes())


def _of_bytes(name: str, count: int, values: Sequence[bytes]) -> ColumnArray:
    try:
        lengths = list(map(_LENGTHS.__getitem__, map(len, values)))
    except IndexError:  # a long one
        lengths = [_LENGTH.pack(len(value)) for value in values]
    return _array(name, count, b"".join(chain.from_iterable(zip(lengths, values, strict=True))))


def _of_numbers(name: str, form: str, width: int, values: Iterable[int], count: int) -> ColumnArray:
    return _array(name, count, b"".join(map(struct.Struct(f">{form}").pack, repeat(width), values)))


class _ColumnArrayDumper(Dumper):
    """Hands an array to psycopg as it is; its type is its own."""

    format = Format.BINARY

    def __init__(self, cls: type, context: Any = None, oid: int = 0) -> None:
        super().__init__(cls, context)
        self.oid = oid

    def get_key(self, obj: ColumnArray, format: PyFormat) -> Any:  # noqa: A002 - psycopg's name
        """Arrays of one type share a dumper."""
        return (self.cls, obj.oid)

    def upgrade(self, obj: ColumnArray, format: PyFormat) -> Dumper:  # noqa: A002 - psycopg's name
        """The dumper of the array's type."""
        return _ColumnArrayDumper(self.cls, oid=obj.oid)

    def dump(self, obj: ColumnArray) -> bytes:
        """The bytes as they were built."""
        return obj.data


psycopg.adapters.register_dumper(ColumnArray, _ColumnArrayDumper)
