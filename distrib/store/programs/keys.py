"""API keys: their rows, never their secrets. Nothing that judges a role may enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text


class KeyRow(NamedTuple):
    """One key as stored: the secret only as its keyed hash."""

    program_id: int
    key_id: str
    name: str
    role: str
    shop_no: int | None
    secret_hmac: bytes
    created_at: datetime
    revoked_at: datetime | None
    is_signed: bool = False


class ListedKey(NamedTuple):
    """One key as its program may see it."""

    key_id: str
    name: str
    role: str
    shop_id: str | None
    created_at: datetime
    revoked_at: datetime | None
    is_signed: bool


_SIGNED = (
    "EXISTS (SELECT FROM key_signing g WHERE g.program_id = k.program_id AND g.key_id = k.key_id"
    " AND g.secret IS NOT NULL) AS is_signed"
)
_INSERT = text(
    "INSERT INTO api_keys (program_id, key_id, name, role, shop_no, secret_hmac, created_at) "
    "VALUES (:program_id, :key_id, :name, :role, :shop_no, :secret_hmac, :created_at)"
)
_NAME = text("SELECT set_config('distrib.key_id', :key_id, true)")
_FIND = text(
    f"SELECT program_id, key_id, name, role, shop_no, secret_hmac, created_at, revoked_at, {_SIGNED} "
    "FROM api_keys k WHERE key_id = :key_id"
)
_LIST = text(
    f"SELECT k.key_id, k.name, k.role, s.shop_id, k.created_at, k.revoked_at, {_SIGNED} "
    "FROM api_keys k LEFT JOIN shops s ON s.program_id = k.program_id AND s.shop_no = k.shop_no "
    "WHERE k.program_id = :program_id AND k.key_id > :after ORDER BY k.key_id LIMIT :limit"
)
_REVOKE = text(
    "UPDATE api_keys SET revoked_at = coalesce(revoked_at, :now) WHERE program_id = :program_id AND key_id = :key_id"
)


def insert_key(conn: Connection, row: KeyRow) -> None:
    """Writes a new key."""
    conn.execute(_INSERT, row._asdict())


def find_key(conn: Connection, key_id: str) -> KeyRow | None:
    """Reads the key of that id in any program: row-level security shows this one key to who names it."""
    conn.execute(_NAME, {"key_id": key_id})
    row = conn.execute(_FIND, {"key_id": key_id}).one_or_none()
    return None if row is None else KeyRow(**row._asdict())


def list_keys(conn: Connection, program_id: int, after: str, limit: int) -> list[ListedKey]:
    """Lists the keys of a program by id, from the one after ``after`` on."""
    values = {"program_id": program_id, "after": after, "limit": limit}
    return [ListedKey(**row._asdict()) for row in conn.execute(_LIST, values)]


def revoke_key(conn: Connection, program_id: int, key_id: str, now: datetime) -> bool:
    """Writes the end of a key, whose first end stays; False where the program has no such key."""
    values = {"program_id": program_id, "key_id": key_id, "now": now}
    return bool(conn.execute(_REVOKE, values).rowcount)
