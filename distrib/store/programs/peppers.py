"""Which peppers a database was served with, as check values. Nothing that judges them may enter."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from distrib.store.sql import execute, value_or_none

_RECORDED = "SELECT check_value FROM peppers WHERE purpose = %(purpose)s ORDER BY pepper_no DESC LIMIT 1"
_RECORD = (
    "INSERT INTO peppers (purpose, check_value, recorded_at) VALUES (%(purpose)s, %(check_value)s, %(now)s)"
    " ON CONFLICT DO NOTHING"
)


def recorded(conn: Connection, purpose: str) -> bytes | None:
    """Reads the check value of the newest pepper of a purpose; None where there is none."""
    check_value: bytes | None = value_or_none(conn, bytes, _RECORDED, {"purpose": purpose})
    return check_value


def record(conn: Connection, purpose: str, check_value: bytes, now: datetime) -> None:
    """Writes the check value of a pepper, unless it is known, or the purpose has the one that it ever has."""
    execute(conn, _RECORD, {"purpose": purpose, "check_value": check_value, "now": now})
