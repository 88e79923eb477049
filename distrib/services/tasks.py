"""Tasks (后台任务): long calls that a worker makes in the name of who asked for them, and that can be left meanwhile.

A task is the call as it would be sent. What it does and that it is done are one transaction, so a task that a worker
dies at waits again, and one that is cancelled has changed nothing. Which calls may be tasks, and how one is made, is
said beside the calls; no SQL may enter.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sqlalchemy import Connection

from distrib.domain.json_values import Json, JsonObject
from distrib.services.context import Program, Unit
from distrib.services.idempotency import digest_of
from distrib.services.refusals import TaskEnded, TaskHasNoFile, TasksWaiting, TaskUnknown
from distrib.store import tasks as rows
from distrib.store.tasks import AskedCall, NewTask, TaskEnd, TaskRow

__all__ = ["TaskEnd", "TaskRow"]

WAITING, RUNNING, DONE, FAILED, CANCELLED = STATES = ("waiting", "running", "done", "failed", "cancelled")
MOST_WAITING: Final = 20
"""Of a person, in a program."""
MOST_ATTEMPTS: Final = 3
"""So often is a task begun that ends its worker, or that the database cannot bear, before it is given up."""
KEPT_DAYS: Final = 7
"""So long can the file of a task be fetched."""
MOST_FORGOTTEN: Final = 200
"""Pieces of past files that are deleted at once."""
_ID_BYTES: Final = 8
_NEWEST: Final = 2**62


@dataclass(frozen=True, slots=True)
class TaskWish:
    """A call that is to be made: the operation's name, the ids of its path, its query and its body as sent."""

    operation: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json = None

    @property
    def asked(self) -> AskedCall:
        """All but the name."""
        return {"path": dict(self.path), "query": dict(self.query), "body": self.body}


@dataclass(frozen=True, slots=True)
class TaskFile:
    """What the file of a task is called, and of which type it is."""

    name: str
    media_type: str | None


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as lists show it: which call it makes, how far it is, and how it ended."""

    id: str
    operation: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    subject: str | None
    status: str
    asked_at: datetime
    asked_by: str
    begun_at: datetime | None
    ended_at: datetime | None
    attempts: int
    bytes: int
    expected_seconds: int | None
    problem: JsonObject | None
    file: TaskFile | None
    file_until: datetime | None


@dataclass(frozen=True, slots=True)
class TaskInFull(TaskView):
    """A task with what was sent as its body, and what was answered."""

    body: Json
    answer: Json


_Values: TypeAlias = tuple[
    str,
    str,
    Mapping[str, str],
    Mapping[str, str],
    str | None,
    str,
    datetime,
    str,
    datetime | None,
    datetime | None,
    int,
    int,
    int | None,
    JsonObject | None,
    TaskFile | None,
    datetime | None,
]


def start_task(unit: Unit, wish: TaskWish, language: str) -> tuple[TaskInFull, bool]:
    """Keeps a call for a worker to make, and answers the task, and whether it is new.

    The same call of the same person that has not ended yet is the same task.

    Args:
        language: in which it is said why it failed, and in which a file for people is.

    Raises:
        Refusal: ``tasks_waiting`` where ``MOST_WAITING`` of the person have not ended.
    """
    number, digest = unit.program_id, digest_of([wish.operation, wish.asked])
    rows.hold_person(unit.conn, number, unit.actor.person)
    known = rows.find_waiting(unit.conn, number, unit.actor.person, digest)
    if known is not None:
        return task_view(known, unit.now), False
    if rows.count_waiting(unit.conn, number, unit.actor.person, MOST_WAITING) >= MOST_WAITING:
        raise TasksWaiting(most=MOST_WAITING)
    task_id, asked, actor = secrets.token_hex(_ID_BYTES), json.dumps(wish.asked), unit.actor
    task = NewTask(task_id, wish.operation, asked, digest, language, actor.key_id, actor.person)
    rows.insert_task(unit.conn, number, task, unit.now)
    return get_task(unit, task_id), True


def list_tasks(unit: Unit, before: int | None, limit: int) -> tuple[list[TaskView], int | None]:
    """Lists the tasks of who asks, the newest first and without their answers, and before what the next page begins."""
    listed = rows.list_tasks(unit.conn, unit.program_id, unit.actor.person, before or _NEWEST, limit + 1)
    page = listed[:limit]
    running = sorted({row.operation for row in page if row.outcome is None})
    seconds = rows.last_seconds(unit.conn, unit.program_id, running) if running else {}
    views = [TaskView(*_values(row, unit.now, seconds.get(row.operation))) for row in page]
    return views, page[-1].task_no if len(listed) > limit else None


def get_task(unit: Unit, task_id: str) -> TaskInFull:
    """Reads one task; raises ``task_unknown``, also for another person's."""
    row = _own(unit, task_id)
    seconds = rows.last_seconds(unit.conn, unit.program_id, [row.operation]) if row.outcome is None else {}
    return task_view(row, unit.now, seconds.get(row.operation))


def cancel_task(unit: Unit, task_id: str) -> TaskInFull:
    """Ends a task before it is done: what a worker did of it is undone. Cancelled again it stays as it is.

    Raises:
        Refusal: ``task_unknown``, or ``task_ended`` where it was done or failed.
    """
    row = _own(unit, task_id)
    is_ended = rows.end_task(unit.conn, unit.program_id, row.task_no, TaskEnd(CANCELLED), unit.now)
    row = _own(unit, task_id)
    if not is_ended and row.outcome != CANCELLED:
        raise TaskEnded(id=task_id)
    return task_view(row, unit.now)


def task_file(unit: Unit, task_id: str) -> TaskRow:
    """Reads the task whose file is asked for; raises ``task_unknown``, or ``task_has_no_file``."""
    row = _own(unit, task_id)
    if row.file_name is None or row.ended_at is None or _kept_until(row.ended_at) <= unit.now:
        raise TaskHasNoFile(id=task_id)
    return row


def content_of(conn: Connection, row: TaskRow) -> Iterator[bytes]:
    """Reads the file of a task, piece by piece."""
    return rows.pieces(conn, row.program_id, row.task_no)


def task_view(row: TaskRow, now: datetime, expected_seconds: int | None = None) -> TaskInFull:
    """A task as it is shown.

    Args:
        expected_seconds: how long the last one of its operation took.
    """
    return TaskInFull(*_values(row, now, expected_seconds), row.asked["body"], row.answer)


def _values(row: TaskRow, now: datetime, expected_seconds: int | None) -> _Values:
    """The fields of a ``TaskView``, in their order."""
    until = None if row.file_name is None or row.ended_at is None else _kept_until(row.ended_at)
    has_file = until is not None and until > now
    return (
        row.task_id,
        row.operation,
        row.asked["path"],
        row.asked["query"],
        _subject(row.asked),
        row.outcome or (WAITING if row.begun_at is None else RUNNING),
        row.asked_at,
        row.key_id,
        row.begun_at,
        row.ended_at,
        row.attempts,
        row.bytes,
        expected_seconds,
        row.problem,
        TaskFile(row.file_name, row.media_type) if has_file and row.file_name is not None else None,
        until if has_file else None,
    )


def waiting_tasks(conn: Connection, limit: int) -> list[tuple[int, int]]:
    """Lists the tasks of all programs that have not ended: the numbers of program and task."""
    return rows.waiting_tasks(conn, limit)


def begin_attempt(conn: Connection, program_id: int, task_no: int, now: datetime) -> bool:
    """Notes that a worker begins with a task; False of one that has ended, or that is given up with this."""
    attempts = rows.begin_attempt(conn, program_id, task_no, now)
    return attempts is not None and attempts <= MOST_ATTEMPTS


def note_bytes(conn: Connection, program_id: int, task_no: int, written: int) -> bool:
    """Notes how long the file is so far; False of a task that has ended meanwhile."""
    return rows.note_bytes(conn, program_id, task_no, written)


def take_task(conn: Connection, program: Program, task_no: int) -> TaskRow | None:
    """Takes a task for this transaction alone; None where another has it, or it has ended."""
    if not rows.take(conn, program.program_id, task_no):
        return None
    row = rows.read_task(conn, program.program_id, task_no)
    return None if row is None or row.outcome is not None else row


def read_task(conn: Connection, program_id: int, task_no: int) -> TaskRow | None:
    """Reads a task by its number."""
    return rows.read_task(conn, program_id, task_no)


def keep_piece(conn: Connection, row: TaskRow, piece_no: int, content: bytes, now: datetime) -> None:
    """Keeps a piece of the task's file."""
    rows.insert_piece(conn, row, piece_no, content, now)


def end_task(conn: Connection, program_id: int, task_no: int, end: TaskEnd, now: datetime) -> bool:
    """Records how a task ended, in the transaction of what it did; False where it was cancelled meanwhile."""
    return rows.end_task(conn, program_id, task_no, end, now)


def forget_past_files(conn: Connection, now: datetime) -> int:
    """Deletes pieces of files that nobody may fetch any more, up to ``MOST_FORGOTTEN``; returns how many."""
    return rows.forget_pieces(conn, now - timedelta(days=KEPT_DAYS), MOST_FORGOTTEN)


def _subject(asked: AskedCall) -> str | None:
    """The id that the call is about, as the trail names it.

    >>> _subject({"path": {"period": "2026-03"}, "query": {}, "body": None})
    '2026-03'
    >>> _subject({"path": {}, "query": {}, "body": {"id": "P1"}})
    'P1'
    """
    named = asked["body"].get("id") if isinstance(asked["body"], dict) else None
    return "/".join(asked["path"].values()) or (named if isinstance(named, str) else None)


def _kept_until(ended_at: datetime) -> datetime:
    return ended_at + timedelta(days=KEPT_DAYS)


def _own(unit: Unit, task_id: str) -> TaskRow:
    row = rows.find_task(unit.conn, unit.program_id, task_id)
    if row is None or row.person != unit.actor.person:
        raise TaskUnknown(id=task_id)
    return row
