"""Encodes rows as PostgreSQL's binary COPY. No table of its own, no SQL of nouns may enter."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from distrib.store.database import driver

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH = struct.Struct(">i")

NULL = _LENGTH.pack(-1)
TRUE = _LENGTH.pack(1) + b"\x01"


def microseconds(instant: datetime) -> int:
    """Encodes an aware instant as COPY wants a timestamptz: microseconds since 2000."""
    return (instant - _EPOCH) // _MICROSECOND


def text_field(value: str | None) -> bytes:
    """Encodes a text column; None as NULL."""
    if value is None:
        return NULL
    data = value.encode()
    return _LENGTH.pack(len(data)) + data


def copy_rows(conn: Connection, table_and_columns: str, rows: Iterable[bytes]) -> None:
    """Sends rows that are already encoded, each with its count of fields in front."""
    with driver(conn).cursor() as cursor, cursor.copy(f"COPY {table_and_columns} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(_HEADER + b"".join(rows) + _TRAILER)
