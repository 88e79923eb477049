"""Columns of whole programs out of the database by binary COPY, as int64 arrays. No SQL of nouns may enter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from distrib.store.database import driver

Integers: TypeAlias = NDArray[np.int64]

_HEAD_BYTES = 19
_END = b"\xff\xff"
_ROWS_CHUNK = 65_536


def pull(conn: Connection, query: str, values: Mapping[str, object], columns: int) -> list[Integers]:
    """Reads the columns of a query whose every column is a bigint and never NULL, as arrays.

    A row at a time comes from the server and some at a time become numbers, so that only the numbers stay.
    """
    row = np.dtype([("count", ">i2"), *((f"{part}{n}", kind) for n in range(columns) for part, kind in _FIELD)])
    kept: list[list[Integers]] = [[] for _ in range(columns)]
    waiting: list[bytes] = []
    with driver(conn).cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", values) as copy:
        head = bytes(copy.read())
        waiting.append(head[_HEAD_BYTES:])
        for data in copy:
            waiting.append(bytes(data))
            if len(waiting) >= _ROWS_CHUNK:
                _keep(waiting, row, kept)
    _keep(waiting, row, kept)
    return [np.concatenate(column) if column else np.zeros(0, dtype=np.int64) for column in kept]


_FIELD = (("length", ">i4"), ("value", ">i8"))


def _keep(waiting: list[bytes], row: np.dtype[np.void], kept: list[list[Integers]]) -> None:
    data = b"".join(waiting)
    waiting.clear()
    usable = data[: len(data) - len(data) % row.itemsize]
    if len(data) != len(usable) and data[len(usable) :] != _END:
        raise ValueError("a column is NULL or no bigint")
    rows = np.frombuffer(usable, dtype=row)
    if len(rows) and not all((rows[f"length{n}"] == 8).all() for n in range(len(kept))):
        raise ValueError("a column is NULL or no bigint")
    for number, column in enumerate(kept):
        column.append(rows[f"value{number}"].astype(np.int64))
