"""People and their sessions: rows, never a password or a token. Nothing that judges one may enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from distrib.store.database import value_of


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
_NAME = "SELECT set_config('distrib.{name}', :value, true)"
_NAME_LOGIN, _NAME_SESSION, _ENTER = (text(_NAME.format(name=name)) for name in ("login", "session", "person_no"))
_BY_LOGIN = text(f"SELECT {_COLUMNS} FROM people WHERE login = :login")
_BY_NO = text(f"SELECT {_COLUMNS} FROM people WHERE person_no = :person_no")
# A login that is taken makes no row; whoever made it first keeps it.
_INSERT = text(
    "INSERT INTO people (login, name, password_hash, must_change, language, made_at) "
    "VALUES (:login, :name, "
    ":password_hash, :must_change, :language, :made_at) "
    "ON CONFLICT DO NOTHING"
)
_SET_PASSWORD = text(
    "UPDATE people SET password_hash = :password_hash, must_change = :must_change WHERE person_no = :person_no"
)
_SET_LANGUAGE = text("UPDATE people SET language = :language WHERE person_no = :person_no")
_SET_PREFERENCES = text("UPDATE people SET preferences = :preferences WHERE person_no = :person_no")
_END_PERSON = text("UPDATE people SET ended_at = :now WHERE person_no = :person_no AND ended_at IS NULL")
_INSERT_SESSION = text(
    f"INSERT INTO person_sessions ({_SESSION_COLUMNS}) VALUES ("
    f"{', '.join(f':{name}' for name in PersonSessionRow._fields)})"
)
_BY_SESSION = text(f"SELECT {_SESSION_COLUMNS} FROM person_sessions WHERE session_hash = :session_hash")
_SESSIONS = text(
    f"SELECT {_SESSION_COLUMNS} FROM person_sessions WHERE person_no = :person_no "
    "AND ended_at IS NULL AND ends_at > :now AND seen_at > :seen_after ORDER BY began_at DESC LIMIT :limit"
)
_SEEN = text("UPDATE person_sessions SET seen_at = :now WHERE session_hash = :session_hash AND person_no = :person_no")
_END_SESSION = text(
    "UPDATE person_sessions SET ended_at = :now "
    "WHERE person_no = :person_no AND session_hash = :session_hash AND ended_at IS NULL"
)
_END_SESSIONS = text(
    "UPDATE person_sessions SET ended_at = :now "
    "WHERE person_no = :person_no AND session_hash <> :kept AND ended_at IS NULL"
)


def insert_person(conn: Connection, row: PersonRow) -> None:
    """Writes a new person, whose number is drawn; nothing where the login is taken."""
    conn.execute(_INSERT, row._asdict())


def by_login(conn: Connection, login: str) -> PersonRow | None:
    """Reads the person of that login: row-level security shows this one to who names it."""
    conn.execute(_NAME_LOGIN, {"value": login})
    return value_of(PersonRow, conn.execute(_BY_LOGIN, {"login": login}))


def enter_person(conn: Connection, person_no: int) -> None:
    """Lets the transaction see the person, its sessions and its seats."""
    conn.execute(_ENTER, {"value": str(person_no)})


def by_no(conn: Connection, person_no: int) -> PersonRow | None:
    """Reads the person that the transaction has entered."""
    return value_of(PersonRow, conn.execute(_BY_NO, {"person_no": person_no}))


def set_password(conn: Connection, person_no: int, password_hash: str, *, must_change: bool) -> None:
    """Writes what is kept of a new password."""
    values = {"person_no": person_no, "password_hash": password_hash, "must_change": must_change}
    conn.execute(_SET_PASSWORD, values)


def set_language(conn: Connection, person_no: int, language: str) -> None:
    """Writes which language the person reads."""
    conn.execute(_SET_LANGUAGE, {"person_no": person_no, "language": language})


def set_preferences(conn: Connection, person_no: int, preferences: str) -> None:
    """Writes how the person likes lists, as JSON."""
    conn.execute(_SET_PREFERENCES, {"person_no": person_no, "preferences": preferences})


def end_person(conn: Connection, person_no: int, now: datetime) -> None:
    """Writes that the person signs in no more."""
    conn.execute(_END_PERSON, {"person_no": person_no, "now": now})


def insert_session(conn: Connection, row: PersonSessionRow) -> None:
    """Writes a session."""
    conn.execute(_INSERT_SESSION, row._asdict())


def by_session(conn: Connection, session_hash: bytes) -> PersonSessionRow | None:
    """Reads the session of that hash: row-level security shows this one to who names it."""
    conn.execute(_NAME_SESSION, {"value": session_hash.hex()})
    row = conn.execute(_BY_SESSION, {"session_hash": session_hash}).one_or_none()
    return None if row is None else PersonSessionRow._make(row)


def sessions_of(
    conn: Connection, person_no: int, now: datetime, seen_after: datetime, limit: int
) -> list[PersonSessionRow]:
    """Lists the live sessions of a person, the newest first."""
    values = {"person_no": person_no, "now": now, "seen_after": seen_after, "limit": limit}
    return [PersonSessionRow._make(row) for row in conn.execute(_SESSIONS, values)]


def note_seen(conn: Connection, row: PersonSessionRow, now: datetime) -> None:
    """Writes when a session was last used."""
    conn.execute(_SEEN, {"session_hash": row.session_hash, "person_no": row.person_no, "now": now})


def end_session(conn: Connection, person_no: int, session_hash: bytes, now: datetime) -> int:
    """Ends a session of the person; how many ended."""
    values = {"person_no": person_no, "session_hash": session_hash, "now": now}
    return conn.execute(_END_SESSION, values).rowcount


def end_sessions(conn: Connection, person_no: int, kept: bytes, now: datetime) -> None:
    """Ends every session of the person but the one kept."""
    conn.execute(_END_SESSIONS, {"person_no": person_no, "kept": kept, "now": now})
