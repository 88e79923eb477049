"""What refusals are: each has a stable code, an HTTP status and a text in both languages.

A refusal is a class in the room of its noun, derived from ``NamedRefusal``, which enters it into ``CODES``, so that the
API, the command line and the inbox say the same word for the same thing (``distrib.api.http.codes`` has it whole).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self, dataclass_transform

from distrib.domain.texts import Text, Wording

_BRACE = re.compile(r"{(\w+)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where (a JSON pointer or path) and what."""

    pointer: str
    detail: Wording


class CannotStart(Exception):
    """What keeps a command or a process from its work and is no mistake in an input: one message, in one line."""

    def __init__(self, text: Text) -> None:
        """Keep what is said."""
        self.text = text
        super().__init__(str(text))


@dataclass(frozen=True, slots=True)
class Code:
    """What a refusal code means: HTTP status, and the message that the catalogues know."""

    status: int
    message: str
    of_order: Text | None = None
    """The message where no line is named."""


CODES: dict[str, Code] = {
    "invalid": Code(422, "The input does not fit."),
}


def title_of(code: str) -> Text:
    """Puts a code into words: the same for every occurrence, as RFC 9457 asks of a title.

    >>> str(title_of("sponsor_unknown"))
    'Sponsor unknown'
    """
    return Text(code.replace("_", " ").capitalize(), "title")


class Refusal(Exception):
    """A business refusal, named by a code of ``CODES``; one that has a class is raised as that, not as this.

    Args:
        code: a key of ``CODES``.
        problems: every single thing that is wrong, where there are several.
        params: what fills the braces of the code's message.
    """

    code: str
    problems: Sequence[Problem]
    params: Mapping[str, object]

    def __init__(self, code: str, /, problems: Sequence[Problem] = (), **params: object) -> None:
        self.code = code
        self.problems = tuple(problems)
        self.params = params
        super().__init__(str(self.text))

    def __reduce__(self) -> tuple[object, tuple[object, ...], dict[str, object]]:
        """How a refusal goes to another process: as it is, and not made anew of its text, as other exceptions are."""
        return _unmade, (type(self), *self.args), self.__dict__

    def listing(self, problems: Sequence[Problem]) -> Self:
        """Lists these as what is wrong, in place of what is listed; returns the refusal."""
        self.problems = tuple(problems)
        return self

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return CODES[self.code].status

    @property
    def text(self) -> Text:
        """What happened."""
        code = CODES[self.code]
        if code.of_order is not None and "line" not in self.params:
            return Text(code.of_order.message, **self.params)
        return Text(code.message, **self.params)


def _unmade(kind: type[Refusal], *args: object) -> Refusal:
    """A refusal whose values follow."""
    return kind.__new__(kind, *args)


class Said(NamedTuple):
    """A message of a refusal in both languages, with the same named braces."""

    en: str
    zh: str


class _Alias(str):
    """The name by which a value is given, where the class has that name for something else."""

    __slots__ = ()


def called(*, alias: str) -> str:
    """Declares a value that is given as ``alias``, and fills the brace of that name."""
    return _Alias(alias)


@dataclass_transform(kw_only_default=True, field_specifiers=(called,))
class NamedRefusal(Refusal):
    """A refusal that has a class of its own, which says its code, its status, and what is said in both languages.

    What fills the braces is declared as fields are: each is a keyword that has to be given, unless it has a default,
    and one forgotten or misspelt is a type error. ``problems`` is one where the refusal lists what is wrong.

    >>> class ShelfFull(NamedRefusal, code="shelf_full", status=409):
    ...     said = Said("The shelf {shelf} is full.", "货架 {shelf} 已满。")
    ...     shelf: str
    >>> refusal = ShelfFull(shelf="A 3")
    >>> refusal.code, refusal.status, str(refusal), refusal.shelf
    ('shelf_full', 409, 'The shelf A 3 is full.', 'A 3')
    >>> del CODES["shelf_full"]
    """

    said: ClassVar[Said]
    of_order: ClassVar[Said | None] = None
    """What is said where no line is named."""
    _fields: ClassVar[Mapping[str, str]]
    """By the name by which a value is given the name of its field."""
    _required: ClassVar[frozenset[str]]

    def __init_subclass__(cls, *, code: str, status: int) -> None:
        """Registers the class in ``CODES``; a text that names what no field has is a mistake of the class."""
        if code in CODES:
            raise TypeError(f"{code} is the code of two refusals")
        defaults = {name: cls.__dict__[name] for name in cls.__annotations__ if name in cls.__dict__}
        aliases = {name: str(value) for name, value in defaults.items() if isinstance(value, _Alias)}
        cls.code = code
        cls._fields = {aliases.get(name, name): name for name in cls.__annotations__}
        cls._required = frozenset(cls._fields.keys() - (defaults.keys() - aliases.keys()))
        for said in (cls.said, cls.of_order or cls.said):
            braces = set(_BRACE.findall(said.en))
            if braces != set(_BRACE.findall(said.zh)) or not braces <= cls._fields.keys():
                raise TypeError(f"{cls.__name__}: the texts do not name the same fields")
        CODES[code] = Code(status, cls.said.en, None if cls.of_order is None else Text(cls.of_order.en))

    if TYPE_CHECKING:

        def __init__(self) -> None:
            """Of a class without fields; with fields it takes these, by name."""

    else:

        def __init__(self, **given: object) -> None:
            if not self._required <= given.keys() <= self._fields.keys():
                wrong = sorted((self._required - given.keys()) | (given.keys() - self._fields.keys()))
                raise TypeError(f"{type(self).__name__} takes {sorted(self._fields)}: {wrong}")
            self.__dict__ |= {self._fields[name]: value for name, value in given.items()}
            super().__init__(self.code, given.pop("problems", ()), **given)
