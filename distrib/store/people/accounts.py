"""People and their sessions: rows, never a password or a token. Nothing that judges one may enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, row_as


class PersonRow(NamedTuple):
    """A person who signs in."""

    person_no: int
    login: str
    name: str
    password_hash: str
    must_change: bool
    language: str | None
    preferences: str
    made_at: datetime
    ended_at: datetime | None = None


class PersonSessionRow(NamedTuple):
    """A session of a person: on what device, from when until when, and begun by a password or by ``oidc``."""

    session_hash: bytes
    person_no: int
    device: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    signed_in_by: str = "password"


_COLUMNS = ", ".join(PersonRow._fields)
_SESSION_COLUMNS = ", ".join(PersonSessionRow._fields)
_NAME = "SELECT set_config('distrib.{name}', %(value)s, true)"
_NAME_LOGIN, _NAME_SESSION, _ENTER = ((_NAME.format(name=name)) for name in ("login", "session", "person_no"))
_BY_LOGIN = f"SELECT {_COLUMNS} FROM people WHERE login = %(login)s"
_BY_NO = f"SELECT {_COLUMNS} FROM people WHERE person_no = %(person_no)s"
# A login that is taken makes no row; whoever made it first keeps it.
_INSERT = (
    "INSERT INTO people (login, name, password_hash, must_change, language, made_at) "
    "VALUES (%(login)s, %(name)s, "
    "%(password_hash)s, %(must_change)s, %(language)s, %(made_at)s) "
    "ON CONFLICT DO NOTHING"
)
_OTHER_HASH = (
    "UPDATE people SET password_hash = %(password_hash)s, must_change = %(must_change)s WHERE person_no = %(person_no)s"
)
_SET_LANGUAGE = "UPDATE people SET language = %(language)s WHERE person_no = %(person_no)s"
_SET_PREFERENCES = "UPDATE people SET preferences = %(preferences)s WHERE person_no = %(person_no)s"
_END_PERSON = "UPDATE people SET ended_at = %(now)s WHERE person_no = %(person_no)s AND ended_at IS NULL"
_INSERT_SESSION = (
    f"INSERT INTO person_sessions ({_SESSION_COLUMNS}) VALUES ("
    f"{', '.join(f'%({name})s' for name in PersonSessionRow._fields)})"
)
_BY_SESSION = f"SELECT {_SESSION_COLUMNS} FROM person_sessions WHERE session_hash = %(session_hash)s"
_SESSIONS = (
    f"SELECT {_SESSION_COLUMNS} FROM person_sessions WHERE person_no = %(person_no)s "
    "AND ended_at IS NULL AND ends_at > %(now)s AND seen_at > %(seen_after)s ORDER BY began_at DESC LIMIT %(limit)s"
)
_SEEN = (
    "UPDATE person_sessions SET seen_at = %(now)s WHERE session_hash = %(session_hash)s AND person_no = %(person_no)s"
)
_END_SESSION = (
    "UPDATE person_sessions SET ended_at = %(now)s "
    "WHERE person_no = %(person_no)s AND session_hash = %(session_hash)s AND ended_at IS NULL"
)
_END_SESSIONS = (
    "UPDATE person_sessions SET ended_at = %(now)s "
    "WHERE person_no = %(person_no)s AND session_hash <> %(kept)s AND ended_at IS NULL"
)


def insert_person(conn: Connection, row: PersonRow) -> None:
    """Writes a new person, whose number is drawn; nothing where the login is taken."""
    execute(conn, _INSERT, row._asdict())


def by_login(conn: Connection, login: str) -> PersonRow | None:
    """Reads the person of that login: row-level security shows this one to who names it."""
    execute(conn, _NAME_LOGIN, {"value": login})
    return row_as(conn, PersonRow, _BY_LOGIN, {"login": login})


def enter_person(conn: Connection, person_no: int) -> None:
    """Lets the transaction see the person, its sessions and its seats."""
    execute(conn, _ENTER, {"value": str(person_no)})


def by_no(conn: Connection, person_no: int) -> PersonRow | None:
    """Reads the person that the transaction has entered."""
    return row_as(conn, PersonRow, _BY_NO, {"person_no": person_no})


def set_password(conn: Connection, person_no: int, password_hash: str, *, must_change: bool) -> None:
    """Writes what is kept of a new password."""
    values = {"person_no": person_no, "password_hash": password_hash, "must_change": must_change}
    execute(conn, _OTHER_HASH, values)


def set_language(conn: Connection, person_no: int, language: str) -> None:
    """Writes which language the person reads."""
    execute(conn, _SET_LANGUAGE, {"person_no": person_no, "language": language})


def set_preferences(conn: Connection, person_no: int, preferences: str) -> None:
    """Writes how the person likes lists, as JSON."""
    execute(conn, _SET_PREFERENCES, {"person_no": person_no, "preferences": preferences})


def end_person(conn: Connection, person_no: int, now: datetime) -> None:
    """Writes that the person signs in no more."""
    execute(conn, _END_PERSON, {"person_no": person_no, "now": now})


def insert_session(conn: Connection, row: PersonSessionRow) -> None:
    """Writes a session."""
    execute(conn, _INSERT_SESSION, row._asdict())


def by_session(conn: Connection, session_hash: bytes) -> PersonSessionRow | None:
    """Reads the session of that hash: row-level security shows this one to who names it."""
    execute(conn, _NAME_SESSION, {"value": session_hash.hex()})
    row = execute(conn, _BY_SESSION, {"session_hash": session_hash}).fetchone()
    return None if row is None else PersonSessionRow._make(row)


def sessions_of(
    conn: Connection, person_no: int, now: datetime, seen_after: datetime, limit: int
) -> list[PersonSessionRow]:
    """Lists the live sessions of a person, the newest first."""
    values = {"person_no": person_no, "now": now, "seen_after": seen_after, "limit": limit}
    return [PersonSessionRow._make(row) for row in execute(conn, _SESSIONS, values)]


def note_seen(conn: Connection, row: PersonSessionRow, now: datetime) -> None:
    """Writes when a session was last used."""
    execute(conn, _SEEN, {"session_hash": row.session_hash, "person_no": row.person_no, "now": now})


def end_session(conn: Connection, person_no: int, session_hash: bytes, now: datetime) -> int:
    """Ends a session of the person; how many ended."""
    values = {"person_no": person_no, "session_hash": session_hash, "now": now}
    return execute(conn, _END_SESSION, values).rowcount


def end_sessions(conn: Connection, person_no: int, kept: bytes, now: datetime) -> None:
    """Ends every session of the person but the one kept."""
    execute(conn, _END_SESSIONS, {"person_no": person_no, "kept": kept, "now": now})
