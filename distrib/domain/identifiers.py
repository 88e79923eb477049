"""What may be an id of the caller's, a short text, an instant and a day.

The rules are those of the contract: ids are the caller's own, compared exactly, case kept.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from distrib.domain.texts import Text

ID_RULE = Text("1-64 characters, no control characters, no '/', no space at the ends, not '.' or '..'")
"""What ``is_identifier`` asks for."""
MAX_TEXT = 255
MAX_ID = 64
ID_NEVER = (".", "..")
_NOT_IN_IDS = r"\x00-\x1f\x7f-\x9f/"
ID_CHARACTERS = f"[^{_NOT_IN_IDS}]"
"""What an id is made of, as a regular expression; lone surrogates, which no JSON text has, are refused besides."""
ID_PATTERN = rf"(?!\.{{1,2}}\Z)(?!\s)[^{_NOT_IN_IDS}\ud800-\udfff]{{1,{MAX_ID}}}(?<!\s)"
"""The whole rule as a regular expression of Python's, for what has to match an id inside a longer text."""
_ID = re.compile(ID_PATTERN)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def is_identifier(value: object) -> bool:
    """Whether ``value`` may be an id of the caller's.

    >>> [is_identifier(v) for v in ("shop-7", "店 7", "..", "a/b", " a", 7)]
    [True, True, False, False, False, False]
    """
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_storable_text(value: object, limit: int = MAX_TEXT) -> bool:
    r"""Whether ``value`` is a text the database can hold: no NUL, no lone surrogate, not longer than ``limit``.

    >>> is_storable_text("晴天"), is_storable_text("a\x00"), is_storable_text("x" * 256)
    (True, False, False)
    """
    return isinstance(value, str) and len(value) <= limit and _UNSTORABLE.search(value) is None


def parse_instant(text: str) -> datetime:
    """Parses an RFC 3339 time with its offset into UTC; digits beyond microseconds are cut.

    Raises:
        ValueError: not of that form, or not on the calendar.

    >>> parse_instant("2026-03-09T10:00:00+08:00").isoformat()
    '2026-03-09T02:00:00+00:00'
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 time with an offset")
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or ''}{match[4].upper()}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the calendar") from error


def parse_day(text: str) -> date:
    """Parses a day such as ``2026-03-09``.

    Raises:
        ValueError: not of that form, or not on the calendar.

    >>> parse_day("2026-03-09")
    datetime.date(2026, 3, 9)
    """
    if _DAY.fullmatch(text) is None:
        raise ValueError("not a day such as 2026-03-09")
    return date.fromisoformat(text)
