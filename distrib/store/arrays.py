"""Columns of values as PostgreSQL's binary arrays, built whole: psycopg's own way asks a dumper for every element.

A statement takes one as ``%(name)b``. No table and no column of a noun may enter.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import chain, repeat
from typing import ClassVar, Final

import numpy as np
import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format
from psycopg.types import TypeInfo

from distrib.store.copying import TO_2000, Integers, microseconds

_HEAD = struct.Struct(">iiIii")  # dimensions, has NULLs, type of the elements, how many there are, number of the first
_LENGTH = struct.Struct(">i")
_LENGTHS: Final = [_LENGTH.pack(length) for length in range(8_192)]
_ELEMENT: Final = np.dtype([("length", ">i4"), ("value", ">i8")])
_BEFORE_2000: Final = date(2000, 1, 1).toordinal()


class ColumnArray:
    """An array in PostgreSQL's binary form; each type of element has a class of its own."""

    __slots__ = ("data",)
    element: ClassVar[TypeInfo]

    def __init__(self, data: bytes) -> None:
        self.data = data


class _Texts(ColumnArray):
    __slots__ = ()
    element = types["text"]


class _Bytes(ColumnArray):
    __slots__ = ()
    element = types["bytea"]


class _Bigints(ColumnArray):
    __slots__ = ()
    element = types["int8"]


class _Instants(ColumnArray):
    __slots__ = ()
    element = types["timestamptz"]


class _Days(ColumnArray):
    __slots__ = ()
    element = types["date"]


def text_array(values: Sequence[str]) -> ColumnArray:
    """A ``text[]`` of those values, without NULLs."""
    return _of_bytes(_Texts, len(values), list(map(str.encode, values)))


def json_texts(values: Sequence[bytes]) -> ColumnArray:
    """A ``text[]`` of texts that are in UTF-8 already."""
    return _of_bytes(_Texts, len(values), values)


def bytes_array(values: Sequence[bytes]) -> ColumnArray:
    """A ``bytea[]`` of those values, without NULLs."""
    return _of_bytes(_Bytes, len(values), values)


def integer_array(values: Sequence[int]) -> ColumnArray:
    """A ``bigint[]`` of those values, without NULLs."""
    return _of_numbers(_Bigints, "iq", 8, values, len(values))


def instant_array(values: Sequence[datetime]) -> ColumnArray:
    """A ``timestamptz[]`` of aware instants, without NULLs."""
    since_2000 = [instant - TO_2000 for instant in microseconds(values)]
    return _of_numbers(_Instants, "iq", 8, since_2000, len(values))


def numbers_array(values: Integers) -> ColumnArray:
    """A ``bigint[]`` of a column."""
    return _of_column(_Bigints, values)


def instants_array(values: Integers) -> ColumnArray:
    """A ``timestamptz[]`` of a column of microseconds since 1970."""
    return _of_column(_Instants, values - TO_2000)


def day_array(values: Sequence[date]) -> ColumnArray:
    """A ``date[]`` of those days, without NULLs."""
    return _of_numbers(_Days, "ii", 4, [day.toordinal() - _BEFORE_2000 for day in values], len(values))


def _array(kind: type[ColumnArray], count: int, elements: bytes) -> ColumnArray:
    oid = kind.element.oid
    head = _HEAD.pack(1, 0, oid, count, 1) if count else _HEAD.pack(0, 0, oid, 0, 0)[:12]
    return kind(head + elements)


def _of_column(kind: type[ColumnArray], values: Integers) -> ColumnArray:
    elements = np.empty(values.size, _ELEMENT)
    elements["length"], elements["value"] = 8, values
    return _array(kind, values.size, elements.tobytes())


def _of_bytes(kind: type[ColumnArray], count: int, values: Sequence[bytes]) -> ColumnArray:
    try:
        lengths = list(map(_LENGTHS.__getitem__, map(len, values)))
    except IndexError:  # a long one
        lengths = [_LENGTH.pack(len(value)) for value in values]
    return _array(kind, count, b"".join(chain.from_iterable(zip(lengths, values, strict=True))))


def _of_numbers(kind: type[ColumnArray], form: str, width: int, values: Iterable[int], count: int) -> ColumnArray:
    return _array(kind, count, b"".join(map(struct.Struct(f">{form}").pack, repeat(width), values)))


class _ColumnArrayDumper(Dumper):
    """Hands an array to psycopg as it is; its type is its own."""

    format = Format.BINARY

    def __init__(self, cls: type[ColumnArray], context: AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        self.oid = cls.element.array_oid

    def dump(self, obj: ColumnArray) -> bytes:
        """The bytes as they were built."""
        return obj.data


for _kind in (_Texts, _Bytes, _Bigints, _Instants, _Days):
    psycopg.adapters.register_dumper(_kind, _ColumnArrayDumper)
