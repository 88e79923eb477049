"""A text for people as a value: an English message with named braces, and what stands in them.

The message is the key of the catalogues (``distrib.languages``); which language a reader sees is decided at the edge,
where a text is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias


class Text:
    """A message of the catalogues and the values of its braces.

    Args:
        message: English, with named braces: ``must be from {least} to {most}``.
        context: tells apart messages that read the same in English and not in other languages.
        params: values by name; a value may be a text itself, or a list of values.

    >>> str(Text("must be from {least} to {most}", least=1, most=3))
    'must be from 1 to 3'
    >>> str(Text("{right}, not {value}", right=Text("must be a list"), value=7))
    'must be a list, not 7'
    """

    __slots__ = ("context", "message", "params")

    def __init__(self, message: str, context: str = "", /, **params: object) -> None:
        self.message = message
        self.context = context
        self.params: Mapping[str, object] = params

    def __str__(self) -> str:
        """The text in English."""
        return fill(self.message, self.params, str)

    def __repr__(self) -> str:
        """The text as Python writes it."""
        parts = [repr(self.message), *([repr(self.context)] if self.context else [])]
        return f"Text({', '.join(parts + [f'{name}={value!r}' for name, value in self.params.items()])})"

    def __eq__(self, other: object) -> bool:
        """Texts are equal that say the same with the same values."""
        if not isinstance(other, Text):
            return NotImplemented
        return (self.message, self.context, self.params) == (other.message, other.context, other.params)

    def __hash__(self) -> int:
        """Of the message alone: values need not be hashable."""
        return hash((self.message, self.context))

    def with_params(self, **params: object) -> Text:
        """Builds the same message with these values.

        >>> str(Text("line {number}").with_params(number=3))
        'line 3'
        """
        return Text(self.message, self.context, **params)


Wording: TypeAlias = Text | str
"""A text of the catalogues, or a plain one that reads the same in every language."""


def fill(template: str, params: Mapping[str, object], render: Callable[[Text], str]) -> str:
    """Fills the braces of a template; one without a value stays, so that no message is lost to it.

    >>> fill("{some} of {all}", {"some": ["a", "b"]}, str)
    'a, b of {all}'
    """
    return template.format_map(_Values({name: _shown(value, render) for name, value in params.items()}))


def _shown(value: object, render: Callable[[Text], str]) -> object:
    if isinstance(value, Text):
        return render(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_shown(part, render)) for part in value)
    return value


class _Values(dict[str, object]):
    def __missing__(self, name: str) -> _Unfilled:
        return _Unfilled(name)


class _Unfilled(str):
    """A brace that has no value."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return "{" + self + (f":{spec}" if spec else "") + "}"
