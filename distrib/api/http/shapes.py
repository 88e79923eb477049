"""From what was sent to what a schema loads: every problem at once, each with its pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from marshmallow import Schema, ValidationError
from werkzeug.datastructures import MultiDict

from distrib.api.http.json_body import pointer_to, readable
from distrib.api.http.words import say
from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text

MOST_ERRORS = 10_000
"""That are named in one answer: each is some hundred bytes, and who has more has one mistake many times."""


def load_body(schema: type[Schema] | None, value: Any) -> Any:
    """The body as the schema loads it; raises ``invalid`` with all that is wrong."""
    if schema is None:
        return value
    validated = problems_of(schema(), value)
    if isinstance(validated, list):
        raise Refusal("invalid", validated)
    return validated.value


class LoadedList:
    """Entries as they were sent, each beside what its schema makes of it."""

    __slots__ = ("loaded", "raws")

    def __init__(self, schema: Schema, raws: Sequence[Any]) -> None:
        """Load each on its own; of all together ``MOST_ERRORS`` problems are named, and of each at least one."""
        self.raws = raws
        self.loaded: list[list[Problem] | Validated] = []
        left = MOST_ERRORS
        for raw in raws:
            entry = problems_of(schema, raw, most=max(1, left))
            left -= len(entry) if isinstance(entry, list) else 0
            self.loaded.append(entry)

    def values(self) -> list[Any]:
        """What was loaded of the good ones, in their order."""
        return [entry.value for entry in self.loaded if isinstance(entry, Validated)]


class Validated:
    """A value that fits its schema."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def problems_of(schema: Schema, value: Any, below: str = "", most: int = MOST_ERRORS) -> list[Problem] | Validated:
    """All that is wrong with a value, the first ``most`` of it, or the value as loaded."""
    try:
        return Validated(schema.load(value))
    except ValidationError as error:
        return list(islice(_problems(error.messages, below), most))


def load_query(schema: type[Schema] | None, sent: MultiDict[str, str]) -> Mapping[str, Any]:
    """The query as its schema loads it; a parameter that is unknown or there twice is refused."""
    twice = [Problem("?" + readable(name), say("parameter_twice")) for name, all_of in sent.lists() if len(all_of) > 1]
    if schema is None:
        unknown = [Problem("?" + readable(name), say("unknown")) for name in sent]
        if unknown:
            raise Refusal("invalid", unknown)
        return {}
    try:
        loaded: Mapping[str, Any] = schema().load(sent.to_dict())
    except ValidationError as error:
        problems = [Problem("?" + problem.pointer[1:], problem.detail) for problem in _problems(error.messages, "")]
        raise Refusal("invalid", twice + problems) from None
    if twice:
        raise Refusal("invalid", twice)
    return loaded


def _problems(messages: Any, pointer: str) -> Iterator[Problem]:
    """marshmallow's tree of messages as a flat list; what is said of a whole object points at the object."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _problems(inner, pointer if key == "_schema" else pointer + pointer_to(_step(key)))
    elif isinstance(messages, list | tuple):
        for message in messages:
            yield from _problems(message, pointer)
    else:
        yield Problem(pointer, messages if isinstance(messages, Text) else str(messages))


def _step(key: object) -> object:
    return readable(key) if isinstance(key, str) else key
