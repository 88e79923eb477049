"""Reading a document that people wrote: every problem is collected, none is raised.

A plan or a policy pack is checked against what the language lists; what is not listed is refused by name. What stands
in a document is shown cut and escaped: it may be as large, deep or strange as its writer likes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice

from distrib.domain.currencies import is_currency
from distrib.domain.errors import Problem
from distrib.domain.identifiers import ID_RULE, MAX_TEXT, is_identifier, is_storable_text
from distrib.domain.money import RatioInvalid, parse_ratio
from distrib.domain.texts import Text

MAX_PROBLEMS = 500
MAX_SHOWN = 60
"""Characters of a key or a value that are shown."""
MAX_LISTED = 12

NAME = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)


class Report:
    """Collects the problems of one document; each reader answers None for what is unusable."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def say(self, path: str, detail: Text) -> None:
        """Notes one problem; past ``MAX_PROBLEMS`` there is nothing new to learn."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(path, detail))

    def refuse(self, path: str, value: object, right: Text) -> None:
        """Notes what would be right, and what stands in its place."""
        self.say(path, Text("{right}, not {value}", right=right, value=shown(value)))

    def mapping(
        self, path: str, value: object, known: Collection[str], required: Collection[str] = ()
    ) -> dict[str, object] | None:
        """Reads the keys that are given; an absent key and null are the same thing."""
        if not isinstance(value, Mapping):
            self.refuse(path, value, Text("must be a mapping of keys"))
            return None
        given: dict[str, object] = {}
        for key, item in value.items():
            if isinstance(key, str) and key in known:
                if item is not None:
                    given[key] = item
            else:
                self._say_unknown(path, key, known)
        for key in required:
            self.required(path, given, key)
        return given

    def _say_unknown(self, path: str, key: object, known: Collection[str]) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            return
        near = get_close_matches(key, known) if isinstance(key, str) and len(key) <= MAX_SHOWN else []
        if near:
            detail = Text("unknown key; did you mean {near}? known are {known}", near=near[0], known=", ".join(known))
        else:
            detail = Text("unknown key; known are {known}", known=", ".join(known))
        self.say(below(path, key), detail)

    def listing(self, path: str, value: object, at_most: int, at_least: int = 1) -> Sequence[object]:
        """Reads a list of ``at_least`` to ``at_most`` entries; empty where it is not one."""
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes, bytearray)):
            self.refuse(path, value, Text("must be a list"))
            return ()
        if not at_least <= len(value) <= at_most:
            self.refuse(
                path, len(value), Text("must have {at_least} to {at_most} entries", at_least=at_least, at_most=at_most)
            )
            return ()
        return value

    def required(self, path: str, given: Mapping[str, object], key: str) -> object | None:
        """Reads the value of a key that must be there."""
        if key not in given:
            self.say(below(path, key), Text("is required"))
        return given.get(key)

    def name(self, path: str, value: object) -> str | None:
        """Reads a short name of small letters, digits and hyphens."""
        if isinstance(value, str) and NAME.fullmatch(value):
            return value
        self.refuse(path, value, Text("must be 1 to 40 small letters, digits or hyphens"))
        return None

    def text(self, path: str, value: object, at_most: int = MAX_TEXT) -> str | None:
        """Reads text of 1 to ``at_most`` characters that the database can hold."""
        if not isinstance(value, str):
            self.refuse(path, value, Text("must be text"))
        elif not value.strip() or not is_storable_text(value, at_most):
            self.refuse(path, value, Text("must be 1 to {at_most} characters, no NUL", at_most=at_most))
        else:
            return value
        return None

    def sku(self, path: str, value: object) -> str | None:
        """Reads text that a line can have as its sku."""
        if is_identifier(value) and isinstance(value, str):
            return value
        self.refuse(path, value, Text("must be text that a sku can be ({rule})", rule=ID_RULE))
        return None

    def whole(self, path: str, value: object, least: int, most: int) -> int | None:
        """Reads a whole number within bounds; true and 1.0 are none."""
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.refuse(path, value, Text("must be a whole number from {least} to {most}", least=least, most=most))
        return None

    def ratio(self, path: str, value: object) -> int | None:
        """Reads a decimal string from 0 to 1 into parts per million."""
        try:
            return parse_ratio(value)
        except RatioInvalid as error:
            self.refuse(path, value, error.right)
            return None

    def choice(self, path: str, value: object, known: Sequence[str]) -> str | None:
        """Reads a word of a few."""
        if isinstance(value, str) and value in known:
            return value
        words = ", ".join(known)
        self.refuse(path, value, Text("must be one of {choices}", "document", choices=words))
        return None

    def truth(self, path: str, value: object) -> bool | None:
        """Reads true or false, and no number or word for it."""
        if isinstance(value, bool):
            return value
        self.refuse(path, value, Text("must be true or false"))
        return None

    def currency(self, path: str, value: object) -> str | None:
        """Reads an ISO 4217 code."""
        if isinstance(value, str) and is_currency(value):
            return value
        self.refuse(path, value, Text("must be an ISO 4217 currency such as CNY"))
        return None

    def each(
        self, path: str, value: object, at_most: int, check: Callable[[str, object], object], at_least: int = 1
    ) -> None:
        """Checks every entry of a list under its own path."""
        for index, entry in enumerate(self.listing(path, value, at_most, at_least)):
            check(f"{path}[{index}]", entry)


def below(path: str, key: object) -> str:
    """Builds the path of a key inside ``path``; a strange key is shown cut and escaped."""
    text = _cut(key) if isinstance(key, str) else f"<{kind(key)}>"
    return f"{path}.{text}" if path else text


def shown(value: object) -> str:
    """Shows a value in a few characters that read the same in every language.

    >>> [shown(value) for value in ("0.5", 7, 0.5, True, None, [1, 2], {}, 10**30)]
    ['"0.5"', '7', '0.5', 'true', 'null', '[…]', '{}', 'about 10^30']
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{_cut(value)}"'
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else f"about 10^{value.bit_length() * 30_103 // 100_000}"
    if isinstance(value, (float, Decimal)):
        return _cut(str(value))
    if isinstance(value, (list, tuple)):
        return "[…]" if value else "[]"
    if isinstance(value, Mapping):
        return "{…}" if value else "{}"
    return f"<{kind(value)}>"


def first_of(names: Iterable[object]) -> str:
    """Lists the first few names, to choose from.

    >>> first_of(["a", "b"])
    'a, b'
    """
    first = [_cut(str(name)) for name in islice(names, MAX_LISTED + 1)]
    return ", ".join(first[:MAX_LISTED]) + (", …" if len(first) > MAX_LISTED else "")


def _cut(text: str) -> str:
    cut = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
    return cut if cut.isprintable() else ascii(cut)[1:-1]


def kind(value: object) -> str:
    """Names a value's type as a reader would."""
    names = {bool: "true/false", int: "a number", float: "a float", str: "text", list: "a list", dict: "a mapping"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)
