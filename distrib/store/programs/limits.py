"""What bounds the calls of a program and of its keys, as whoever runs the service set it, and what waits of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, only


class LimitRow(NamedTuple):
    """One row: of a program where the key's id is empty; None is what was not set."""

    key_id: str
    calls_per_minute: int | None
    waiting_orders: int | None
    waiting_bytes: int | None


MOST_ROWS = 10_000
"""Keys of one program that have a limit of their own; further ones have the program's."""
_READ = (
    "SELECT key_id, calls_per_minute, waiting_orders, waiting_bytes FROM call_limits WHERE program_id = %(program)s"
    " ORDER BY key_id LIMIT %(limit)s"
)
_SET = (
    "INSERT INTO call_limits (program_id, key_id, calls_per_minute, waiting_orders, waiting_bytes, set_at)"
    " VALUES (%(program)s, %(key_id)s, %(calls_per_minute)s, %(waiting_orders)s, %(waiting_bytes)s, %(now)s)"
    " ON CONFLICT (program_id, key_id) DO UPDATE SET calls_per_minute = EXCLUDED.calls_per_minute,"
    " waiting_orders = EXCLUDED.waiting_orders, waiting_bytes = EXCLUDED.waiting_bytes, set_at = EXCLUDED.set_at"
)
# Bounded: past what is asked for, how much more there is does not matter.
_WAITING = (
    "SELECT count(*), coalesce(sum(bytes), 0)::bigint"
    " FROM (SELECT bytes FROM queue WHERE program_id = %(program)s LIMIT %(limit)s) q"
)


def read_limits(conn: Connection, program_id: int) -> list[LimitRow]:
    """Reads the limits of a program and its keys, the program's own first."""
    return [LimitRow(*row) for row in execute(conn, _READ, {"program": program_id, "limit": MOST_ROWS})]


def set_limits(conn: Connection, program_id: int, key_id: str, wanted: Mapping[str, int | None], now: datetime) -> None:
    """Writes the limits of a key, or of the program for the empty id, in place of those before."""
    execute(conn, _SET, {"program": program_id, "key_id": key_id, "now": now, **wanted})


def count_waiting(conn: Connection, program_id: int, most: int) -> tuple[int, int]:
    """Counts the program's orders in the queue, up to ``most``, and adds up about how many bytes their events weigh."""
    orders, size = only(conn, _WAITING, {"program": program_id, "limit": most})
    return int(orders), int(size)
