"""How an answer leaves: JSON with times in UTC, or chunks as they come. What they hold comes from the resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Response
from sqlalchemy import Connection

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What a call with many entries did to one shop: what was sent of it, and the state before and after."""

    shop_id: str
    sent: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers.

    Args:
        view: what becomes the JSON body; None for an answer without one.
        after_commit: what is sent to the outside once the transaction is on disk; never part of it.
        entries: of a call with many entries, those that changed something: each has a row of its own in the trail.
        seen_as: by which list of ``schemas.visible`` it is seen, where the role of the caller alone does not say it.
    """

    view: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after_commit: Callable[[], object] | None = None
    entries: Sequence[EntryChange] = ()
    seen_as: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A body produced chunk by chunk, on a connection of its own."""

    produce: Callable[[Connection], Iterator[bytes]]
    media_type: str
    filename: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A small file that is made once the transaction has ended: what takes a while to draw holds no connection.

    ``tag`` stands for all that it shows; a caller that has a file of this tag already gets a 304 in its place.
    """

    draw: Callable[[], bytes]
    media_type: str
    tag: str


_encoder = msgspec.json.Encoder(enc_hook=str)


def to_json(view: Any) -> bytes:
    """The view as JSON; times come out in UTC.

    >>> to_json({"at": instant(datetime.fromisoformat("2026-03-01T10:00:00+08:00"))})
    b'{"at":"2026-03-01T02:00:00Z"}'
    """
    return _encoder.encode(view)


def shown(view: object) -> Any:
    """A service's view as it is answered: of what has fields, and of all that is in them, a value by each name.

    >>> shown([Stream(list, JSON, "f")])[0]["filename"]
    'f'
    """
    if is_dataclass(view):
        return {known.name: shown(getattr(view, known.name)) for known in fields(view)}
    if isinstance(view, list) or type(view) is tuple:
        return [shown(value) for value in view]
    return {name: shown(value) for name, value in view.items()} if isinstance(view, dict) else view


def instant(time: datetime | None) -> datetime | None:
    """The same instant in UTC; None for None."""
    return None if time is None else time.astimezone(UTC)


def json_response(body: bytes | str, status: int, headers: Mapping[str, str]) -> Response:
    """A JSON response; views are written once, by ``to_json``."""
    return Response(body, status, headers=dict(headers), content_type=JSON)
