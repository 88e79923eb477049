"""Fields of a CSV file as the types of JSON. What cannot be read stays text, to be refused by name."""

from __future__ import annotations

import re

_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_WHOLE_OF_DECIMALS = re.compile(r"(-?[0-9]{1,19})\.0+", re.ASCII)
_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?) ?([+-]\d{2}):?(\d{2})", re.ASCII)
_FLAGS = {"true": True, "false": False}


def read_minor(text: str) -> int | str:
    """Reads an amount in minor units. ``20.0`` stays text: a file of major units has such amounts beside ``19.9``.

    >>> read_minor("1000"), read_minor("1000.0")
    (1000, '1000.0')
    """
    return int(text) if _WHOLE.fullmatch(text) else text


def read_count(text: str) -> int | str:
    """Reads a quantity; a table of floats writes 2 as ``2.0``.

    >>> read_count("2"), read_count("2.0"), read_count("2.5")
    (2, 2, '2.5')
    """
    decimals = _WHOLE_OF_DECIMALS.fullmatch(text)
    return int(decimals[1]) if decimals else read_minor(text)


def read_flag(text: str) -> bool | str:
    """Reads true or false in any case; a spreadsheet writes ``TRUE``.

    >>> read_flag("TRUE"), read_flag("false"), read_flag("yes")
    (True, False, 'yes')
    """
    return _FLAGS.get(text.lower(), text)


def read_time(text: str) -> str:
    """Writes a time with its offset as RFC 3339 has it, where a space or no colon stands before or in the offset.

    >>> read_time("2026-01-01 00:00:00 -0300"), read_time("2026-01-01T00:00:00Z"), read_time("2026-01-01")
    ('2026-01-01T00:00:00-03:00', '2026-01-01T00:00:00Z', '2026-01-01')
    """
    parts = _INSTANT.fullmatch(text)
    return f"{parts[1]}T{parts[2]}{parts[3]}:{parts[4]}" if parts else text
