"""Rows of changes that wait: what was asked for, what is open, how each ended. When one may end is not decided here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.recorded import Recorded
from distrib.store.sql import execute, execute_many


class NewHeldChange(NamedTuple):
    """A change that is to wait; ``content`` is sealed where it is personal."""

    kind: str
    subject_no: int
    fields: list[str]
    content: bytes
    due_at: datetime


class HeldChangeEnd(NamedTuple):
    """How a change ended, and by which version of a payee, where it made one."""

    outcome: str
    payee_version: int | None


class HeldChangeRow(NamedTuple):
    """A change as it was asked for, with its end; ``content`` is sealed, and None once it has ended."""

    change_no: int
    kind: str
    subject_no: int
    fields: list[str]
    proposed_at: datetime
    proposed_by: str
    due_at: datetime
    content: bytes | None
    outcome: str | None
    ended_at: datetime | None
    ended_by: str | None


class DueChange(NamedTuple):
    """Which change is due: of what kind and about what."""

    program_id: int
    kind: str
    subject_no: int


class SealedContent(NamedTuple):
    """The sealed content of an open change."""

    kind: str
    subject_no: int
    change_no: int
    content: bytes


_COLUMNS = (
    "h.change_no, h.kind, h.subject_no, h.fields, h.proposed_at, h.proposed_by, h.due_at, o.content, e.outcome,"
    " e.ended_at, e.ended_by"
)
_KEPT = """
FROM held_changes h
LEFT JOIN open_changes o ON o.program_id = h.program_id AND o.kind = h.kind AND o.subject_no = h.subject_no
     AND o.change_no = h.change_no
LEFT JOIN held_change_ends e ON e.program_id = h.program_id AND e.change_no = h.change_no
WHERE h.program_id = %(program)s
"""
_NEWEST = f"""
SELECT {_COLUMNS} {_KEPT} AND h.kind = %(kind)s AND h.subject_no = %(subject_no)s ORDER BY h.change_no DESC LIMIT 1
"""
_LIST = f"SELECT {_COLUMNS} {_KEPT} AND h.change_no < %(before)s ORDER BY h.change_no DESC LIMIT %(limit)s"
_LIST_OPEN = f"SELECT {_COLUMNS} {_KEPT} AND o.change_no < %(before)s ORDER BY h.change_no DESC LIMIT %(limit)s"
_INSERT = """
WITH held AS (
    INSERT INTO held_changes (program_id, kind, subject_no, fields, proposed_at, proposed_by, due_at)
    VALUES (%(program)s, %(kind)s, %(subject_no)s, %(fields)s, %(now)s, %(by)s, %(due_at)s) RETURNING change_no
)
INSERT INTO open_changes (program_id, kind, subject_no, change_no, due_at, content)
SELECT %(program)s, %(kind)s, %(subject_no)s, change_no, %(due_at)s, %(content)s FROM held
"""
_END = """
WITH gone AS (
    DELETE FROM open_changes WHERE program_id = %(program)s AND kind = %(kind)s AND subject_no = %(subject_no)s
       AND change_no = %(change_no)s
)
INSERT INTO held_change_ends (program_id, change_no, outcome, ended_at, ended_by, payee_version)
VALUES (%(program)s, %(change_no)s, %(outcome)s, %(now)s, %(by)s, %(payee_version)s)
"""
_DUE = "SELECT program_id, kind, subject_no FROM open_changes WHERE due_at <= %(now)s ORDER BY due_at LIMIT %(limit)s"
_DUE_OF_PROGRAM = (
    "SELECT program_id, kind, subject_no FROM open_changes"
    " WHERE program_id = %(program)s AND kind = %(kind)s AND due_at <= %(now)s ORDER BY subject_no LIMIT %(limit)s"
)
_CONTENTS = (
    "SELECT kind, subject_no, change_no, content FROM open_changes"
    " WHERE program_id = %(program)s AND kind <> 'program' AND (kind, subject_no) > (%(kind)s, %(subject_no)s)"
    " ORDER BY kind, subject_no LIMIT %(limit)s"
)
_RESEAL = (
    "UPDATE open_changes SET content = %(content)s"
    " WHERE program_id = %(program)s AND kind = %(kind)s AND subject_no = %(subject_no)s AND change_no = %(change_no)s"
)


def newest(conn: Connection, program_id: int, kind: str, subject_no: int) -> HeldChangeRow | None:
    """Reads the newest change about a subject, open or ended; None without one."""
    bound = {"program": program_id, "kind": kind, "subject_no": subject_no}
    row = execute(conn, _NEWEST, bound).fetchone()
    return None if row is None else HeldChangeRow._make(row)


def list_changes(
    conn: Connection, program_id: int, before_no: int, limit: int, *, is_open: bool
) -> list[HeldChangeRow]:
    """Lists changes, or the open ones alone, the newest first, those before a number."""
    statement = _LIST_OPEN if is_open else _LIST
    rows = execute(conn, statement, {"program": program_id, "before": before_no, "limit": limit})
    return [HeldChangeRow._make(row) for row in rows]


def insert_change(conn: Connection, program_id: int, change: NewHeldChange, recorded: Recorded) -> None:
    """Writes a change as open."""
    values = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    execute(conn, _INSERT, values | change._asdict())


def end_change(
    conn: Connection, program_id: int, change: HeldChangeRow, end: HeldChangeEnd, recorded: Recorded
) -> None:
    """Writes how an open change ended, and deletes its content."""
    values = {"program": program_id, "kind": change.kind, "subject_no": change.subject_no}
    values |= {"change_no": change.change_no, "now": recorded.instant, "by": recorded.by}
    execute(conn, _END, values | end._asdict())


def due_changes(conn: Connection, now: datetime, limit: int) -> list[DueChange]:
    """Lists what is due over all programs, the longest waiting first."""
    return [DueChange._make(row) for row in execute(conn, _DUE, {"now": now, "limit": limit})]


def due_of_program(conn: Connection, program_id: int, kind: str, now: datetime, limit: int) -> list[DueChange]:
    """Lists what is due of one kind in a program, by the numbers of its subjects."""
    bound = {"program": program_id, "kind": kind, "now": now, "limit": limit}
    return [DueChange._make(row) for row in execute(conn, _DUE_OF_PROGRAM, bound)]


def contents_after(conn: Connection, program_id: int, kind: str, subject_no: int, limit: int) -> list[SealedContent]:
    """Lists the sealed contents of open changes by kind and subject, those after a place."""
    bound = {"program": program_id, "kind": kind, "subject_no": subject_no, "limit": limit}
    return [SealedContent._make(row) for row in execute(conn, _CONTENTS, bound)]


def replace_contents(conn: Connection, program_id: int, contents: Sequence[SealedContent]) -> None:
    """Replaces contents: the same ones, sealed with another data key."""
    execute_many(conn, _RESEAL, [{"program": program_id, **content._asdict()} for content in contents])
