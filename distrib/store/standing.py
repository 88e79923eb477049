"""What a shop is, over time: statuses and ranks, dated, and the newest on the shop's row. No rule may enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.database import driver


class RankRow(NamedTuple):
    """One change of a rank."""

    seq: int
    effective_at: datetime
    rank: str | None
    cause: str
    reason: str
    recorded_at: datetime
    recorded_by: str


_INSERT_STATUS = """
INSERT INTO shop_statuses (program_id, shop_no, effective_at, status, reason, recorded_at, recorded_by)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_NEWEST_STATUS = """
UPDATE shops SET status = %s, status_since = %s WHERE program_id = %s AND shop_no = %s AND status_since <= %s
"""
_INSERT_RANK = """
INSERT INTO shop_ranks (program_id, shop_no, effective_at, rank, cause, reason, recorded_at, recorded_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_NEWEST_RANK = """
UPDATE shops SET rank = %s, rank_since = %s WHERE program_id = %s AND shop_no = %s AND rank_since <= %s
"""
_HISTORY = """
SELECT seq, effective_at, rank, cause, reason, recorded_at, recorded_by FROM shop_ranks
WHERE program_id = %s AND shop_no = %s AND (effective_at, seq) > (%s::timestamptz, %s)
ORDER BY effective_at, seq LIMIT %s
"""
_RANKS_HELD = "SELECT DISTINCT rank FROM shops WHERE program_id = %s AND rank IS NOT NULL"


def add_status(
    conn: Connection, program_id: int, shop_no: int, at: datetime, status: str, reason: str, now: datetime, by: str
) -> None:
    """Adds a status to the history; it is the newest where none takes effect later."""
    connection = driver(conn)
    connection.execute(_INSERT_STATUS, (program_id, shop_no, at, status, reason, now, by))
    connection.execute(_NEWEST_STATUS, (status, at, program_id, shop_no, at))


def add_rank(
    conn: Connection,
    program_id: int,
    shop_no: int,
    at: datetime,
    rank: str | None,
    cause: str,
    reason: str,
    now: datetime,
    by: str,
) -> None:
    """Adds a rank to the history; it is the newest where none takes effect later."""
    connection = driver(conn)
    connection.execute(_INSERT_RANK, (program_id, shop_no, at, rank, cause, reason, now, by))
    connection.execute(_NEWEST_RANK, (rank, at, program_id, shop_no, at))


def rank_history(
    conn: Connection, program_id: int, shop_no: int, after: tuple[str, int], limit: int
) -> list[RankRow]:
    """The changes of a shop's rank by when they take effect, from after (instant, sequence) on."""
    return [RankRow(*row) for row in driver(conn).execute(_HISTORY, (program_id, shop_no, *after, limit))]


def ranks_held(conn: Connection, program_id: int) -> set[str]:
    """Every rank that some shop holds."""
    return {row[0] for row in driver(conn).execute(_RANKS_HELD, (program_id,))}
