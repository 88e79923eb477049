"""Programs: the tenants' rows. Nothing of what belongs to one program may enter."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text


class ProgramRow(NamedTuple):
    """One program as stored."""

    program_id: int
    code: str
    currency: str
    time_zone: str
    policy: str
    admission: str
    identity_required: bool
    withholding: str = "none"
    binding_rule: str = "first"
    protect_days: int | None = None
    expire_days: int | None = None


_COLUMNS = (
    "program_id, code, currency, time_zone, policy, admission, identity_required, withholding, binding_rule, "
    "protect_days, expire_days"
)
_INSERT = text(
    "INSERT INTO programs (code, currency, time_zone, policy, admission, identity_required, created_at) "
    "VALUES (:code, :currency, :time_zone, :policy, :admission, :identity_required, :created_at) "
    f"ON CONFLICT (code) DO NOTHING RETURNING {_COLUMNS}"
)
_BY_CODE = text(f"SELECT {_COLUMNS} FROM programs WHERE code = :code")
_BY_ID = text(f"SELECT {_COLUMNS} FROM programs WHERE program_id = :program_id")
_LIST = text(f"SELECT {_COLUMNS} FROM programs ORDER BY code LIMIT :limit")


def insert_program(conn: Connection, row: ProgramRow, now: datetime) -> ProgramRow | None:
    """Stores a program and answers it with its number; None where the code is taken."""
    return _one(conn.execute(_INSERT, row._asdict() | {"created_at": now}).one_or_none())


def by_code(conn: Connection, code: str) -> ProgramRow | None:
    """The program of that code."""
    return _one(conn.execute(_BY_CODE, {"code": code}).one_or_none())


def by_id(conn: Connection, program_id: int) -> ProgramRow | None:
    """The program of that number."""
    return _one(conn.execute(_BY_ID, {"program_id": program_id}).one_or_none())


def first_by_code(conn: Connection, limit: int) -> list[ProgramRow]:
    """The first programs by code."""
    return [ProgramRow._make(row) for row in conn.execute(_LIST, {"limit": limit})]


def _one(row: Row[Any] | None) -> ProgramRow | None:
    return None if row is None else ProgramRow._make(row)
