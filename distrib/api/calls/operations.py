"""One decorator makes a handler an operation: route, roles, body, query, transaction, answer and documentation.

A handler is a few lines: shapes are checked before it, business refusals are raised below it, and it commits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import psycopg
import structlog
from flask import Response, after_this_request, g, request
from flask_smorest import Blueprint
from marshmallow import Schema
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from distrib.api.calls.backend import Backend, current_backend
from distrib.api.calls.bodies import DOCUMENT_BYTES, BodyShape, is_only_asked
from distrib.api.calls.call import Call, Handler
from distrib.api.calls.documentation import Documented, Shapes, describe
from distrib.api.calls.seeing import seen_by_role
from distrib.api.calls.trailed import HANDLERS, trailed
from distrib.api.http.answers import Answer, Drawing, Stream, json_response, to_json
from distrib.api.http.auth import MAY_CALL, may_call, presented_key, scope_of
from distrib.api.http.shapes import load_query
from distrib.api.http.words import say
from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import Forbidden, ScopeMissing, Unauthorized
from distrib.domain.webhooks import SIGNED_HEADERS
from distrib.failpoints import reach
from distrib.services import idempotency
from distrib.services.compliance.registrations import WATCHED, note_registrations
from distrib.services.context import Actor, Program, Unit
from distrib.services.programs.keys import authenticate, hash_anew, is_use_due, note_use
from distrib.services.programs.limits import ProgramLimits
from distrib.services.programs.signing import check_signature
from distrib.transactions import in_transaction, stream_in_transaction

__all__ = ["Call", "Operation", "Resource", "Takes"]

MOST_KEY_CHARACTERS = 255
_log = structlog.get_logger("distrib.api")
_KEY = re.compile(f"[!-~]{{1,{MOST_KEY_CHARACTERS}}}")
"""An Idempotency-Key, as the description of the service says it: visible characters and no space."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What is fixed about a call: its name, its shapes and how it may be repeated."""

    name: str
    route: str
    body: BodyShape
    query: type[Schema] | None
    is_idempotent: bool
    may_be_signed: bool
    scope: str


@dataclass(frozen=True, slots=True)
class Takes:
    """What may be sent to an operation.

    Args:
        reads_body: how the bytes become the body where no schema loads it.
        takes_ndjson: whether newline-delimited JSON is welcome beside JSON.
        is_idempotent: whether an ``Idempotency-Key`` is honoured.
        needs_body: whether no body at all is refused, rather than an empty object.
        may_be_signed: whether keys that must sign do so here.
        most_bytes: how long a body may be.
    """

    body: type[Schema] | None = None
    query: type[Schema] | None = None
    reads_body: Callable[[bytes], Any] | None = None
    takes_ndjson: bool = False
    is_idempotent: bool = False
    needs_body: bool = True
    may_be_signed: bool = False
    most_bytes: int = DOCUMENT_BYTES


NOTHING = Takes()
REGISTERED: Final[dict[str, tuple[Operation, Handler]]] = {}
"""Every operation by its name, with what handles it and leaves its row in the trail."""


class Resource:
    """The operations on one noun, under ``/v1``."""

    def __init__(self, name: str, description: str) -> None:
        self.blueprint = Blueprint(name, __name__, url_prefix="/v1", description=description)

    def operation(
        self,
        method: str,
        rule: str,
        answers: Mapping[int, Shapes],
        takes: Takes = NOTHING,
        *,
        refusals: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Registers a handler and documents it; its name is the operation's.

        Args:
            answers: by status, the schema of the answer, or that with who sees what of it (``Visible``), the media type
                of a stream, None for no body, or several.
            takes: what may be sent.
            refusals: the codes it may refuse with, beside those that any call may.
        """

        def register(handler: Handler) -> Handler:
            name = handler.__name__
            route = f"{method} /v1{rule}"
            shape = BodyShape(takes.body, takes.reads_body, takes.takes_ndjson, takes.needs_body, takes.most_bytes)
            operation = Operation(
                name, route, shape, takes.query, takes.is_idempotent, takes.may_be_signed, scope_of(name)
            )
            documented = Documented(
                name=name,
                answers=answers,
                body=takes.body,
                query=takes.query,
                refusals=refusals,
                takes_ndjson=takes.takes_ndjson,
                is_idempotent=takes.is_idempotent,
                needs_body=takes.needs_body,
                may_be_signed=takes.may_be_signed,
                has_path=("<" in rule),
                roles=MAY_CALL[name],
            )
            HANDLERS[name] = sees = seen_by_role(name, handler, answers)
            handles = trailed(name, method, sees)
            REGISTERED[name] = operation, handles
            view = _view(operation, handles)
            view.__name__, view.__doc__ = name, handler.__doc__
            self.blueprint.add_url_rule(rule, name, describe(self.blueprint, documented)(view), methods=[method])
            return handler

        return register


@dataclass(frozen=True, slots=True)
class _ReadRequest:
    """A request before its transaction.

    Args:
        presented: the key.
        body: as it was read, or the refusal of it, which comes after those of key, role and query.
        sent: its bytes where they may be signed for.
    """

    path: dict[str, str]
    presented: str
    body: Any
    sent: bytes


def _view(operation: Operation, handler: Handler) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return _serve(operation, handler, path)

    return view


def _serve(operation: Operation, handler: Handler, path: dict[str, str]) -> Response:
    """Reads and parses the body before any connection is taken: neither a slow sender nor a long text holds one."""
    presented = presented_key(request.headers.get("Authorization"))
    if presented is None:
        raise Unauthorized()
    backend = current_backend()
    program_no = _program_of(backend, presented)
    if is_only_asked(operation.body):
        return Response(status=204)
    is_signed = operation.may_be_signed and all(name in request.headers for name in SIGNED_HEADERS)
    body, sent = operation.body.read(keeps_bytes=is_signed)
    asked = _ReadRequest(path, presented, body, sent)
    run = partial(_run_operation, backend, operation, handler, asked)
    try:
        with ExitStack() as turn:
            turn.enter_context(backend.shares.turn(program_no))
            program_id, answer = in_transaction(backend.begin, run)
            reach("request.committed")
            if isinstance(answer, Stream):
                response = _streamed(backend, program_id, answer)
                response.call_on_close(turn.pop_all().close)  # it holds its connection until all is sent
                return response
    except Refusal as refusal:
        if refusal.code in WATCHED:
            in_transaction(backend.begin, partial(_note_refused, backend, asked, refusal.code))
        raise
    if isinstance(answer, Drawing):
        return _drawn(answer)
    if answer.after_commit is not None:
        answer.after_commit()
    if answer.view is None:
        return Response(status=answer.status, headers=dict(answer.headers))
    view = answer.view if isinstance(answer.view, bytes) else to_json(answer.view)
    return json_response(view, answer.status, answer.headers)


def _program_of(backend: Backend, presented: str) -> int:
    """The number of the program whose call this is; a key that is not remembered is looked at in a transaction.

    Raises:
        Refusal: ``unauthorized``.
    """
    known = backend.gate.known(presented)
    if known is not None:
        return known.program_id
    return in_transaction(backend.begin, partial(_authenticate, backend, presented, backend.now()))[0].program_id


def _authenticate(
    backend: Backend, presented: str, now: datetime, conn: Connection
) -> tuple[Program, Actor, ProgramLimits]:
    """The program and the actor of a key, with the program's limits; a key that is not good is counted.

    Raises:
        Refusal: ``unauthorized``, or ``key_expired``.
    """
    authenticated = authenticate(conn, presented, backend.pepper, now)
    if authenticated is None:
        backend.gate.note_bad_key(presented, backend.gate.address_of(request))
        raise Unauthorized()
    program, actor = authenticated
    return program, actor, backend.gate.recognise(conn, presented, program.program_id, actor.key_id)


def _note_refused(backend: Backend, asked: _ReadRequest, code: str, conn: Connection) -> None:
    """Records that a registration or a move was refused, in a transaction of its own: the refusal undid the call's."""
    authenticated = authenticate(conn, asked.presented, backend.pepper, backend.now())
    shop_id = asked.path.get("shop_id") or (asked.body.get("id") if isinstance(asked.body, dict) else None)
    if authenticated is not None and isinstance(shop_id, str):
        program, actor = authenticated
        note_registrations(
            Unit(conn, program, actor, backend.now()), backend.policies[program.policy], (), {shop_id: code}
        )


def _run_operation(
    backend: Backend,
    operation: Operation,
    handler: Handler,
    asked: _ReadRequest,
    conn: Connection,
) -> tuple[int, Answer | Stream | Drawing]:
    """Authenticates the key, checks role and shapes, and returns the program's number with what the handler answers."""
    now = backend.now()
    program, actor, limits = _authenticate(backend, asked.presented, now, conn)
    unit = Unit(conn, program, actor, now)
    g.program, g.key_id = program.code, actor.key_id
    _note_use(backend, program, actor, asked.presented, now)
    check_may_call(operation, actor)
    if operation.may_be_signed and actor.is_signed:
        headers = {name: request.headers.get(name, "") for name in SIGNED_HEADERS}
        check_signature(unit, backend.sealer, headers, asked.sent)
    query = load_query(operation.query, request.args)
    if isinstance(asked.body, Refusal):
        raise asked.body
    call = Call(backend, unit, asked.body, query, limits)
    key = request.headers.get("Idempotency-Key") if operation.is_idempotent else None
    if key is None:
        return program.program_id, handler(call, **asked.path)
    return program.program_id, _once(operation, handler, call, asked.path, key)


def check_may_call(operation: Operation, actor: Actor) -> None:
    """Raises ``forbidden`` where the role may not, ``scope_missing`` where the key's scopes fall short of it."""
    if not may_call(actor.role, operation.name):
        raise Forbidden()
    if operation.scope and actor.scopes is not None and operation.scope not in actor.scopes:
        raise ScopeMissing(scope=operation.scope)


def _note_use(backend: Backend, program: Program, actor: Actor, presented: str, now: datetime) -> None:
    """Has the use of the key noted once the answer is sent: once a minute, and never while a caller waits.

    Then its secret is hashed with the pepper of today, too.
    """
    if "use_is_noted" in g or not is_use_due(actor, now):
        return
    g.use_is_noted = True

    def write() -> None:
        try:
            with backend.begin() as conn:
                backend.enter(conn, program.program_id)
                note_use(conn, program.program_id, actor.key_id, now)
                hash_anew(conn, program, presented, backend.pepper)
        except (DBAPIError, psycopg.Error, PoolExhausted) as error:  # the call was answered; the next use is noted
            _log.warning("use_not_noted", key_id=actor.key_id, error=type(error).__name__)

    @after_this_request
    def note(response: Response) -> Response:
        response.call_on_close(write)
        return response


def _once(operation: Operation, handler: Handler, call: Call, path: dict[str, str], key: str) -> Answer:
    """Runs the handler once for an Idempotency-Key; a repeat gets what the first run answered."""
    if _KEY.fullmatch(key) is None:
        raise Refusal("invalid", [Problem("Idempotency-Key", say("key_characters", high=MOST_KEY_CHARACTERS))])
    content = {"path": path, "body": call.body}
    kept = idempotency.recall(call.unit, operation.route, key, content)
    if kept is not None:
        status, body = kept
        return Answer(body.encode(), status, {"Idempotent-Replayed": "true"})
    answer = handler(call, **path)
    if not isinstance(answer, Answer):
        raise TypeError("a file cannot be kept under an Idempotency-Key")
    body = to_json(answer.view).decode()
    kept_answer = (answer.status, body)
    idempotency.remember(call.unit, operation.route, key, content, kept_answer)
    return answer


def _streamed(backend: Backend, program_id: int, stream: Stream) -> Response:
    """Takes the first chunk before the status is sent, so that what fails at once is answered as a problem."""

    def produce(conn: Connection) -> Iterator[bytes]:
        backend.enter(conn, program_id)
        yield from stream.produce(conn)

    chunks = stream_in_transaction(backend.begin, produce)
    first = next(chunks, b"")
    response = Response(_with_first(first, chunks), content_type=stream.media_type)
    response.call_on_close(chunks.close)  # type: ignore[attr-defined]
    response.headers.update(stream.headers)
    response.headers["Content-Disposition"] = f'attachment; filename="{stream.filename}"'
    return response


def _drawn(drawing: Drawing) -> Response:
    """The file, unless the caller has it; nobody else may keep it, and who does asks each time."""
    is_known = request.if_none_match.contains_weak(drawing.tag)
    response = Response(status=304) if is_known else Response(drawing.draw(), content_type=drawing.media_type)
    response.set_etag(drawing.tag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _with_first(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks
