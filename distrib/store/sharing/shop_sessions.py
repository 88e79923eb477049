"""Sessions of shop owners and the links that open them: their rows, secrets as keyed hashes alone."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute

CLEARED_AT_ONCE = 20
"""So many rows that have been over for long go with each new one: a bound on the work, and they cannot pile up."""


class SessionRow(NamedTuple):
    """One link, and the session that it opened.

    ``over_at``: until when the link opens, once it is opened until when the session lasts, or when either was ended.
    """

    program_id: int
    session_id: str
    shop_no: int
    secret_hmac: bytes
    session_minutes: int
    made_at: datetime
    made_by: str
    opened_at: datetime | None
    over_at: datetime
    ended_by: str | None = None


_COLUMNS = ", ".join(SessionRow._fields)
_INSERT = f"INSERT INTO shop_sessions ({_COLUMNS}) VALUES ({', '.join(f'%({name})s' for name in SessionRow._fields)})"
_NAME = "SELECT set_config('distrib.session_id', %(session_id)s, true)"
_FIND = f"SELECT {_COLUMNS} FROM shop_sessions WHERE session_id = %(session_id)s"
# Of two who open a link at once, the second one finds it opened.
_OPEN = (
    "UPDATE shop_sessions SET secret_hmac = %(secret_hmac)s, opened_at = %(now)s, over_at = %(over_at)s"
    " WHERE program_id = %(program_id)s AND session_id = %(session_id)s AND opened_at IS NULL AND over_at > %(now)s"
)
_END = (
    "UPDATE shop_sessions SET over_at = %(now)s, ended_by = %(by)s"
    " WHERE program_id = %(program_id)s AND session_id = %(session_id)s AND over_at > %(now)s"
)
_END_ALL = (
    "UPDATE shop_sessions SET over_at = %(now)s, ended_by = %(by)s"
    " WHERE program_id = %(program_id)s AND shop_no = %(shop_no)s AND over_at > %(now)s"
)
_CLEAR = (
    "DELETE FROM shop_sessions WHERE program_id = %(program_id)s AND session_id = ANY(ARRAY("
    "SELECT session_id FROM shop_sessions WHERE program_id = %(program_id)s AND over_at < %(before)s"
    " ORDER BY over_at LIMIT %(most)s FOR UPDATE SKIP LOCKED))"
)


def insert_session(conn: Connection, row: SessionRow) -> None:
    """Writes a link that was asked for."""
    execute(conn, _INSERT, row._asdict())


def find_session(conn: Connection, session_id: str) -> SessionRow | None:
    """Reads the session of that id in any program: row-level security shows this one to who names it."""
    execute(conn, _NAME, {"session_id": session_id})
    row = execute(conn, _FIND, {"session_id": session_id}).fetchone()
    return None if row is None else SessionRow._make(row)


def open_session(conn: Connection, row: SessionRow, secret_hmac: bytes, now: datetime, over_at: datetime) -> bool:
    """Writes the session's secret in the place of its link's; False where the link was opened or ended meanwhile."""
    values = {"program_id": row.program_id, "session_id": row.session_id, "now": now, "over_at": over_at}
    return execute(conn, _OPEN, values | {"secret_hmac": secret_hmac}).rowcount == 1


def end_session(conn: Connection, row: SessionRow, by: str, now: datetime) -> None:
    """Writes that a link or session is over."""
    values = {"program_id": row.program_id, "session_id": row.session_id, "by": by, "now": now}
    execute(conn, _END, values)


def end_sessions(conn: Connection, program_id: int, shop_no: int, by: str, now: datetime) -> int:
    """Writes that all links and sessions of a shop are over; counts those that were not."""
    values = {"program_id": program_id, "shop_no": shop_no, "by": by, "now": now}
    return execute(conn, _END_ALL, values).rowcount


def clear_sessions(conn: Connection, program_id: int, before: datetime) -> None:
    """Deletes some of the program's rows that were over before an instant, the oldest first."""
    execute(conn, _CLEAR, {"program_id": program_id, "before": before, "most": CLEARED_AT_ONCE})
