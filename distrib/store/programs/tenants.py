"""Programs: the tenants' rows. Nothing of what belongs to one program may enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from distrib.store.database import value_of, values_of
from distrib.store.locks import CALENDARS


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
    title: str | None = None
    join_url: str | None = None
    withdrawal_least_minor: int | None = None
    withdrawal_most_minor: int | None = None
    withdrawals_per_day: int | None = None
    withdrawals_per_month: int | None = None
    withdrawal_fee_minor: int | None = None
    key_approval: str = "wait"
    key_wait_hours: int = 24
    payee_hold_days: int = 3


_COLUMNS = (
    "program_id, code, currency, time_zone, policy, admission, identity_required, withholding, binding_rule, "
    "protect_days, expire_days, title, join_url, withdrawal_least_minor, withdrawal_most_minor, withdrawals_per_day, "
    "withdrawals_per_month, withdrawal_fee_minor, key_approval, key_wait_hours, payee_hold_days"
)
_INSERT = text(
    "INSERT INTO programs (code, currency, time_zone, policy, admission, identity_required, created_at) "
    "VALUES (:code, :currency, :time_zone, :policy, :admission, :identity_required, :created_at) "
    f"ON CONFLICT (code) DO NOTHING RETURNING {_COLUMNS}"
)
_BY_CODE = text(f"SELECT {_COLUMNS} FROM programs WHERE code = :code")
_BY_ID = text(f"SELECT {_COLUMNS} FROM programs WHERE program_id = :program_id")
_SET = (
    "time_zone",
    "policy",
    "admission",
    "identity_required",
    "withholding",
    "binding_rule",
    "protect_days",
    "expire_days",
    "title",
    "join_url",
    "withdrawal_least_minor",
    "withdrawal_most_minor",
    "withdrawals_per_day",
    "withdrawals_per_month",
    "withdrawal_fee_minor",
    "key_approval",
    "key_wait_hours",
    "payee_hold_days",
)
_UPDATE = text(f"UPDATE programs SET {', '.join(f'{name} = :{name}' for name in _SET)} WHERE program_id = :program_id")
_LOCK = text(f"SELECT {_COLUMNS} FROM programs WHERE program_id = :program_id FOR UPDATE")
_IS_USED = text(
    "SELECT EXISTS (SELECT 1 FROM events WHERE program_id = :program_id)"
    " OR EXISTS (SELECT 1 FROM transfers WHERE program_id = :program_id)"
)
_CALENDAR = text("SELECT pg_advisory_xact_lock(:lock, :program_id)")
_CALENDAR_SHARED = text("SELECT pg_advisory_xact_lock_shared(:lock, :program_id)")
_INSERT_CHANGE = text(
    "INSERT INTO program_changes (program_id, changed_at, changed_by, signed_off_by, before, after) "
    "VALUES (:program_id, :now, :by, :signed_off_by, :before, :after)"
)
_CHANGES = text(
    "SELECT seq, changed_at, changed_by, signed_off_by, before, after FROM program_changes "
    "WHERE program_id = :program_id AND seq > :after ORDER BY seq LIMIT :limit"
)
_POLICY_AT = text(
    "SELECT before::json ->> 'policy' FROM program_changes "
    "WHERE program_id = :program_id AND changed_at > :at AND before::json ->> 'policy' IS NOT NULL ORDER BY seq LIMIT 1"
)
_LIST = text(f"SELECT {_COLUMNS} FROM programs ORDER BY code LIMIT :limit")


def insert_program(conn: Connection, row: ProgramRow, now: datetime) -> ProgramRow | None:
    """Writes a program and returns it with its number; None where the code is taken."""
    return value_of(ProgramRow, conn.execute(_INSERT, row._asdict() | {"created_at": now}))


def by_code(conn: Connection, code: str) -> ProgramRow | None:
    """Reads the program of that code; None without one."""
    return value_of(ProgramRow, conn.execute(_BY_CODE, {"code": code}))


def by_id(conn: Connection, program_id: int) -> ProgramRow | None:
    """Reads the program of that number; None without one."""
    return value_of(ProgramRow, conn.execute(_BY_ID, {"program_id": program_id}))


def first_by_code(conn: Connection, limit: int) -> list[ProgramRow]:
    """Lists the first programs by code."""
    return [ProgramRow(**row._asdict()) for row in conn.execute(_LIST, {"limit": limit})]


class ChangeRow(NamedTuple):
    """One change of settings; ``before`` and ``after`` are JSON."""

    seq: int
    changed_at: datetime
    changed_by: str
    signed_off_by: str | None
    before: str
    after: str


def lock(conn: Connection, program_id: int) -> ProgramRow | None:
    """Reads a program and locks its row until the transaction ends."""
    return value_of(ProgramRow, conn.execute(_LOCK, {"program_id": program_id}))


def hold_calendar(conn: Connection, program_id: int, *, exclusive: bool) -> None:
    """Fixes the time zone until the transaction ends; when ``exclusive``, nobody counts days by it either."""
    statement = _CALENDAR if exclusive else _CALENDAR_SHARED
    conn.execute(statement, {"lock": CALENDARS, "program_id": program_id})


def is_used(conn: Connection, program_id: int) -> bool:
    """Whether days and months have been counted in the program's time zone."""
    return bool(conn.execute(_IS_USED, {"program_id": program_id}).scalar_one())


def update_program(conn: Connection, row: ProgramRow) -> None:
    """Writes a program's settings."""
    conn.execute(_UPDATE, row._asdict())


def insert_change(
    conn: Connection, program_id: int, before: str, after: str, signed_off_by: str | None, now: datetime, by: str
) -> None:
    """Writes a change of settings."""
    values = {"program_id": program_id, "before": before, "after": after, "signed_off_by": signed_off_by}
    conn.execute(_INSERT_CHANGE, values | {"now": now, "by": by})


def list_changes(conn: Connection, program_id: int, after: int, limit: int) -> list[ChangeRow]:
    """Lists changes of settings as they happened, those after a number."""
    values = {"program_id": program_id, "after": after, "limit": limit}
    return values_of(ChangeRow, conn.execute(_CHANGES, values))


def policy_at(conn: Connection, program_id: int, instant: datetime) -> str | None:
    """Reads the pack a program had at an instant, where it has another one since; None where it is the present one."""
    return conn.execute(_POLICY_AT, {"program_id": program_id, "at": instant}).scalar()
