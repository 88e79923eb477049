"""One decorator makes a handler an operation: route, roles, body, query, transaction, answer and documentation.

A handler is a few lines: shapes are checked before it, business refusals are raised below it, and it commits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import Schema
from sqlalchemy import Connection

from distrib.api.calls.backend import Backend, current_backend
from distrib.api.calls.bodies import DOCUMENT_BYTES, BodyShape, good_key, is_only_asked
from distrib.api.calls.documentation import Documented, Shapes, describe
from distrib.api.http.answers import Answer, Drawing, Stream, json_response, to_json
from distrib.api.http.auth import MAY_CALL
from distrib.api.http.pagination import Listing
from distrib.api.http.shapes import load_query
from distrib.api.http.words import say
from distrib.domain.errors import Problem, Refusal
from distrib.domain.policies.policy import Policy
from distrib.services import idempotency
from distrib.services.compliance.registrations import WATCHED, note_registrations
from distrib.services.context import Actor, Program
from distrib.services.programs.keys import authenticate
from distrib.transactions import in_transaction, stream_in_transaction

MOST_KEY_CHARACTERS = 255
_KEY = re.compile(f"[!-~]{{1,{MOST_KEY_CHARACTERS}}}")
"""An Idempotency-Key, as the description of the service says it: visible characters and no space."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request whose key is good, whose role fits and whose shape is right."""

    backend: Backend
    conn: Connection
    program: Program
    actor: Actor
    now: datetime
    body: Any
    query: Mapping[str, Any]

    @property
    def policy(self) -> Policy:
        """The policy pack of the program."""
        return self.backend.policies[self.program.policy]

    def listing(self, name: str) -> Listing:
        """The list of that name (its filters are part of it), for the program of this call."""
        return Listing(f"{self.program.code} {name}", self.backend.pepper)


Handler = Callable[..., Answer | Stream | Drawing]


@dataclass(frozen=True, slots=True)
class Operation:
    """What is fixed about a call: its name, its shapes and how it may be repeated."""

    name: str
    route: str
    body: BodyShape
    query: type[Schema] | None
    is_idempotent: bool


class Resource:
    """The operations on one noun, under ``/v1``."""

    def __init__(self, name: str, description: str) -> None:
        self.blueprint = Blueprint(name, __name__, url_prefix="/v1", description=description)

    def operation(
        self,
        method: str,
        rule: str,
        answers: Mapping[int, Shapes],
        *,
        body: type[Schema] | None = None,
        query: type[Schema] | None = None,
        refusals: tuple[str, ...] = (),
        reads_body: Callable[[bytes], Any] | None = None,
        takes_ndjson: bool = False,
        is_idempotent: bool = False,
        needs_body: bool = True,
        most_bytes: int = DOCUMENT_BYTES,
    ) -> Callable[[Handler], Handler]:
        """Registers a handler and documents it; its name is the operation's.

        Args:
            answers: by status, the schema of the answer, the media type of a stream, None for no body, or several.
            refusals: the codes it may refuse with, beside those that any call may.
            reads_body: how the bytes become the body where no schema loads it.
            takes_ndjson: whether newline-delimited JSON is welcome beside JSON.
            is_idempotent: whether an ``Idempotency-Key`` is honoured.
            needs_body: whether no body at all is refused, rather than an empty object.
            most_bytes: how long a body may be.
        """

        def register(handler: Handler) -> Handler:
            name = handler.__name__
            route = f"{method} /v1{rule}"
            shape = BodyShape(body, reads_body, takes_ndjson, needs_body, most_bytes)
            operation = Operation(name, route, shape, query, is_idempotent)
            documented = Documented(
                name=name,
                answers=answers,
                body=body,
                query=query,
                refusals=refusals,
                takes_ndjson=takes_ndjson,
                is_idempotent=is_idempotent,
                needs_body=needs_body,
                has_path=("<" in rule),
                roles=MAY_CALL[name],
            )
            view = _view(operation, handler)
            view.__name__, view.__doc__ = name, handler.__doc__
            self.blueprint.add_url_rule(rule, name, describe(self.blueprint, documented)(view), methods=[method])
            return handler

        return register


def _view(operation: Operation, handler: Handler) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return _serve(operation, handler, path)

    return view


def _serve(operation: Operation, handler: Handler, path: dict[str, str]) -> Response:
    """Reads and parses the body before any connection is taken: neither a slow sender nor a long text holds one."""
    backend = current_backend()
    presented = good_key(backend)
    if is_only_asked(operation.body):
        return Response(status=204)
    body = operation.body.read()
    unit = partial(_run_operation, backend, operation, handler, path, presented, body)
    try:
        program_id, answer = in_transaction(backend.begin, unit)
    except Refusal as refusal:
        if refusal.code in WATCHED:
            in_transaction(backend.begin, partial(_note_refused, backend, path, presented, body, refusal.code))
        raise
    if isinstance(answer, Stream):
        return _streamed(backend, program_id, answer)
    if isinstance(answer, Drawing):
        return _drawn(answer)
    if answer.after_commit is not None:
        answer.after_commit()
    if answer.view is None:
        return Response(status=answer.status, headers=dict(answer.headers))
    view = answer.view if isinstance(answer.view, bytes) else to_json(answer.view)
    return json_response(view, answer.status, answer.headers)


def _note_refused(
    backend: Backend, path: Mapping[str, str], presented: str, body: Any, code: str, conn: Connection
) -> None:
    """Records that a registration or a move was refused, in a transaction of its own: the refusal undid the call's."""
    authenticated = authenticate(conn, presented, backend.pepper)
    shop_id = path.get("shop_id") or (body.get("id") if isinstance(body, dict) else None)
    if authenticated is not None and isinstance(shop_id, str):
        program, _ = authenticated
        note_registrations(conn, program, backend.policies[program.policy], (), {shop_id: code}, backend.now())


def _run_operation(
    backend: Backend,
    operation: Operation,
    handler: Handler,
    path: dict[str, str],
    presented: str,
    body: Any,
    conn: Connection,
) -> tuple[int, Answer | Stream | Drawing]:
    """Authenticates the key, checks role and shapes, and returns the program's number with what the handler answers.

    Args:
        body: as it was read, or the refusal of it, which comes after those of key, role and query.
    """
    now = backend.now()
    authenticated = authenticate(conn, presented, backend.pepper)
    if authenticated is None:
        raise Refusal("unauthorized")
    program, actor = authenticated
    g.program, g.key_id = program.code, actor.key_id
    if actor.role not in MAY_CALL[operation.name]:
        raise Refusal("forbidden")
    query = load_query(operation.query, request.args)
    if isinstance(body, Refusal):
        raise body
    call = Call(backend, conn, program, actor, now, body, query)
    key = request.headers.get("Idempotency-Key") if operation.is_idempotent else None
    if key is None:
        return program.program_id, handler(call, **path)
    return program.program_id, _once(operation, handler, call, path, key)


def _once(operation: Operation, handler: Handler, call: Call, path: dict[str, str], key: str) -> Answer:
    """Runs the handler once for an Idempotency-Key; a repeat gets what the first run answered."""
    if _KEY.fullmatch(key) is None:
        raise Refusal("invalid", [Problem("Idempotency-Key", say("key_characters", high=MOST_KEY_CHARACTERS))])
    content = {"path": path, "body": call.body}
    kept = idempotency.recall(call.conn, call.program, operation.route, key, content)
    if kept is not None:
        status, body = kept
        return Answer(body.encode(), status, {"Idempotent-Replayed": "true"})
    answer = handler(call, **path)
    if not isinstance(answer, Answer):
        raise TypeError("a file cannot be kept under an Idempotency-Key")
    body = to_json(answer.view).decode()
    idempotency.remember(call.conn, call.program, operation.route, key, content, answer.status, body, call.now)
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
