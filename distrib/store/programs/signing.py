"""The secrets by which posts of a key are signed, sealed. What a signature is may not enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, only


class NewSecret(NamedTuple):
    """A secret that a key is to have, sealed, and until when the one before is good as well."""

    secret: bytes
    until: datetime


class SigningRow(NamedTuple):
    """The secret of a key, sealed, and the one before with the instant until which it is good; no secret: ended."""

    secret: bytes | None
    former_secret: bytes | None
    former_until: datetime | None


_READ = (
    "SELECT secret, former_secret, former_until FROM key_signing WHERE program_id = %(program)s AND key_id = %(key_id)s"
)
_SET = (
    "INSERT INTO key_signing AS g (program_id, key_id, secret, set_at) VALUES (%(program)s, %(key_id)s,"
    " %(secret)s, %(now)s)"
    " ON CONFLICT (program_id, key_id) DO UPDATE SET secret = EXCLUDED.secret, set_at = EXCLUDED.set_at,"
    " former_secret = g.secret, former_until = CASE WHEN g.secret IS NULL THEN NULL ELSE %(until)s END"
    " RETURNING secret, former_secret, former_until"
)
_END = (
    "UPDATE key_signing SET secret = NULL, former_secret = NULL, former_until = NULL, set_at = %(now)s"
    " WHERE program_id = %(program)s AND key_id = %(key_id)s AND secret IS NOT NULL"
)
_MARK = "UPDATE api_keys SET is_signed = %(is_signed)s WHERE program_id = %(program)s AND key_id = %(key_id)s"


def read_signing(conn: Connection, program_id: int, key_id: str) -> SigningRow | None:
    """Reads the secrets of a key; None where it never signed."""
    row = execute(conn, _READ, {"program": program_id, "key_id": key_id}).fetchone()
    return None if row is None else SigningRow(*row)


def set_secret(conn: Connection, program_id: int, key_id: str, fresh: NewSecret, now: datetime) -> SigningRow:
    """Writes a new secret, and that the key must sign; the one before is kept."""
    values = {"program": program_id, "key_id": key_id, "now": now} | fresh._asdict()
    made = SigningRow(*only(conn, _SET, values))
    execute(conn, _MARK, {"program": program_id, "key_id": key_id, "is_signed": True})
    return made


def end_signing(conn: Connection, program_id: int, key_id: str, now: datetime) -> None:
    """Forgets the secrets of a key, which signs no more."""
    execute(conn, _END, {"program": program_id, "key_id": key_id, "now": now})
    execute(conn, _MARK, {"program": program_id, "key_id": key_id, "is_signed": False})
