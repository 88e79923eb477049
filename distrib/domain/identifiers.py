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
CONTROLS_IN_JSON = r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Control characters that JSON may hold as they are, those that turn the direction of text (Bidi_Control of Unicode),
and line separators."""
CONTROLS = rf"\x00-\x1f{CONTROLS_IN_JSON}"
"""What no name and no id may hold: it would read as something else, or move what stands beside it. Joiners of no width
are letters of Persian and Hindi and parts of emoji: they may stand."""
_NOT_IN_IDS = f"{CONTROLS}/"
ID_CHARACTERS = f"[^{_NOT_IN_IDS}]"
"""What an id is made of, as a regular expression; lone surrogates, which no JSON text has, are refused besides."""
ID_PATTERN = rf"(?!\.{{1,2}}\Z)(?!\s)[^{_NOT_IN_IDS}\ud800-\udfff]{{1,{MAX_ID}}}(?<!\s)"
"""The whole rule as a regular expression of Python's, for what has to match an id inside a longer text."""
_ID = re.compile(ID_PATTERN)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_NOT_IN_TEXTS = re.compile(rf"[{CONTROLS}\ud800-\udfff]")
_LINE_ENDS = str.maketrans("", "", "\t\n\r")
_SHOWN = {code: f"\\x{code:02x}" for code in (*range(32), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
_SHOWN |= {code: f"\\u{code:04x}" for code in (0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))}
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


def is_text(text: str, *, has_lines: bool = False) -> bool:
    r"""Whether a text of the caller's can be kept and shown: no control character, no lone surrogate.

    Args:
        has_lines: whether it may have several lines, and tabs in them.

    >>> [is_text(value) for value in ("晴天 ☀\ufe0f", "a\x1b[2J", "a\u202eb", "a\nb")], is_text("a\nb", has_lines=True)
    ([True, False, False, False], True)
    """
    if text.isprintable():
        return True
    return _NOT_IN_TEXTS.search(text.translate(_LINE_ENDS) if has_lines else text) is None


def visible(text: str) -> str:
    r"""Writes out what would move a terminal's cursor, change its colours or turn its text; lines and tabs stay.

    >>> visible("Mei\x1b[2J\u202e"), visible("晴天")
    ('Mei\\x1b[2J\\u202e', '晴天')
    """
    return text if text.isprintable() else text.translate(_SHOWN)


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
