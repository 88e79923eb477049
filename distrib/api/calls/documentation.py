"""What OpenAPI says about one operation, from what its decorator knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from flask_smorest import Blueprint
from marshmallow import Schema

from distrib.api.schemas.problem import ProblemSchema
from distrib.domain.errors import CODES

_JSON = "application/json"
_NDJSON = "application/x-ndjson"
_PROBLEM = "application/problem+json"
_ANY_CALL = ("bad_request", "unauthorized", "forbidden", "method_not_allowed", "invalid", "internal", "unavailable")
_WITH_BODY = ("not_json", "too_large", "too_many_values", "unsupported_media_type")
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Kept for ever: the same key and content get the same answer.",
}
_HEADERS = {"X-Request-Id": {"description": "Names this request in our log.", "schema": {"type": "string"}}}


Shapes: TypeAlias = type[Schema] | str | tuple[type[Schema] | str, ...] | None
"""What an answer is: a schema, the media type of a file, nothing, or one of several of these."""


@dataclass(frozen=True, slots=True)
class Documented:
    """The description of an operation, beside its docstring."""

    name: str
    answers: Mapping[int, Shapes]
    body: type[Schema] | None
    query: type[Schema] | None
    refusals: tuple[str, ...]
    takes_ndjson: bool
    is_idempotent: bool
    needs_body: bool
    has_path: bool
    roles: Iterable[str]


def describe(blueprint: Blueprint, said: Documented) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that leaves the operation's description for the blueprint to collect."""
    operation: dict[str, Any] = {
        "operationId": said.name,
        "responses": {str(status): _answer(answer) for status, answer in said.answers.items()} | _refusals(said),
        "security": [{"key": []}],
        "x-roles": sorted(said.roles),
    }
    parameters: list[dict[str, Any]] = []
    if said.query is not None:
        parameters.append({"in": "query", "schema": said.query})
    if said.is_idempotent:
        parameters.append(dict(_IDEMPOTENCY_KEY))
    if parameters:
        operation["parameters"] = parameters
    if said.body is not None:
        operation["requestBody"] = _body(said)
    decorate: Callable[[Callable[..., Any]], Callable[..., Any]] = blueprint.doc(**operation)
    return decorate


def _answer(answer: Shapes) -> dict[str, Any]:
    if isinstance(answer, tuple):
        responses = [_answer(response) for response in answer]
        shapes: dict[str, list[Any]] = {}
        for kind, shape in (item for response in responses for item in response["content"].items()):
            shapes.setdefault(kind, []).append(shape["schema"])
        content = {
            kind: {"schema": alike[0] if len(alike) == 1 else {"anyOf": alike}} for kind, alike in shapes.items()
        }
        return {"description": responses[0]["description"], "headers": _HEADERS, "content": content}
    if answer is None:
        return {"description": "Done; there is nothing to say.", "headers": _HEADERS}
    if isinstance(answer, str):
        content = {answer: {"schema": {"type": "string"}}}
        return {"description": "A file, streamed.", "headers": _HEADERS, "content": content}
    described = (answer.__doc__ or "").strip().splitlines()[0]
    return {"description": described, "headers": _HEADERS, "content": {_JSON: {"schema": answer}}}


def _body(said: Documented) -> dict[str, Any]:
    content: dict[str, Any] = {_JSON: {"schema": said.body}}
    if said.takes_ndjson:
        content[_NDJSON] = {"schema": {"type": "string", "description": "one event a line"}}
    return {"required": said.needs_body, "content": content}


def _refusals(said: Documented) -> dict[str, Any]:
    """One response a status, naming the codes it comes with."""
    codes = [*_ANY_CALL, *said.refusals]
    codes += _WITH_BODY if said.body is not None else ()
    codes += ("not_found",) if said.has_path else ()
    codes += ("idempotency_key_reused",) if said.is_idempotent else ()
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    return {str(status): _refusal(listed) for status, listed in sorted(by_status.items())}


def _refusal(codes: list[str]) -> dict[str, Any]:
    described = "; ".join(f"`{code}`: {CODES[code].message}" for code in codes)
    return {"description": described, "headers": _HEADERS, "content": {_PROBLEM: {"schema": ProblemSchema}}}
