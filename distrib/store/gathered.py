"""Columns of a bounded statement as arrays, gathered by the server: one row comes, each of its fields a whole column.

``array_agg`` of a number comes as PostgreSQL's binary array, which NumPy reads as it lies; texts come as one, a line
each. A row at a time costs two microseconds of Python, a field of a column 0.1 on the server and nothing here. No
table and no column of a noun may enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from sqlalchemy import Connection

from distrib.store.copying import TO_2000, Integers
from distrib.store.sql import execute

LINE: Final = "E'\\n'"
"""What stands between the texts of a column, as SQL has it: JSON and ids hold no end of a line."""
_HEAD_BYTES: Final = 20
_KINDS: Final = {width: np.dtype([("length", ">i4"), ("value", f">i{width}")]) for width in (2, 4, 8)}


def gather(conn: Connection, statement: str, values: Mapping[str, object]) -> list[bytes]:
    """Runs a statement that aggregates everything to one row, and answers its fields as the server sends them.

    A field of no rows is empty.
    """
    result = execute(conn, statement, values, binary=True).pgresult
    if result is None:
        raise TypeError("the statement answers nothing")
    return [result.get_value(0, field) or b"" for field in range(result.nfields)]


def numbers(field: bytes, width: int = 8) -> Integers:
    """The numbers of an ``array_agg`` of bigint (``width`` 8), integer (4) or smallint (2).

    Raises:
        ValueError: one of them is NULL.
    """
    elements = np.frombuffer(memoryview(field)[_HEAD_BYTES:], _KINDS[width]) if field else np.zeros(0, _KINDS[width])
    if not (elements["length"] == width).all():
        raise ValueError("a column has NULL")
    return elements["value"].astype(np.int64)


def instants(field: bytes) -> Integers:
    """The instants of an ``array_agg`` of timestamptz, in microseconds since 1970."""
    return numbers(field) + TO_2000


def lines(field: bytes) -> Sequence[bytes]:
    """The texts of a ``string_agg`` over ``LINE``."""
    return field.split(b"\n") if field else []
