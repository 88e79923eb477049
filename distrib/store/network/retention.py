"""How many shops stay active so many months after joining: as it stands, and as it was kept of a large program.

A shop is looked at in its k-th month after the month it joined, once that month is over. Orders and shops are grouped
by month first, each table read once, whatever the number of spans. No rule may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.database import allow_long_reads
from distrib.store.locks import RETENTION
from distrib.store.sql import execute, execute_as, row_as, value, written_in

_COUNT = written_in(__file__, "retention")
_KEPT = "SELECT as_of, months, shops, active FROM retention_sums WHERE program_id = %(program)s"
_KEEP = """
INSERT INTO retention_sums (program_id, as_of, months, shops, active)
VALUES (%(program)s, %(as_of)s, %(months)s::integer[], %(shops)s::bigint[], %(active)s::bigint[])
ON CONFLICT (program_id) DO UPDATE SET as_of = EXCLUDED.as_of, months = EXCLUDED.months, shops = EXCLUDED.shops,
    active = EXCLUDED.active
"""
_TRY = "SELECT pg_try_advisory_xact_lock(%(lock)s, %(program)s)"
_MINUTES = 10


class RetentionRow(NamedTuple):
    """So many months after joining: the shops for which that month is over, and those of them that sold in it."""

    months: int
    shops: int
    active: int


class KeptRetention(NamedTuple):
    """What was counted at an instant: the shops and the active ones of each number of months."""

    as_of: datetime
    months: Sequence[int]
    shops: Sequence[int]
    active: Sequence[int]


def count_active(
    conn: Connection, program_id: int, zone: str, months: Sequence[int], current: int
) -> list[RetentionRow]:
    """Counts, so many months after joining, the shops for which that month is over and those that sold in it.

    Args:
        conn: the unit of work.
        program_id: whose shops.
        zone: the time zone of its months.
        months: how many months after the month of joining.
        current: the number of the month that runs (``domain.periods.month_number``).
    """
    values = {"program": program_id, "zone": zone, "after": list(months), "current": current}
    return execute_as(conn, RetentionRow, _COUNT, values).fetchall()


def kept_retention(conn: Connection, program_id: int) -> KeptRetention | None:
    """Reads what was kept last; None of a program of which nothing is kept."""
    return row_as(conn, KeptRetention, _KEPT, {"program": program_id})


def lock_retention(conn: Connection, program_id: int) -> bool:
    """Lets one transaction count for a program until it ends, with time for it; False where another does."""
    is_free = value(conn, bool, _TRY, {"lock": RETENTION, "program": program_id})
    if is_free:
        allow_long_reads(conn, _MINUTES)
    return is_free


def keep_retention(conn: Connection, program_id: int, as_of: datetime, rows: Sequence[RetentionRow]) -> None:
    """Writes what was counted in place of what was kept."""
    counted = {
        "months": [row.months for row in rows],
        "shops": [row.shops for row in rows],
        "active": [row.active for row in rows],
    }
    execute(conn, _KEEP, {"program": program_id, "as_of": as_of} | counted)
