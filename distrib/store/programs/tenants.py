"""Programs: the tenants' rows. Nothing of what belongs to one program may enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.locks import CALENDARS
from distrib.store.recorded import Recorded
from distrib.store.sql import execute, execute_as, row_as, value, value_or_none


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
_INSERT = (
    "INSERT INTO programs (code, currency, time_zone, policy, admission, identity_required, created_at) "
    "VALUES (%(code)s, %(currency)s, %(time_zone)s, %(policy)s, %(admission)s, %(identity_required)s, %(created_at)s) "
    f"ON CONFLICT (code) DO NOTHING RETURNING {_COLUMNS}"
)
_BY_CODE = f"SELECT {_COLUMNS} FROM programs WHERE code = %(code)s"
_BY_ID = f"SELECT {_COLUMNS} FROM programs WHERE program_id = %(program_id)s"
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
_UPDATE = f"UPDATE programs SET {', '.join(f'{name} = %({name})s' for name in _SET)} WHERE program_id = %(program_id)s"
_LOCK = f"SELECT {_COLUMNS} FROM programs WHERE program_id = %(program_id)s FOR UPDATE"
_IS_USED = (
    "SELECT EXISTS (SELECT 1 FROM events WHERE program_id = %(program_id)s)"
    " OR EXISTS (SELECT 1 FROM transfers WHERE program_id = %(program_id)s)"
)
_CALENDAR = "SELECT pg_advisory_xact_lock(%(lock)s, %(program_id)s)"
_CALENDAR_SHARED = "SELECT pg_advisory_xact_lock_shared(%(lock)s, %(program_id)s)"
_INSERT_CHANGE = (
    "INSERT INTO program_changes (program_id, changed_at, changed_by, signed_off_by, before, after) "
    "VALUES (%(program_id)s, %(now)s, %(by)s, %(signed_off_by)s, %(before)s, %(after)s)"
)
_CHANGES = (
    "SELECT seq, changed_at, changed_by, signed_off_by, before, after FROM program_changes "
    "WHERE program_id = %(program_id)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s"
)
_POLICY_AT = (
    "SELECT before::json ->> 'policy' FROM program_changes "
    "WHERE program_id = %(program_id)s AND changed_at > %(at)s AND before::json ->> 'policy' IS NOT NULL"
    " ORDER BY seq LIMIT 1"
)
_LIST = f"SELECT {_COLUMNS} FROM programs ORDER BY code LIMIT %(limit)s"


def insert_program(conn: Connection, row: ProgramRow, now: datetime) -> ProgramRow | None:
    """Writes a program and returns it with its number; None where the code is taken."""
    return row_as(conn, ProgramRow, _INSERT, row._asdict() | {"created_at": now})


def by_code(conn: Connection, code: str) -> ProgramRow | None:
    """Reads the program of that code; None without one."""
    return row_as(conn, ProgramRow, _BY_CODE, {"code": code})


def by_id(conn: Connection, program_id: int) -> ProgramRow | None:
    """Reads the program of that number; None without one."""
    return row_as(conn, ProgramRow, _BY_ID, {"program_id": program_id})


def first_by_code(conn: Connection, limit: int) -> list[ProgramRow]:
    """Lists the first programs by code."""
    return execute_as(conn, ProgramRow, _LIST, {"limit": limit}).fetchall()


class SettingsChange(NamedTuple):
    """Settings before and after a change, as JSON, and who signs for it."""

    before: str
    after: str
    signed_off_by: str | None


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
    return row_as(conn, ProgramRow, _LOCK, {"program_id": program_id})


def hold_calendar(conn: Connection, program_id: int, *, exclusive: bool) -> None:
    """Fixes the time zone until the transaction ends; when ``exclusive``, nobody counts days by it either."""
    statement = _CALENDAR if exclusive else _CALENDAR_SHARED
    execute(conn, statement, {"lock": CALENDARS, "program_id": program_id})


def is_used(conn: Connection, program_id: int) -> bool:
    """Whether days and months have been counted in the program's time zone."""
    return value(conn, bool, _IS_USED, {"program_id": program_id})


def update_program(conn: Connection, row: ProgramRow) -> None:
    """Writes a program's settings."""
    execute(conn, _UPDATE, row._asdict())


def insert_change(conn: Connection, program_id: int, change: SettingsChange, recorded: Recorded) -> None:
    """Writes a change of settings."""
    values = {"program_id": program_id, "now": recorded.instant, "by": recorded.by}
    execute(conn, _INSERT_CHANGE, values | change._asdict())


def list_changes(conn: Connection, program_id: int, after: int, limit: int) -> list[ChangeRow]:
    """Lists changes of settings as they happened, those after a number."""
    values = {"program_id": program_id, "after": after, "limit": limit}
    return execute_as(conn, ChangeRow, _CHANGES, values).fetchall()


def policy_at(conn: Connection, program_id: int, instant: datetime) -> str | None:
    """Reads the pack a program had at an instant, where it has another one since; None where it is the present one."""
    return value_or_none(conn, str, _POLICY_AT, {"program_id": program_id, "at": instant})
