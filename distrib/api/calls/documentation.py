"""What OpenAPI says about one operation, from what its decorator knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from flask_smorest import Blueprint
from marshmallow import Schema

from distrib.api.http.codes import CODES
from distrib.api.schemas.problem import ProblemSchema
from distrib.api.schemas.visible import ROLE_OF, Visible
from distrib.domain.webhooks import SIGNED_HEADERS

_JSON = "application/json"
_NDJSON = "application/x-ndjson"
_PROBLEM = "application/problem+json"
_ANY_CALL = (
    "bad_request",
    "unauthorized",
    "key_expired",
    "forbidden",
    "scope_missing",
    "method_not_allowed",
    "invalid",
    "too_many_requests",
    "too_many_bad_keys",
    "internal",
    "unavailable",
    "program_busy",
)
_WITH_BODY = ("not_json", "too_large", "too_many_values", "unsupported_media_type")
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Kept for ever: the same key and content get the same answer.",
}
TAKES_SECOND_PERSON = ("same_key", "same_person", "proposer_revoked", "key_not_approved")
"""What a call refuses with that confirms what another person proposed."""
_SIGNED = {
    "in": "header",
    "schema": {"type": "string"},
    "description": "Standard Webhooks 1.0.0, over the bytes of the body; of keys that must sign.",
}
_ID = {"description": "Names this request in the log and the trail.", "schema": {"type": "string"}}
HEADERS: dict[str, dict[str, Any]] = {
    "Request-Id": _ID,
    "X-Request-Id": _ID,
    "RateLimit-Policy": {
        "description": "How many calls there may be in how many seconds.",
        "schema": {"type": "string", "examples": ['"key";q=60000;w=60']},
    },
    "RateLimit": {
        "description": "How many of them are left, and for how many seconds.",
        "schema": {"type": "string", "examples": ['"key";r=59999;t=42']},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
"""The headers of answers, as components that every answer refers to."""
_HEADERS = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS if name != "Retry-After"}
_RETRIED = (429, 503)
_RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}


REFUSED = "Refused"
"""What the names of components begin with that stand for the refusals which many calls have in common."""

Shape: TypeAlias = type[Schema] | Visible | str
Shapes: TypeAlias = Shape | tuple[Shape, ...] | None
"""What an answer is: a schema, one with who sees what of it, the media type of a file, nothing, or several of these."""


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
    may_be_signed: bool
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
    lists = visible_lists(said)
    if lists:
        operation["x-visible"] = lists
    parameters: list[dict[str, Any]] = []
    if said.query is not None:
        parameters.append({"in": "query", "schema": said.query})
    if said.is_idempotent:
        parameters.append(dict(_IDEMPOTENCY_KEY))
    if said.may_be_signed:
        parameters += [_SIGNED | {"name": name} for name in SIGNED_HEADERS]
    if parameters:
        operation["parameters"] = parameters
    if said.body is not None:
        operation["requestBody"] = _body(said)
    decorate: Callable[[Callable[..., Any]], Callable[..., Any]] = blueprint.doc(**operation)
    return decorate


def shapes_of(answer: Shapes) -> tuple[Shape, ...]:
    """All that an answer may be."""
    return answer if isinstance(answer, tuple) else () if answer is None else (answer,)


def visible_lists(said: Documented) -> dict[str, list[str]]:
    """By role, or way of seeing of one, the names that its keys see; empty where all see the same."""
    shapes = [shape for answer in said.answers.values() for shape in shapes_of(answer) if isinstance(shape, Visible)]
    every = {way: names for shape in shapes for way, names in shape.lists.items()}
    lists = {way: list(every[way]) for way in sorted(every) if ROLE_OF.get(way, way) in said.roles}
    return lists if len(set(map(frozenset, lists.values()))) > 1 else {}


def _answer(answer: Shapes) -> dict[str, Any]:
    if isinstance(answer, Visible):
        return _answer(answer.schema)
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
    """One response a status, naming the codes it comes with; what many calls have in common, by its component."""
    codes = [*_ANY_CALL, *said.refusals]
    codes += _WITH_BODY if said.body is not None else ()
    codes += ("signature_missing", "signature_expired", "signature_wrong") if said.may_be_signed else ()
    codes += ("not_found",) if said.has_path else ()
    codes += ("idempotency_key_reused",) if said.is_idempotent else ()
    common = _common_refusals()
    refused: dict[str, Any] = {}
    for status, listed in _by_status(codes).items():
        name = common.get((status, tuple(listed)))
        refused[str(status)] = _refusal(status, listed) if name is None else name
    return refused


def common_responses() -> dict[str, Any]:
    """The refusals that many calls have in common, by the names of their components."""
    problem = {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        name: _refusal(status, list(codes)) | {"content": problem}
        for (status, codes), name in _common_refusals().items()
    }


@cache
def _common_refusals() -> dict[tuple[int, tuple[str, ...]], str]:
    """The names of common refusals by status and codes: those of any call, those of calls with a body or a path."""
    named = {(status, tuple(codes)): f"{REFUSED}{status}" for status, codes in _by_status(_ANY_CALL).items()}
    for status, codes in _by_status((*_ANY_CALL, *_WITH_BODY)).items():
        named.setdefault((status, tuple(codes)), f"{REFUSED}{status}WithBody")
    return named | {(404, ("not_found",)): f"{REFUSED}404"}


def _by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    return dict(sorted(by_status.items()))


def _refusal(status: int, codes: list[str]) -> dict[str, Any]:
    described = "; ".join(f"`{code}`: {CODES[code].message}" for code in codes)
    headers = _HEADERS | _RETRY_AFTER if status in _RETRIED else _HEADERS
    return {"description": described, "headers": headers, "content": {_PROBLEM: {"schema": ProblemSchema}}}
