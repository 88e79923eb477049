"""Who reads a file: somebody of one language, or of both. A file in both sets each text apart, Chinese first.

What a file says, and where it stands, is its writer's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from distrib.domain.texts import Wording
from distrib.languages import CHINESE, ENGLISH, render

BOTH: Final = "both"
READERS: Final = (CHINESE, ENGLISH, BOTH)
"""In which languages a file can be had."""


class Readership(NamedTuple):
    """The languages of a file, the first one first."""

    languages: tuple[str, ...]

    def lines(self, text: Wording) -> list[str]:
        """Renders a text once for each language, one that reads the same in both once.

        >>> from distrib.domain.texts import Text
        >>> reader_of("both").lines(Text("is required")), reader_of("en").lines(Text("is required"))
        (['必填', 'is required'], ['is required'])
        """
        return list(dict.fromkeys(render(text, language) for language in self.languages))

    def line(self, text: Wording, between: str = " / ") -> str:
        """Renders a text on one line, the languages parted.

        >>> from distrib.domain.texts import Text
        >>> reader_of("both").line(Text("is required"))
        '必填 / is required'
        """
        return between.join(self.lines(text))


def reader_of(choice: str) -> Readership:
    """Builds the reader of ``zh``, ``en`` or ``both``."""
    return Readership((CHINESE, ENGLISH) if choice == BOTH else (choice,))
