"""Arrays that are built whole arrive in PostgreSQL as the values they were built of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from distrib.store.arrays import (
    ColumnArray,
    bytes_array,
    day_array,
    instant_array,
    integer_array,
    json_texts,
    text_array,
)
from distrib.store.database import driver
from tests.world.world import World

TEXTS = ["", "a", "店 7", "x" * 2_047, "x" * 2_048, "晴" * 10_000, '{"a":"b,c"}', "NULL"]
NUMBERS = [0, 1, -1, 2**63 - 1, -(2**63)]
INSTANTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 9, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=8))),
]
DAYS = [date(1970, 1, 1), date(1999, 12, 31), date(2000, 1, 1), date(2026, 2, 28)]


def read_back(world: World, array: ColumnArray, kind: str) -> list[object]:
    """What PostgreSQL makes of an array."""
    with world.container.begin() as conn:
        row = driver(conn).execute(f"SELECT %(array)b::{kind}[]", {"array": array}).fetchone()
    assert row is not None
    return list(row[0])


def test_each_kind_of_column_is_read_as_it_was_written(world: World) -> None:
    assert read_back(world, text_array(TEXTS), "text") == TEXTS
    assert read_back(world, json_texts([text.encode() for text in TEXTS]), "text") == TEXTS
    assert read_back(world, bytes_array([b"", b"\x00\xff", bytes(16)]), "bytea") == [b"", b"\x00\xff", bytes(16)]
    assert read_back(world, integer_array(NUMBERS), "bigint") == NUMBERS
    assert read_back(world, instant_array(INSTANTS), "timestamptz") == INSTANTS
    assert read_back(world, day_array(DAYS), "date") == DAYS


def test_a_column_without_values_is_an_empty_array(world: World) -> None:
    assert read_back(world, text_array([]), "text") == []
    assert read_back(world, integer_array([]), "bigint") == []
