"""Which peppers a database was served with, as check values. Nothing that judges them may enter."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

_RECORDED = text("SELECT check_value FROM peppers WHERE purpose = :purpose ORDER BY pepper_no DESC LIMIT :limit")
_RECORD = text(
    "INSERT INTO peppers (purpose, check_value, recorded_at) VALUES (:purpose, :check_value, :now)"
    " ON CONFLICT DO NOTHING"
)


def recorded(conn: Connection, purpose: str, limit: int) -> list[bytes]:
    """Reads the check values of the peppers of a purpose, the newest first."""
    rows = conn.execute(_RECORDED, {"purpose": purpose, "limit": limit}).scalars()
    return [bytes(check_value) for check_value in rows]


def record(conn: Connection, purpose: str, check_value: bytes, now: datetime) -> None:
    """Writes the check value of a pepper, unless it is known, or the purpose has the one that it ever has."""
    conn.execute(_RECORD, {"purpose": purpose, "check_value": check_value, "now": now})
