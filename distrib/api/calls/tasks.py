"""Calls that may take long and so may be tasks: what of them is checked when they are asked for, and how a worker
makes one in the name of who asked, inside the process and under the web's role, as if it had come over HTTP.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import psycopg
import structlog
from flask import Flask, g
from marshmallow import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.datastructures import MultiDict

from distrib.api.calls.backend import EXTENSION, Backend
from distrib.api.calls.desk import File, SeatedDesk
from distrib.api.calls.operations import REGISTERED, check_may_call
from distrib.api.http.answers import to_json
from distrib.api.http.problems import problem_document
from distrib.api.http.shapes import load_body, load_query
from distrib.api.http.words import say
from distrib.api.schemas.fields import period_of
from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.refusals import Internal
from distrib.services import tasks as service
from distrib.services.context import Actor, Unit
from distrib.services.programs.keys import actor_of
from distrib.services.programs.limits import read_limits
from distrib.services.programs.tenants import get_program
from distrib.services.refusals import TaskGivenUp
from distrib.services.tasks import TaskEnd, TaskRow, TaskWish
from distrib.transactions import in_transaction, is_passing

PIECE_BYTES: Final = 2**20
MOST_AT_ONCE: Final = 20
_SHOWN_EVERY_S: Final = 1.0
_PATH_PART: Final = re.compile(r"<(?P<kind>\w+):(?P<name>\w+)>")
_log = structlog.get_logger(__name__)


class TaskCancelled(Exception):
    """The task has ended meanwhile: what was done of it is undone."""


def check_wish(wish: TaskWish, actor: Actor) -> None:
    """Checks a call that is to be made later as far as it can be now.

    Raises:
        Refusal: ``forbidden`` or ``scope_missing`` as the call itself, or ``invalid`` with all that does not fit it.
    """
    operation, _ = REGISTERED[wish.operation]
    check_may_call(operation, actor)
    kinds = {part["name"]: part["kind"] for part in _PATH_PART.finditer(operation.route)}
    problems = list(_path_problems(kinds, wish.path))
    problems += _problems_below("/query", lambda: load_query(operation.query, MultiDict(wish.query)))
    if operation.body.schema is None and wish.body is not None:
        problems.append(Problem("/body", say("unknown")))
    elif operation.body.schema is not None:
        sent = {} if wish.body is None else wish.body
        problems += _problems_below("/body", lambda: load_body(operation.body.schema, sent))
    if problems:
        raise Refusal("invalid", problems)


def _path_problems(kinds: Mapping[str, str], path: Mapping[str, str]) -> Iterator[Problem]:
    """What does not fit the path of a call, whose parts are ids or months."""
    yield from (Problem(f"/path/{name}", say("required")) for name in kinds if name not in path)
    for name, value in path.items():
        if name not in kinds:
            yield Problem(f"/path/{name}", say("unknown"))
        elif not is_identifier(value):
            yield Problem(f"/path/{name}", say("identifier"))
        elif kinds[name] == "period" and not _is_period(value):
            yield Problem(f"/path/{name}", say("period"))


def _is_period(value: str) -> bool:
    try:
        return bool(period_of(value))
    except ValidationError:
        return False


def _problems_below(place: str, load: Callable[[], Any]) -> list[Problem]:
    """What a shape finds wrong, its pointers below the place that it stands at."""
    try:
        load()
    except Refusal as refusal:
        inner = [(problem.pointer.lstrip("/?"), problem.detail) for problem in refusal.problems]
        return [Problem(f"{place}/{pointer}".rstrip("/"), detail) for pointer, detail in inner]
    return []


class TaskRunner:
    """Makes the calls of tasks, one after the other.

    Args:
        app: whose operations are called, with its backend.
        begin: opens a transaction under the worker's role: it sees the tasks of all programs, and says how far one is
            while the call's own transaction is open.
    """

    def __init__(self, app: Flask, begin: Callable[[], AbstractContextManager[Connection]]) -> None:
        backend = app.extensions[EXTENSION]
        if not isinstance(backend, Backend):
            raise TypeError("the app was made without its backend")
        self._app, self._backend, self._begin = app, backend, begin

    def run_waiting(self) -> int:
        """Makes the calls that wait, up to ``MOST_AT_ONCE``; returns how many have come to an end."""
        with self._begin() as conn:
            waiting = service.waiting_tasks(conn, MOST_AT_ONCE)
        return sum(self._run(program_id, task_no) for program_id, task_no in waiting)

    def _run(self, program_id: int, task_no: int) -> bool:
        """Makes one call; False where another has it, or the database is in trouble and it waits on."""
        with self._begin() as conn:
            known = service.read_task(conn, program_id, task_no)
        if known is None or known.outcome is not None:
            return False
        log = _log.bind(task=known.task_id, operation=known.operation)
        with self._app.test_request_context(headers={"Accept-Language": known.language}):
            g.request_id, g.request_id_is_ours = f"task-{known.task_id}", False
            try:
                return self._made(program_id, task_no)
            except TaskCancelled:
                log.info("task_cancelled")
            except Refusal as refusal:
                self._fail(known, refusal)
            except (DBAPIError, psycopg.Error, PoolExhausted) as error:
                if isinstance(error, PoolExhausted) or is_passing(error):
                    log.warning("task_waits", error=type(error).__name__)
                    return False
                log.error("task_failed", exc_info=error)
                self._fail(known, Internal())
            except Exception as error:
                log.error("task_failed", exc_info=error)
                self._fail(known, Internal())
        return True

    def _made(self, program_id: int, task_no: int) -> bool:
        """Does in one transaction what the call does, and records that it is done."""
        desks: list[SeatedDesk] = []

        def run(conn: Connection) -> bool:
            self._backend.enter(conn, program_id)
            program, now = get_program(conn, program_id), self._backend.now()
            row = service.take_task(conn, program, task_no)
            if row is None:
                return False
            if not desks:
                self._note_attempt(row)
            actor = actor_of(conn, program, row.key_id, now)
            limits = read_limits(conn, program_id)
            desks.append(SeatedDesk(self._backend, Unit(conn, program, actor, now), limits))
            end = self._call(desks[-1], row)
            if not service.end_task(conn, program_id, task_no, end, self._backend.now()):
                raise TaskCancelled
            return True

        is_made = in_transaction(self._backend.begin, run)
        for ring in desks[-1].after_commit if is_made else ():
            ring()
        return is_made

    def _note_attempt(self, row: TaskRow) -> None:
        """Counts this attempt in a transaction of its own, so that one that ends this process is counted too."""
        with self._begin() as conn:
            goes_on = service.begin_attempt(conn, row.program_id, row.task_no, self._backend.now())
        if not goes_on:
            raise TaskGivenUp(attempts=service.MOST_ATTEMPTS)

    def _call(self, desk: SeatedDesk, row: TaskRow) -> TaskEnd:
        asked = row.asked
        answer = desk.call(row.operation, asked["path"], asked["query"], asked["body"])
        if isinstance(answer, File):
            written = self._keep(desk, row, answer)
            return TaskEnd(service.DONE, None, None, answer.filename, answer.media_type, written)
        return TaskEnd(service.DONE, to_json(answer).decode())

    def _keep(self, desk: SeatedDesk, row: TaskRow, file: File) -> int:
        """Keeps a file in pieces, and says every second how long it is; returns its length in bytes."""
        written, shown = 0, time.monotonic()
        for piece_no, piece in enumerate(in_pieces(file.chunks())):
            service.keep_piece(desk.conn, row, piece_no, piece, desk.now)
            written += len(piece)
            if time.monotonic() - shown >= _SHOWN_EVERY_S:
                shown = time.monotonic()
                self._note_bytes(row, written)
        return written

    def _note_bytes(self, row: TaskRow, written: int) -> None:
        with self._begin() as conn:
            if not service.note_bytes(conn, row.program_id, row.task_no, written):
                raise TaskCancelled

    def _fail(self, row: TaskRow, refusal: Refusal) -> None:
        problem = json.dumps(problem_document(refusal, row.language), ensure_ascii=False)
        with self._begin() as conn:
            end = TaskEnd(service.FAILED, problem=problem)
            service.end_task(conn, row.program_id, row.task_no, end, self._backend.now())


def in_pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of ``PIECE_BYTES``; the last may be shorter, and there is none of nothing.

    >>> [len(piece) for piece in in_pieces(iter([b"x" * 700_000, b"y" * 700_000]))]
    [1048576, 351424]
    """
    gathered = bytearray()
    for chunk in chunks:
        gathered += chunk
        while len(gathered) >= PIECE_BYTES:
            yield bytes(gathered[:PIECE_BYTES])
            del gathered[:PIECE_BYTES]
    if gathered:
        yield bytes(gathered)
