"""The body of a call, from its first byte to what its schema loads: whose it may be, how long, how much it may hold.

Nothing of a body is looked at before a key was found good, and nothing of it in a transaction. What a call does with it
may not enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from flask import request
from marshmallow import Schema

from distrib.api.http.json_body import MOST_VALUES, VALUE_MARKS, parse_document
from distrib.api.http.refusals import UnsupportedMediaType
from distrib.api.http.shapes import load_body
from distrib.api.http.words import say
from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import TooLarge
from distrib.server.asking import ADMISSION, WHOLE, Admission, ServerRefusal

JSON = "application/json"
NDJSON = "application/x-ndjson"
KIB = 1024
MIB = 1024 * KIB
DOCUMENT_BYTES = 64 * KIB
"""The body of a call that is about one thing."""
LIST_BYTES = 1 * MIB
"""A plan, or a list of ids and amounts."""
PICTURE_BYTES = 3 * MIB
"""A picture of 2 MiB in Base64."""
BATCH_BYTES = 16 * MIB
"""Up to a thousand of the same."""


class Reads(Protocol):
    """How an operation reads bytes; a function with ``load`` in place of a schema."""

    def __call__(self, sent: bytes, /) -> Any:
        """The body."""


@dataclass(frozen=True, slots=True)
class BodyShape:
    """What is fixed about the body of a call: the schema that loads it or else what reads it, and its bounds."""

    schema: type[Schema] | None
    reads: Reads | None
    takes_ndjson: bool
    is_needed: bool
    most_bytes: int

    def read(self, *, keeps_bytes: bool = False) -> tuple[Any, bytes]:
        """The body of this request as its schema loads it; calls without one take nothing or an empty object.

        Returns:
            The value, or the ``Refusal`` of it, which is the caller's to raise when it knows that nothing comes before;
            and the bytes where they are to be kept.
        """
        kept = b""
        try:
            sent = _sent(self.most_bytes)
            kept = sent if keeps_bytes else b""
            return self._load(sent), kept
        except Refusal as refusal:
            return refusal.with_traceback(None), kept  # the traceback holds all that was read

    def _load(self, sent: bytes) -> Any:
        if self.schema is None and self.reads is None:
            if sent and parse_document(sent) not in ({}, None):
                raise Refusal("invalid", [Problem("", say("no_body"))])
            return None
        if not sent and not self.is_needed:
            return load_body(self.schema, {})
        self._check_media_type()
        return load_body(self.schema, parse_document(sent)) if self.reads is None else self.reads(sent)

    def _check_media_type(self) -> None:
        welcome = (JSON, NDJSON) if self.takes_ndjson else (JSON,)
        charset = request.mimetype_params.get("charset", "utf-8").lower()
        if request.mimetype not in welcome or charset not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(expected=" / ".join(welcome))
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType(expected="Content-Encoding: identity")


def is_only_asked(shape: BodyShape) -> bool:
    """Whether the server asks if it may read the body of this request; if so, it is told.

    Raises:
        Refusal: ``too_large`` where the head names more than the call takes, asked or not.
    """
    if (request.content_length or 0) > shape.most_bytes:
        raise too_large(shape.most_bytes)
    admission = request.environ.get(ADMISSION)
    if not isinstance(admission, Admission):
        return False
    admission.most_bytes, admission.is_known = shape.most_bytes, True
    admission.counted, admission.most_counted, admission.refusal = VALUE_MARKS, MOST_VALUES, "too_many_values"
    return True


def is_form_asked(most_bytes: int) -> bool:
    """Whether the server asks if it may read the form of a page, and a form may be that long; if so, it is told."""
    admission = request.environ.get(ADMISSION)
    if not isinstance(admission, Admission) or (request.content_length or 0) > most_bytes:
        return False
    admission.most_bytes = most_bytes
    return True


def too_large(most_bytes: int) -> Refusal:
    """The refusal of a body that has more bytes.

    >>> str(too_large(64 * 1024).text)
    'The request is larger than 64 KiB.'
    """
    limit = f"{most_bytes // MIB} MiB" if most_bytes >= MIB else f"{most_bytes // KIB} KiB"
    return TooLarge(limit=limit)


def refusal_by_server(refusal: ServerRefusal) -> Refusal:
    """What the server refuses, in our words."""
    if refusal.code == "too_large":
        return too_large(refusal.most_bytes)
    return Refusal(refusal.code, most=MOST_VALUES)


def _sent(most_bytes: int) -> bytes:
    """The body, whole: werkzeug stops reading one that came in chunks at its limit, which lies one byte above ours."""
    if WHOLE in request.environ:
        with request.environ["wsgi.input"] as whole:
            sent: bytes = whole.getvalue()
    else:
        request.max_content_length = most_bytes + 1
        sent = request.get_data(cache=False)
    if len(sent) > most_bytes:
        raise too_large(most_bytes)
    return sent
