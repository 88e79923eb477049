"""Every error as ``application/problem+json`` (RFC 9457), in the caller's language. What leads to one may not enter."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import psycopg
import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException

from distrib.api.http.json_body import readable
from distrib.api.http.refusals import (
    MethodNotAllowed,
    NotAcceptable,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)
from distrib.api.http.words import word
from distrib.domain.errors import Problem, Refusal, title_of
from distrib.domain.refusals import BadRequest, Forbidden, Internal, NotFound, TooLarge, Unauthorized
from distrib.languages import render
from distrib.languages.web import current_language
from distrib.transactions import is_passing, sqlstate_of

MEDIA_TYPE = "application/problem+json"
MOST_PROBLEMS = 1_000
EXTENSION = "distrib-problems"
RETRY_SECONDS = 1
_OF_STATUS: Mapping[int, Callable[[], Refusal]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    413: partial(TooLarge, limit="16 MiB"),
    415: partial(UnsupportedMediaType, expected="application/json"),
    429: partial(TooManyRequests, seconds=RETRY_SECONDS),
    503: Unavailable,
}
"""What is said of a status that the framework answers by itself."""
_log = structlog.get_logger("distrib.api")


def respond(refusal: Refusal) -> Response:
    """Builds the response for a refusal: status, text and headers come from the table of codes.

    Where people read pages, it is a page.
    """
    show = current_app.extensions.get(EXTENSION)
    shown = show(refusal) if show is not None else None
    if shown is not None:
        page: Response = shown
        return page
    language = current_language()
    response = Response(json.dumps(problem_document(refusal, language), ensure_ascii=False), refusal.status)
    response.content_type = MEDIA_TYPE
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="distrib"'
    if refusal.status in (429, 503):
        response.headers["Retry-After"] = str(refusal.params.get("seconds", RETRY_SECONDS))
    return response


def detail_of(refusal: Refusal, language: str) -> str:
    """Renders what happened, with what fills its braces in the same language."""
    return readable(render(refusal.text, language))


def problem_document(refusal: Refusal, language: str) -> dict[str, Any]:
    """Builds what is answered of a refusal, as RFC 9457 names its fields."""
    document: dict[str, Any] = {
        "type": f"/docs/errors#{refusal.code}",
        "title": render(title_of(refusal.code), language),
        "status": refusal.status,
        "detail": detail_of(refusal, language),
        "code": refusal.code,
    }
    if "request_id" in g:
        document["request_id"] = g.request_id
        document["instance"] = f"urn:uuid:{g.request_id}" if g.request_id_is_ours else g.request_id
    if refusal.problems:
        document["errors"] = [_entry(entry, language) for entry in refusal.problems[:MOST_PROBLEMS]]
    return document


def entries_of(problems: Sequence[Problem]) -> list[dict[str, str]]:
    """Renders each thing that is wrong as an entry of ``errors`` in the caller's language."""
    return [_entry(entry, current_language()) for entry in problems]


def _entry(wrong: Problem, language: str) -> dict[str, str]:
    return {"pointer": readable(wrong.pointer), "detail": readable(word(wrong.detail, language))}


def answer_with_problems(app: Flask, show: Callable[[Refusal], Response | None] | None = None) -> None:
    """Makes ``app`` answer each refusal and each failure as a problem document.

    Args:
        show: builds a page of it where the request is one of people; None where it is not.
    """
    app.extensions[EXTENSION] = show
    app.register_error_handler(Refusal, respond)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(DBAPIError, _on_database_error)
    app.register_error_handler(psycopg.Error, _on_database_error)
    app.register_error_handler(PoolExhausted, _on_database_error)
    app.register_error_handler(Exception, _on_failure)


def _on_http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    response = respond(_OF_STATUS.get(status, Internal if status >= 500 else BadRequest)())
    if status == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    return response


def _on_database_error(error: DBAPIError | psycopg.Error | PoolExhausted) -> Response:
    """Answers 503 where the database is away, full or too slow, else a mistake of ours; its words stay in the log."""
    if not isinstance(error, PoolExhausted) and not is_passing(error):
        return _on_failure(error)
    _log.warning("database_unavailable", error=type(error).__name__, sqlstate=sqlstate_of(error))
    return respond(Unavailable())


def _on_failure(error: Exception) -> Response:
    """Answers what nobody foresaw: a traceback for us, a code for the caller."""
    _log.error("failed", path=request.path, exc_info=error)
    return respond(Internal())
