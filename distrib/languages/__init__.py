"""Renders texts in the reader's language, from the catalogues beside this module.

The catalogues are gettext's: ``messages.po`` is written by people, ``messages.mo`` is compiled from it. Who reads, and
in which language, is decided by the caller.
"""

from __future__ import annotations

from functools import lru_cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Final

from distrib.domain.texts import Text, Wording, fill

ENGLISH: Final = "en"
CHINESE: Final = "zh"
LANGUAGES: Final = (ENGLISH, CHINESE)
DIRECTORY: Final = Path(__file__).parent
"""Where the catalogues stand, one directory a language."""


def render(text: Wording, language: str) -> str:
    """Renders a text in that language, its braces filled; a plain text as it is.

    >>> render(Text("is required"), "zh"), render(Text("is required"), "en"), render("shop-7", "zh")
    ('必填', 'is required', 'shop-7')
    """
    return (
        text if isinstance(text, str) else fill(_template(text, language), text.params, lambda t: render(t, language))
    )


def render_both(text: Wording, between: str = " / ") -> str:
    """Renders the English and then the Chinese text; one that reads the same in both stands once.

    >>> render_both(Text("is required"))
    'is required / 必填'
    """
    return between.join(dict.fromkeys(render(text, language) for language in LANGUAGES))


def render_found(text: str, context: str, language: str) -> str:
    """Renders a text that data holds: as the catalogues know it in that context, or as it stands; no braces are filled.

    >>> render_found("our own", "source", "zh"), render_found("Art. {7}", "source", "zh")
    ('自定', 'Art. {7}')
    """
    return _template(Text(text, context), language)


def _template(text: Text, language: str) -> str:
    if not text.message:  # which the catalogues keep for their own header
        return ""
    catalogue = _catalogue(language if language in LANGUAGES else ENGLISH)
    return catalogue.pgettext(text.context, text.message) if text.context else catalogue.gettext(text.message)


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: str) -> GNUTranslations:
    with (DIRECTORY / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        return GNUTranslations(file)
