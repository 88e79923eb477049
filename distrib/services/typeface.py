"""The one typeface of pictures and papers (Noto Sans SC, in ``fonts/``), and texts in the characters that it has.

How the file was made: docs/sharing.md.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONT = "NotoSansSC"
FONT_FILE = Path(__file__).with_name("fonts") / "NotoSansSC-Regular.ttf"
STAND_IN = "〓"
"""What printers set for a character that they do not have."""
_HIGHEST_ON_PAPER = 0xFFFF  # ReportLab writes a broken table of characters for those beyond
_FIRST_PICTURE = 0x1F000
_TYPEFACE_LOCK = threading.RLock()
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me")
_PICTURES = ("So", "Sk")


def open_typeface() -> TTFont:
    """Registers the typeface with ReportLab as ``FONT``; the file is read once per process (0.03 s)."""
    with _TYPEFACE_LOCK:
        return _read()


class Paper(Canvas):
    """A document in the typeface. Finishing it reads the typeface, which knows one place it is at: one at a time."""

    def save(self) -> None:
        """Writes the document out, with the characters it uses."""
        with _TYPEFACE_LOCK:
            super().save()


def on_paper(text: str) -> str:
    """Prepares a text for a document: each character that the typeface lacks is shown by its stand-in.

    >>> on_paper("喆堃-7"), on_paper("店😀")
    ('喆堃-7', '店〓')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _is_on_paper(ord(letter)) else STAND_IN for letter in " ".join(text.splitlines()))


def on_picture(text: str) -> str:
    """Prepares a name to be drawn: no pictures, no marks that turn or hide text, stand-ins for what is missing.

    >>> on_picture("喆记 🌸 小店"), on_picture("Şen\u202ekaya"), on_picture("한글店")
    ('喆记 小店', 'Senkaya', '〓〓店')
    """
    return " ".join("".join(map(_drawn, unicodedata.normalize("NFC", text))).split())


@cache
def _read() -> TTFont:
    font = TTFont(FONT, str(FONT_FILE))
    pdfmetrics.registerFont(font)
    return font


def _is_on_paper(point: int) -> bool:
    return point <= _HIGHEST_ON_PAPER and point in _glyphs()


def _drawn(letter: str) -> str:
    kind = unicodedata.category(letter)
    if letter.isspace() or kind[0] == "Z":
        return " "
    if kind in _UNSEEN:
        return ""
    if ord(letter) in _glyphs():
        return letter
    if kind in _PICTURES or ord(letter) in range(_FIRST_PICTURE, 0x20000):
        return ""
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return plain if plain and all(ord(part) in _glyphs() for part in plain) else STAND_IN


def _glyphs() -> Mapping[int, int]:
    glyphs: Mapping[int, int] = open_typeface().face.charToGlyph
    return glyphs
