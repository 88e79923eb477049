"""Tasks: long calls that wait for a worker or have ended, with their files. No rule may enter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypedDict

from sqlalchemy import Connection

from distrib.domain.json_values import Json, JsonObject
from distrib.store.database import Bound
from distrib.store.locks import TASKS
from distrib.store.sql import execute, execute_as


class AskedCall(TypedDict):
    """A call as it is kept: the ids of its path, its query, and its body as sent."""

    path: dict[str, str]
    query: dict[str, str]
    body: Json


class NewTask(NamedTuple):
    """A call to be kept: path, query and body are ``asked``, as JSON; ``person`` is whose the key is."""

    id: str
    operation: str
    asked: str
    digest: bytes
    language: str
    key: str
    person: str


class TaskRow(NamedTuple):
    """One task as it stands; ``outcome`` is None until it has ended."""

    program_id: int
    task_no: int
    task_id: str
    operation: str
    asked: AskedCall
    language: str
    key_id: str
    person: str
    asked_at: datetime
    attempts: int
    begun_at: datetime | None
    bytes: int
    outcome: str | None
    answer: Json
    problem: JsonObject | None
    file_name: str | None
    media_type: str | None
    ended_at: datetime | None


class TaskEnd(NamedTuple):
    """How a task ended: ``done``, ``failed`` or ``cancelled``; answer and problem as JSON."""

    outcome: str
    answer: str | None = None
    problem: str | None = None
    file_name: str | None = None
    media_type: str | None = None
    file_bytes: int | None = None


# Of the numbers of one page alone, each row by its own key.
_ROWS: Final = """
SELECT t.program_id, t.task_no, t.task_id, t.operation, t.asked, t.language, t.key_id, t.person, t.asked_at,
       COALESCE(e.attempts, w.attempts, 0) AS attempts, COALESCE(e.begun_at, w.begun_at) AS begun_at,
       COALESCE(e.file_bytes, w.bytes, 0) AS bytes, e.outcome, e.answer, e.problem, e.file_name, e.media_type,
       e.ended_at
FROM unnest(%(numbers)s::bigint[]) WITH ORDINALITY k (task_no, place)
CROSS JOIN LATERAL (SELECT * FROM tasks WHERE program_id = %(program)s AND task_no = k.task_no OFFSET 0) t
LEFT JOIN waiting_tasks w ON w.program_id = t.program_id AND w.task_no = t.task_no
LEFT JOIN task_ends e ON e.program_id = t.program_id AND e.task_no = t.task_no
ORDER BY k.place
"""
_OF_PERSON: Final = """
SELECT task_no FROM tasks WHERE program_id = %(program)s AND person = %(person)s AND task_no < %(before)s
ORDER BY task_no DESC LIMIT %(limit)s
"""
_OF_ID: Final = "SELECT task_no FROM tasks WHERE program_id = %(program)s AND task_id = %(id)s"
_OF_DIGEST: Final = """
SELECT task_no FROM waiting_tasks WHERE program_id = %(program)s AND person = %(person)s AND digest = %(digest)s
"""
_COUNT: Final = """
SELECT count(*) FROM (SELECT 1 FROM waiting_tasks WHERE program_id = %(program)s AND person = %(person)s
                      LIMIT %(most)s) w
"""
_INSERT: Final = """
WITH asked AS (
    INSERT INTO tasks (program_id, task_id, operation, asked, language, key_id, person, asked_at)
    VALUES (%(program)s, %(id)s, %(operation)s, %(asked)s::jsonb, %(language)s, %(key)s, %(person)s, %(now)s)
    RETURNING program_id, task_no, person)
INSERT INTO waiting_tasks (program_id, task_no, person, digest)
SELECT program_id, task_no, person, %(digest)s FROM asked RETURNING task_no
"""
_HOLD_PERSON: Final = f"SELECT pg_advisory_xact_lock({TASKS}, hashtext(%(program)s::text || '/' || %(person)s::text))"
_WAITING: Final = "SELECT program_id, task_no FROM waiting_tasks ORDER BY attempts, task_no LIMIT %(limit)s"
_BEGIN: Final = """
UPDATE waiting_tasks SET attempts = attempts + 1, begun_at = %(now)s, bytes = 0
WHERE program_id = %(program)s AND task_no = %(no)s RETURNING attempts
"""
_PROGRESS: Final = "UPDATE waiting_tasks SET bytes = %(bytes)s WHERE program_id = %(program)s AND task_no = %(no)s"
_TAKE: Final = f"SELECT pg_try_advisory_xact_lock({TASKS}, hashtext(%(program)s::text || '#' || %(no)s::text))"
# While another connection makes its file, nothing may be said on this one for minutes.
_WAIT_FOR_FILE: Final = "SET LOCAL idle_in_transaction_session_timeout = '30min'"
_END: Final = """
WITH gone AS (DELETE FROM waiting_tasks WHERE program_id = %(program)s AND task_no = %(no)s
              RETURNING program_id, task_no, attempts, begun_at)
INSERT INTO task_ends (program_id, task_no, outcome, answer, problem, file_name, media_type, file_bytes, attempts,
                       begun_at, ended_at)
SELECT program_id, task_no, %(outcome)s::text, %(answer)s::jsonb, %(problem)s::jsonb, %(file_name)s::text,
       %(media_type)s::text, %(file_bytes)s::bigint, attempts, begun_at, %(now)s::timestamptz FROM gone
"""
_INSERT_PIECE: Final = "INSERT INTO task_files VALUES (%(program)s, %(no)s, %(piece)s, %(content)s, %(now)s)"
_PIECE: Final = """
SELECT content FROM task_files WHERE program_id = %(program)s AND task_no = %(no)s AND piece_no = %(piece)s
"""
_FORGET: Final = """
DELETE FROM task_files f USING (SELECT program_id, task_no, piece_no FROM task_files WHERE made_at < %(before)s
                                ORDER BY made_at LIMIT %(limit)s) p
WHERE f.program_id = p.program_id AND f.task_no = p.task_no AND f.piece_no = p.piece_no
"""
_LAST_SECONDS: Final = """
SELECT o.operation, d.seconds FROM unnest(%(operations)s::text[]) o (operation)
CROSS JOIN LATERAL (
    SELECT extract(epoch FROM e.ended_at - e.begun_at)::integer AS seconds FROM tasks t
    JOIN task_ends e ON e.program_id = t.program_id AND e.task_no = t.task_no AND e.outcome = 'done'
    WHERE t.program_id = %(program)s AND t.operation = o.operation ORDER BY t.task_no DESC LIMIT 1) d
"""


def hold_person(conn: Connection, program_id: int, person: str) -> None:
    """Keeps two requests of a person from beginning the same task at once, until the transaction ends."""
    execute(conn, _HOLD_PERSON, {"program": str(program_id), "person": person})


def insert_task(conn: Connection, program_id: int, task: NewTask, now: datetime) -> None:
    """Writes a task that waits for a worker."""
    execute(conn, _INSERT, {"program": program_id, "now": now} | task._asdict())


def find_task(conn: Connection, program_id: int, task_id: str) -> TaskRow | None:
    """Reads the task of that id."""
    return next(iter(_rows(conn, program_id, _OF_ID, {"id": task_id})), None)


def read_task(conn: Connection, program_id: int, task_no: int) -> TaskRow | None:
    """Reads the task of that number."""
    return next(iter(_rows_of(conn, program_id, [task_no])), None)


def find_waiting(conn: Connection, program_id: int, person: str, digest: bytes) -> TaskRow | None:
    """Reads the person's task of that content that has not ended."""
    return next(iter(_rows(conn, program_id, _OF_DIGEST, {"person": person, "digest": digest})), None)


def count_waiting(conn: Connection, program_id: int, person: str, most: int) -> int:
    """Counts the person's tasks that have not ended, up to ``most``."""
    row = execute(conn, _COUNT, {"program": program_id, "person": person, "most": most}).fetchone()
    return 0 if row is None else int(row[0])


def list_tasks(conn: Connection, program_id: int, person: str, before: int, limit: int) -> list[TaskRow]:
    """Lists a person's tasks numbered below ``before``, the newest first."""
    return _rows(conn, program_id, _OF_PERSON, {"person": person, "before": before, "limit": limit})


def last_seconds(conn: Connection, program_id: int, operations: Sequence[str]) -> dict[str, int]:
    """How long the last task of each operation took that was done, in seconds."""
    rows = execute(conn, _LAST_SECONDS, {"program": program_id, "operations": list(operations)}).fetchall()
    return dict(rows)


def waiting_tasks(conn: Connection, limit: int) -> list[tuple[int, int]]:
    """Lists the tasks of all programs that have not ended, those that were begun least first: program and number."""
    return [(row[0], row[1]) for row in execute(conn, _WAITING, {"limit": limit}).fetchall()]


def begin_attempt(conn: Connection, program_id: int, task_no: int, now: datetime) -> int | None:
    """Notes that a worker begins, and answers the how manieth time it is; None of a task that has ended."""
    row = execute(conn, _BEGIN, {"program": program_id, "no": task_no, "now": now}).fetchone()
    return None if row is None else int(row[0])


def note_bytes(conn: Connection, program_id: int, task_no: int, written: int) -> bool:
    """Notes how long the file is so far; False of a task that has ended."""
    return execute(conn, _PROGRESS, {"program": program_id, "no": task_no, "bytes": written}).rowcount == 1


def take(conn: Connection, program_id: int, task_no: int) -> bool:
    """Takes a task for this transaction alone, which may then be idle for long; False where another has it."""
    execute(conn, _WAIT_FOR_FILE)
    row = execute(conn, _TAKE, {"program": str(program_id), "no": str(task_no)}).fetchone()
    return row is not None and bool(row[0])


def end_task(conn: Connection, program_id: int, task_no: int, end: TaskEnd, now: datetime) -> bool:
    """Writes how a task ended; False where it had ended before."""
    bound = {"program": program_id, "no": task_no, "now": now, **end._asdict()}
    return execute(conn, _END, bound).rowcount == 1


def insert_piece(conn: Connection, task: TaskRow, piece_no: int, content: bytes, now: datetime) -> None:
    """Writes a piece of a task's file."""
    bound = {"program": task.program_id, "no": task.task_no, "piece": piece_no, "content": content, "now": now}
    execute(conn, _INSERT_PIECE, bound)


def pieces(conn: Connection, program_id: int, task_no: int) -> Iterator[bytes]:
    """The file of a task, piece by piece."""
    piece_no = 0
    while True:
        bound = {"program": program_id, "no": task_no, "piece": piece_no}
        row = execute(conn, _PIECE, bound).fetchone()
        if row is None:
            return
        yield bytes(row[0])
        piece_no += 1


def forget_pieces(conn: Connection, before: datetime, limit: int) -> int:
    """Deletes pieces that were made before an instant, the oldest first; returns how many."""
    return execute(conn, _FORGET, {"before": before, "limit": limit}).rowcount


def _rows(conn: Connection, program_id: int, numbers: str, bound: Bound) -> list[TaskRow]:
    """Reads the tasks whose numbers a statement lists."""
    listed = [row[0] for row in execute(conn, numbers, {**bound, "program": program_id}).fetchall()]
    return _rows_of(conn, program_id, listed)


def _rows_of(conn: Connection, program_id: int, numbers: Sequence[int]) -> list[TaskRow]:
    if not numbers:
        return []
    return execute_as(conn, TaskRow, _ROWS, {"program": program_id, "numbers": list(numbers)}).fetchall()
