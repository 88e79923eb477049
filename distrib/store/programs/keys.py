"""API keys: their rows, never their secrets. Nothing that judges a role or a person may enter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.locks import ADMINS
from distrib.store.sql import column, execute, row_as, value


class KeyRow(NamedTuple):
    """One key as stored: its secrets only as keyed hashes, a second one while a rotation is under way.

    ``person_no``: whose seat it is, which nobody presents.
    ``is_awaiting``: it may not confirm money before it is approved, or before ``confirms_from`` where that is set.
    """

    program_id: int
    key_id: str
    name: str
    role: str
    shop_no: int | None
    secret_hmac: bytes
    created_at: datetime
    owner: str | None = None
    made_by: str | None = None
    scopes: Sequence[str] | None = None
    expires_at: datetime | None = None
    is_awaiting: bool = False
    confirms_from: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    old_secret_hmac: bytes | None = None
    old_secret_ends_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    ended_by: str | None = None
    is_signed: bool = False
    person_no: int | None = None


class ListedKey(NamedTuple):
    """One key as its program may see it: its row without what is secret, and the id of its shop."""

    row: KeyRow
    shop_id: str | None


_COLUMNS = ", ".join(f"k.{name}" for name in KeyRow._fields)
_SET = (
    "secret_hmac",
    "owner",
    "scopes",
    "expires_at",
    "is_awaiting",
    "confirms_from",
    "approved_by",
    "approved_at",
    "old_secret_hmac",
    "old_secret_ends_at",
    "revoked_at",
    "ended_by",
)
_INSERT = (
    f"INSERT INTO api_keys ({', '.join(KeyRow._fields)}) VALUES ({', '.join(f'%({name})s' for name in KeyRow._fields)})"
)
_NAME = "SELECT set_config('distrib.key_id', %(key_id)s, true)"
_FIND = f"SELECT {_COLUMNS} FROM api_keys k WHERE k.key_id = %(key_id)s"
_IN_PROGRAM = f"SELECT {_COLUMNS} FROM api_keys k WHERE k.program_id = %(program_id)s AND k.key_id = %(key_id)s"
_READ, _LOCK = (_IN_PROGRAM), f"{_IN_PROGRAM} FOR UPDATE"
_LIST = (
    f"SELECT {_COLUMNS}, s.shop_id "
    "FROM api_keys k LEFT JOIN shops s ON s.program_id = k.program_id AND s.shop_no = k.shop_no "
    "WHERE k.program_id = %(program_id)s AND k.key_id > %(after)s ORDER BY k.key_id LIMIT %(limit)s"
)
# The seats of people: keys that nobody presents.
_SEATS = (
    f"SELECT {_COLUMNS} FROM api_keys k WHERE k.program_id = %(program_id)s AND k.person_no IS NOT NULL "
    "AND (CAST(%(is_ended)s AS boolean) IS NULL OR (k.revoked_at IS NOT NULL) = %(is_ended)s) "
    "AND (k.owner, k.key_id) > (%(login)s, %(after)s) ORDER BY k.owner, k.key_id LIMIT %(limit)s"
)
_NAMES = "SELECT key_id, name FROM api_keys WHERE program_id = %(program_id)s AND key_id = ANY(%(key_ids)s)"
_ENDED = (
    "SELECT key_id FROM api_keys WHERE program_id = %(program_id)s AND key_id = ANY(CAST(%(key_ids)s AS text[]))"
    " AND (revoked_at IS NOT NULL OR expires_at <= %(now)s)"
)
_UPDATE = (
    f"UPDATE api_keys SET {', '.join(f'{name} = %({name})s' for name in _SET)} "
    "WHERE program_id = %(program_id)s AND key_id = %(key_id)s"
)
_NOTE_CHANGE = (
    "INSERT INTO key_changes (program_id, key_id, change, changed_at, changed_by, owner, scopes, expires_at) "
    "VALUES (%(program_id)s, %(key_id)s, %(change)s, %(now)s, %(by)s, %(owner)s, %(scopes)s, %(expires_at)s)"
)
# Of many calls of a key at once one writes and none waits for it, nor for whoever is changing the key.
_NOTE_USE = (
    "UPDATE api_keys SET last_used_at = %(now)s WHERE program_id = %(program_id)s AND key_id IN ("
    "SELECT key_id FROM api_keys WHERE program_id = %(program_id)s AND key_id = %(key_id)s"
    " AND (last_used_at IS NULL OR last_used_at <= %(before)s) FOR NO KEY UPDATE SKIP LOCKED)"
)


# Either of its secrets may be the one; where the key is being changed, the next use does it.
_REPLACE_HASH = (
    "UPDATE api_keys SET secret_hmac = CASE secret_hmac WHEN %(was)s THEN %(hashed)s ELSE secret_hmac END,"
    " old_secret_hmac = CASE old_secret_hmac WHEN %(was)s THEN %(hashed)s ELSE old_secret_hmac END"
    " WHERE program_id = %(program_id)s AND key_id IN ("
    "SELECT key_id FROM api_keys WHERE program_id = %(program_id)s AND key_id = %(key_id)s"
    " AND %(was)s IN (secret_hmac, old_secret_hmac) FOR NO KEY UPDATE SKIP LOCKED)"
)
_OTHER_ADMIN = (
    "SELECT EXISTS (SELECT FROM api_keys WHERE program_id = %(program_id)s AND key_id <> %(key_id)s AND role = 'admin'"
    " AND (scopes IS NULL OR %(scope)s = ANY(scopes)) AND revoked_at IS NULL"
    " AND (expires_at IS NULL OR expires_at > %(now)s))"
)
_LOCK_ADMINS = "SELECT pg_advisory_xact_lock(%(lock)s, %(program_id)s)"


def insert_key(conn: Connection, row: KeyRow) -> None:
    """Writes a new key."""
    execute(conn, _INSERT, row._asdict())


def find_key(conn: Connection, key_id: str) -> KeyRow | None:
    """Reads the key of that id in any program: row-level security shows this one key to who names it."""
    execute(conn, _NAME, {"key_id": key_id})
    return row_as(conn, KeyRow, _FIND, {"key_id": key_id})


def key_of(conn: Connection, program_id: int, key_id: str, *, locks: bool = False) -> KeyRow | None:
    """Reads a key of the program, and locks it until the transaction ends where that is asked; None without one."""
    statement = _LOCK if locks else _READ
    return row_as(conn, KeyRow, statement, {"program_id": program_id, "key_id": key_id})


def list_keys(conn: Connection, program_id: int, after: str, limit: int) -> list[ListedKey]:
    """Lists the keys of a program by id, from the one after ``after`` on."""
    values = {"program_id": program_id, "after": after, "limit": limit}
    return [ListedKey(KeyRow._make(row), shop_id) for *row, shop_id in execute(conn, _LIST, values)]


def list_seats(
    conn: Connection, program_id: int, is_ended: bool | None, after: tuple[str, str], limit: int
) -> list[KeyRow]:
    """Lists the seats of a program by login, from the one after that login and key on; of both kinds for None."""
    values = {"program_id": program_id, "is_ended": is_ended, "login": after[0], "after": after[1], "limit": limit}
    return [KeyRow._make(row) for row in execute(conn, _SEATS, values)]


def names_of(conn: Connection, program_id: int, key_ids: Collection[str]) -> dict[str, str]:
    """Reads the names of keys, live or not, by id; of a seat it is its person's."""
    return dict(execute(conn, _NAMES, {"program_id": program_id, "key_ids": list(key_ids)}).fetchall())


def ended_keys(conn: Connection, program_id: int, key_ids: Collection[str], now: datetime) -> set[str]:
    """Reads which of the keys were revoked or have expired."""
    values = {"program_id": program_id, "key_ids": list(key_ids), "now": now}
    return set(column(conn, str, _ENDED, values))


def update_key(conn: Connection, row: KeyRow) -> None:
    """Writes what may change of a key."""
    execute(conn, _UPDATE, row._asdict())


def replace_hash(conn: Connection, program_id: int, key_id: str, was: bytes, hashed: bytes) -> None:
    """Writes what is kept of a secret in the place of what was kept of it, where that stands."""
    execute(conn, _REPLACE_HASH, {"program_id": program_id, "key_id": key_id, "was": was, "hashed": hashed})


def has_other_admin(conn: Connection, program_id: int, key_id: str, scope: str, now: datetime) -> bool:
    """Whether another admin's key or seat lives that reaches a scope; who asks next waits for this transaction."""
    execute(conn, _LOCK_ADMINS, {"lock": ADMINS, "program_id": program_id})
    values = {"program_id": program_id, "key_id": key_id, "scope": scope, "now": now}
    return value(conn, bool, _OTHER_ADMIN, values)


def note_change(conn: Connection, row: KeyRow, change: str, now: datetime, by: str) -> None:
    """Writes what was done with a key, by which key, and what it is since."""
    values = {"program_id": row.program_id, "key_id": row.key_id, "change": change, "now": now, "by": by}
    execute(conn, _NOTE_CHANGE, values | {"owner": row.owner, "scopes": row.scopes, "expires_at": row.expires_at})


def note_use(conn: Connection, program_id: int, key_id: str, now: datetime, before: datetime) -> None:
    """Writes when a key was last used, unless it was used after ``before``."""
    execute(conn, _NOTE_USE, {"program_id": program_id, "key_id": key_id, "now": now, "before": before})
