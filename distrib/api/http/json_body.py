"""The front door for every JSON body: one strict parser. What the values mean is for the schemas.

JSON has corners in which two readers see two things (duplicate keys, NaN, half characters, another encoding).
Each of them is refused here by name, so that nothing behind this door has to think of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

from distrib.api.http.refusals import NotJson, TooManyValues
from distrib.api.http.words import CallerText, say
from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import TooLarge

MOST_LEVELS = 64
MOST_VALUES = 250_000
"""Of a body, counted before any of it is built: commas and brackets, those in texts too. A thousand orders of forty
lines each stay below."""
VALUE_MARKS = b",[{"
"""A value has one of them before it."""
MOST_FRACTIONS = 10_000
MOST_MEMBERS = 5_000
"""Of one object; the largest the API knows is a list of amounts by shop."""
MOST_TEXT_BYTES = 32 * 1024 * 1024
"""That a body may take as text: of its widest character, each has the width."""
MOST_DIGITS = 64  # of a fractional number; the API knows none, so a longer one is not worth keeping
_WIDEST = 4
_LEAD_OF_FOUR = bytes(range(0xF0, 0xF8))
"""The first bytes of the characters that UTF-8 writes as four."""
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _Refused(ValueError):
    """A form of JSON that is not accepted, and the reason."""

    def __init__(self, reason: CallerText) -> None:
        self.reason = reason
        super().__init__(str(reason))


def parse_json(body: bytes) -> Any:
    """Parses a body into the value it holds; fractions come as ``Decimal``, never as a binary float.

    Raises:
        Refusal: ``not_json``, with the reason and, where there is one, the place; ``too_many_values``.
    """
    refuse_many_values(body)
    _refuse_wide_text(body)
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_Fractions().read,
            object_pairs_hook=_without_twins,
        )
    except UnicodeDecodeError as error:
        raise NotJson(reason=say("json_utf8", place=error.start)) from None
    except json.JSONDecodeError as error:
        raise NotJson(reason=_syntax(error)) from None
    except RecursionError:
        raise NotJson(reason=say("depth", high=MOST_LEVELS)) from None
    except ValueError as error:  # ours, or an integer of thousands of digits
        reason = error.reason if isinstance(error, _Refused) else say("json_number")
        raise NotJson(reason=reason) from None
    if _nests_too_deep(value):
        raise NotJson(reason=say("depth", high=MOST_LEVELS))
    return value


def refuse_many_values(body: bytes, most: int = MOST_VALUES) -> None:
    """Nothing where a body cannot hold more than so many values; nothing is built to find out.

    A value has a comma before it, or is the first in what a bracket opens.

    Raises:
        Refusal: ``too_many_values``.
    """
    if len(body) > most and sum(map(body.count, VALUE_MARKS)) > most:
        raise TooManyValues(most=most)


def parse_document(body: bytes) -> Any:
    """Parses a body as ``parse_json`` does and refuses texts with half characters, each by its pointer."""
    value = parse_json(body)
    if _ESCAPED_SURROGATE.search(body):
        problems = [Problem(pointer, say("surrogate")) for pointer in _half_characters(value, "")]
        if problems:
            raise Refusal("invalid", problems)
    return value


def pointer_to(*steps: object) -> str:
    """Builds a JSON pointer (RFC 6901) of these steps.

    >>> pointer_to("lines", 0, "a/b")
    '/lines/0/a~1b'
    """
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def readable(text: str) -> str:
    r"""Writes out half characters, so that the text can be sent.

    >>> readable("a\ud800")
    'a\\ud800'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _refuse_wide_text(body: bytes) -> None:
    """Nothing where the text of a body has its bounds: a long one with an emoji has four bytes for each character."""
    if len(body) * _WIDEST > MOST_TEXT_BYTES and len(body) != len(body.translate(None, _LEAD_OF_FOUR)):
        raise TooLarge(limit=f"{MOST_TEXT_BYTES // _WIDEST // 1024**2} MiB")


def _syntax(error: json.JSONDecodeError) -> CallerText:
    if error.doc.startswith("\ufeff"):
        return say("json_bom")
    return say("json_syntax", what=error.msg.removesuffix(" at"), place=error.pos)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_MEMBERS:
        raise _Refused(say("members", high=MOST_MEMBERS))
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                raise _Refused(say("json_twice", name=repr(readable(key[:64]))))
            seen.add(key)
    return mapping


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(say("json_constant", name=name))


class _Fractions:
    """The fractional numbers of one body: no schema takes any, and they are large."""

    def __init__(self) -> None:
        self._number = 0

    def read(self, digits: str) -> Decimal:
        """One of them."""
        self._number += 1
        if len(digits) > MOST_DIGITS:
            raise _Refused(say("json_number"))
        if self._number > MOST_FRACTIONS:
            raise _Refused(say("fractions", high=MOST_FRACTIONS))
        return Decimal(digits)


def _nests_too_deep(value: Any) -> bool:
    """Checks the depth of a value level by level, so that the check itself needs no depth."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def _half_characters(value: Any, pointer: str) -> Iterator[str]:
    """Finds the pointers of texts (keys too) that hold a lone surrogate; the depth is bounded by now."""
    if isinstance(value, str):
        if not _is_whole(value):
            yield pointer
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _half_characters(inner, pointer + pointer_to(index))
    elif isinstance(value, dict):
        for key, inner in value.items():
            below = pointer + pointer_to(readable(key))
            if not _is_whole(key):
                yield below
            yield from _half_characters(inner, below)


def _is_whole(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
