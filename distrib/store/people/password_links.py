"""Links by which a person sets a new password: their rows, tokens as keyed hashes alone."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute

CLEARED_AT_ONCE = 20
"""So many rows that have been over for long go with each new one: a bound on the work, and they cannot pile up."""


class LinkRow(NamedTuple):
    """One link. ``over_at``: until when it is good, or when it was used or another took its place."""

    link_hash: bytes
    program_id: int
    key_id: str
    person_no: int
    made_at: datetime
    made_by: str
    over_at: datetime
    used_at: datetime | None = None


_COLUMNS = ", ".join(LinkRow._fields)
_INSERT = f"INSERT INTO password_links ({_COLUMNS}) VALUES ({', '.join(f'%({name})s' for name in LinkRow._fields)})"
_NAME = "SELECT set_config('distrib.password_link', %(value)s, true)"
_FIND = f"SELECT {_COLUMNS} FROM password_links WHERE link_hash = %(link_hash)s"
# Of two who use a link at once, the second one finds it used.
_USE = (
    "UPDATE password_links SET used_at = %(now)s, over_at = %(now)s"
    " WHERE link_hash = %(link_hash)s AND used_at IS NULL AND over_at > %(now)s"
)
_END_ALL = "UPDATE password_links SET over_at = %(now)s WHERE person_no = %(person_no)s AND over_at > %(now)s"
_CLEAR = (
    "DELETE FROM password_links WHERE program_id = %(program_id)s AND link_hash = ANY(ARRAY("
    "SELECT link_hash FROM password_links WHERE program_id = %(program_id)s AND over_at < %(before)s"
    " ORDER BY over_at LIMIT %(most)s FOR UPDATE SKIP LOCKED))"
)


def insert_link(conn: Connection, row: LinkRow) -> None:
    """Writes a link that was asked for."""
    execute(conn, _INSERT, row._asdict())


def find_link(conn: Connection, link_hash: bytes) -> LinkRow | None:
    """Reads the link of that hash in any program: row-level security shows this one to who names it."""
    execute(conn, _NAME, {"value": link_hash.hex()})
    row = execute(conn, _FIND, {"link_hash": link_hash}).fetchone()
    return None if row is None else LinkRow._make(row)


def use_link(conn: Connection, link_hash: bytes, now: datetime) -> bool:
    """Writes that a link was used; False where it was used or ended meanwhile."""
    return execute(conn, _USE, {"link_hash": link_hash, "now": now}).rowcount == 1


def end_links(conn: Connection, person_no: int, now: datetime) -> None:
    """Writes that all links of the person are over whom the transaction has entered."""
    execute(conn, _END_ALL, {"person_no": person_no, "now": now})


def clear_links(conn: Connection, program_id: int, before: datetime) -> None:
    """Deletes some of the program's rows that were over before an instant, the oldest first."""
    execute(conn, _CLEAR, {"program_id": program_id, "before": before, "most": CLEARED_AT_ONCE})
