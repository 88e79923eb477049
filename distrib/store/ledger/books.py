"""How far a program's books are closed, and the lock between those who post and those who close.

Whoever posts holds the books open until the transaction ends; a close waits for all of them and keeps new ones out
meanwhile. An advisory lock stands before the program's row, because it is fair: a close that waits is not passed by
ever new batches, as it would be at a row that others share. No figure and no rule may enter.
"""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.locks import CLOSES
from distrib.store.sql import execute, value

_TRY = f"SELECT pg_try_advisory_xact_lock_shared({CLOSES}, %(program)s)"
_WAIT = f"SELECT pg_advisory_xact_lock_shared({CLOSES}, %(program)s)"
_ALONE = f"SELECT pg_advisory_xact_lock({CLOSES}, %(program)s)"
_SHARE = "SELECT GREATEST(closed_through, cut_off_through) FROM programs WHERE program_id = %(program)s FOR SHARE"
_UPDATE = "SELECT closed_through FROM programs WHERE program_id = %(program)s FOR NO KEY UPDATE"
_READ = "SELECT closed_through FROM programs WHERE program_id = %(program)s"
_LAST_POSTING = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM posting_no_seq"
_CUT_OFF = (
    "UPDATE programs SET cut_off_through = %(period)s WHERE program_id = %(program)s AND cut_off_through < %(period)s"
)
_CLOSE = "UPDATE programs SET closed_through = %(period)s WHERE program_id = %(program)s"


def try_to_hold_open(conn: Connection, program_id: int) -> int | None:
    """Holds the books open until the transaction ends; returns the last period that takes nothing more (0: none).

    It is closed, or cut off by a proposal to close it. None where a close is under way or waits: the caller comes
    back later.
    """
    bound = {"program": program_id}
    if not value(conn, object, _TRY, bound):
        return None
    return value(conn, int, _SHARE, bound)


def hold_open(conn: Connection, program_id: int) -> int:
    """Holds the books open as ``try_to_hold_open`` does, but waits until a close is through."""
    bound = {"program": program_id}
    execute(conn, _WAIT, bound)
    return value(conn, int, _SHARE, bound)


def hold_alone(conn: Connection, program_id: int) -> int:
    """Waits for all who post, keeps others out until the transaction ends; returns the last closed period."""
    bound = {"program": program_id}
    execute(conn, _ALONE, bound)
    return value(conn, int, _UPDATE, bound)


def last_posting(conn: Connection) -> int:
    """Reads the last number that a posting drew; with the books held alone, none of the program's is under way."""
    return value(conn, int, _LAST_POSTING)


def cut_off_through(conn: Connection, program_id: int, period: int) -> None:
    """Lets what is posted from now on count after a period, which stays open; the caller holds the books alone."""
    execute(conn, _CUT_OFF, {"program": program_id, "period": period})


def closed_through(conn: Connection, program_id: int) -> int:
    """Reads the last closed period, without a lock."""
    return value(conn, int, _READ, {"program": program_id})


def close_through(conn: Connection, program_id: int, period: int) -> None:
    """Closes the books through a period; the caller holds them alone."""
    execute(conn, _CLOSE, {"program": program_id, "period": period})
