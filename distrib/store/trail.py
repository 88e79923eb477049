"""Rows of the trail: written once, read by filters and by time. What may stand in them is not decided here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.locks import TRAIL_SUBJECTS
from distrib.store.sql import execute, execute_as, streamed_as, value

_FETCHED = 5_000


class TrailRow(NamedTuple):
    """One row; the three states are JSON. Number and digest are the database's to give: a new row has none yet."""

    recorded_at: datetime
    actor: str
    owner: str
    role: str
    os_user: str | None
    request_id: str
    kind: str
    operation: str
    subject: str | None
    shop_id: str | None
    sent: str | None
    before: str | None
    after: str | None
    trail_no: int = 0
    digest: bytes = b""


class TrailFilter(NamedTuple):
    """Which rows: None where any will do; from ``from_at`` (included) to ``to_at`` (not included)."""

    actor: str | None = None
    operation: str | None = None
    subject: str | None = None
    shop_id: str | None = None
    kind: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


_COLUMNS = ", ".join(TrailRow._fields)
_OWN = [name for name in TrailRow._fields if name not in ("trail_no", "digest")]
_NEW = ", ".join(f"%({name})b::{'timestamptz' if name == 'recorded_at' else 'text'}[]" for name in _OWN)
_INSERT = f"""
INSERT INTO trail (program_id, {", ".join(_OWN)})
SELECT %(program)s, {", ".join(f"n.{name}" for name in _OWN)}
FROM unnest({_NEW}) WITH ORDINALITY AS n ({", ".join(_OWN)}, place) ORDER BY n.place
"""
_HOLD = f"SELECT pg_advisory_xact_lock({TRAIL_SUBJECTS}, hashtext(%(program)s || '/' || %(subject)s))"
_WROTE = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"
# Times never go back along the numbers, so that a span of time is a span of numbers, found by its two ends.
_FIRST = (
    "COALESCE((SELECT f.trail_no FROM trail f WHERE f.program_id = %(program)s AND f.recorded_at >= %(from_at)s"
    " ORDER BY f.recorded_at, f.trail_no LIMIT 1), 9223372036854775807)"
)
_LAST = (
    "COALESCE((SELECT l.trail_no FROM trail l WHERE l.program_id = %(program)s AND l.recorded_at < %(to_at)s"
    " ORDER BY l.recorded_at DESC, l.trail_no DESC LIMIT 1), 0)"
)
_SPAN = f"SELECT {_COLUMNS} FROM trail WHERE program_id = %(program)s AND recorded_at >= %(from_at)s"
_EXPORT = f"{_SPAN} AND recorded_at < %(to_at)s ORDER BY recorded_at, trail_no"


def insert_rows(conn: Connection, program_id: int, rows: Sequence[TrailRow]) -> None:
    """Writes rows, the last thing their transaction does: who else writes one waits from now on for the commit."""
    columns = {name: [getattr(row, name) for row in rows] for name in _OWN}
    execute(conn, _INSERT, {"program": program_id, **columns})


def hold_subject(conn: Connection, program_id: int, subject: str) -> None:
    """Lets no other call that is in the trail change the same subject until the transaction ends."""
    execute(conn, _HOLD, {"program": str(program_id), "subject": subject})


def has_written(conn: Connection) -> bool:
    """Whether this transaction has changed anything so far."""
    return value(conn, bool, _WROTE)


def list_rows(
    conn: Connection, program_id: int, wanted: TrailFilter, before_no: int | None, limit: int
) -> list[TrailRow]:
    """Lists rows that pass a filter, the newest first, those before a number."""
    names = [name for name in ("actor", "operation", "subject", "shop_id", "kind") if getattr(wanted, name) is not None]
    conditions = ["program_id = %(program)s", *(f"{name} = %({name})s" for name in names)]
    if wanted.from_at is not None:
        conditions.append(f"trail_no >= {_FIRST}")
    if wanted.to_at is not None:
        conditions.append(f"trail_no <= {_LAST}")
    if before_no is not None:
        conditions.append("trail_no < %(before_no)s")
    statement = f"SELECT {_COLUMNS} FROM trail WHERE {' AND '.join(conditions)} ORDER BY trail_no DESC LIMIT %(limit)s"
    values = wanted._asdict() | {"program": program_id, "before_no": before_no, "limit": limit}
    return execute_as(conn, TrailRow, statement, values).fetchall()


def rows_of_span(conn: Connection, program_id: int, from_at: datetime, to_at: datetime) -> Iterator[TrailRow]:
    """Yields the rows of a span of time in their order, some thousands in memory."""
    bound = {"program": program_id, "from_at": from_at, "to_at": to_at}
    with streamed_as(conn, "trail", TrailRow, _EXPORT, bound) as cursor:
        cursor.itersize = _FETCHED
        yield from cursor
