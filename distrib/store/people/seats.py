"""Seats: the keys of people, which nobody can present. Nothing that judges what a seat may do may enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, value_or_none


class SeatRow(NamedTuple):
    """A live seat of a person with the program it is in."""

    key_id: str
    role: str
    program_id: int
    code: str
    title: str | None


class SeatedRow(NamedTuple):
    """A seat as its program sees it; ended ones too."""

    key_id: str
    login: str
    name: str
    role: str
    created_at: datetime
    made_by: str | None
    last_used_at: datetime | None
    revoked_at: datetime | None


_LIVE = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %(now)s)"
_SEATS = (
    "SELECT k.key_id, k.role, k.program_id, p.code, p.title FROM api_keys k JOIN programs p USING (program_id) "
    f"WHERE k.person_no = %(person_no)s AND {_LIVE} ORDER BY p.code, k.key_id LIMIT %(limit)s"
)
_SEAT = (
    f"SELECT k.key_id FROM api_keys k WHERE k.program_id = %(program_id)s AND k.person_no = %(person_no)s AND {_LIVE} "
    "ORDER BY k.created_at LIMIT 1"
)
_SEATED = (
    "SELECT key_id, owner, name, role, created_at, made_by, last_used_at, revoked_at FROM api_keys "
    "WHERE program_id = %(program_id)s AND person_no IS NOT NULL "
    "ORDER BY revoked_at IS NOT NULL, owner, key_id LIMIT %(limit)s"
)


def seats_of(conn: Connection, person_no: int, now: datetime, limit: int) -> list[SeatRow]:
    """Lists the live seats of the person that the transaction has entered, by program."""
    values = {"person_no": person_no, "now": now, "limit": limit}
    return [SeatRow._make(row) for row in execute(conn, _SEATS, values)]


def live_seat(conn: Connection, program_id: int, person_no: int, now: datetime) -> str | None:
    """Returns the key of the person's live seat in the program; None without one."""
    values = {"program_id": program_id, "person_no": person_no, "now": now}
    return value_or_none(conn, str, _SEAT, values)


def seated(conn: Connection, program_id: int, limit: int) -> list[SeatedRow]:
    """Lists the people of a program, those that are in first."""
    return [SeatedRow._make(row) for row in execute(conn, _SEATED, {"program_id": program_id, "limit": limit})]
