"""The one typeface of pictures and papers (Noto Sans SC, in ``fonts/``), and texts in the characters that it has.

How the file was made: docs/sharing.md.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
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
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
"""Chinese letters and full-width signs, between which a line may end."""
_NEVER_FIRST = "，。、；：！？）】》〉」』〕％…”’,.;:!?)]}%"
_NEVER_LAST = "（【《〈「『〔“‘([{"
"""What begins and what ends no line (GB/T 15834-2011, 5.1): it stays with the letter beside it."""
_OPENING, _MARKS = re.escape(_NEVER_LAST), re.escape(_NEVER_FIRST)
_WORD = rf"[^\s{_WIDE}]*[^\s{_WIDE}{_OPENING}]"
_ATOM = re.compile(rf"(?:[{_OPENING}]\s?)*(?:[{_WIDE}]|{_WORD})(?:\s?[{_MARKS}])*|[{_OPENING}{_MARKS}]+|\s+")


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


def text_width(text: str, size: float) -> float:
    """How wide a prepared text is in the typeface of that size, in points."""
    return float(pdfmetrics.stringWidth(text, FONT, size))


def break_lines(text: str, width: float, size: float) -> list[str]:
    """Breaks a prepared text into lines no wider than ``width`` points.

    Between words and between Chinese letters; inside a word only where it alone is wider than a line. No line begins
    with a mark such as ``，`` or ``。``, and none ends with an opening bracket.

    >>> _ = open_typeface()
    >>> break_lines("已付款，未结算。", 24.0, 8.0), break_lines("比例 Rate", 24.0, 8.0)
    (['已付', '款，未', '结算。'], ['比例', 'Rate'])
    """
    if text_width(text, size) <= width:
        return [text]
    lines, line = [], ""
    for atom in _atoms(text, width, size):
        if text_width((line + atom).rstrip(), size) <= width:
            line += atom if line or not atom.isspace() else ""
        else:
            lines.append(line.rstrip())
            line = "" if atom.isspace() else atom
    return [*lines, line.rstrip()] if line or not lines else lines


def word_width(text: str, size: float) -> float:
    """How wide the widest part of a prepared text is that stays whole, in points: 0 of an empty one."""
    return max((text_width(atom, size) for atom in _ATOM.findall(text)), default=0.0)


def share_width(total: float, least: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Shares a width among columns by weight, none below its least; where all of them need more, by their least.

    >>> share_width(100.0, [50.0, 10.0, 10.0], [1, 1, 3])
    [50.0, 12.5, 37.5]
    """
    if sum(least) >= total:
        return [total * part / sum(least) for part in least]
    fixed: set[int] = set()
    while True:
        left = total - sum(least[column] for column in fixed)
        parts = sum(weight for column, weight in enumerate(weights) if column not in fixed)
        widths = [least[column] if column in fixed else left * weight / parts for column, weight in enumerate(weights)]
        narrow = {column for column, width in enumerate(widths) if width < least[column]} - fixed
        if not narrow:
            return widths
        fixed |= narrow


def _atoms(text: str, width: float, size: float) -> Iterator[str]:
    """Yields what a line takes as a whole; of a word too wide for any line, as many letters as fit at a time."""
    for atom in _ATOM.findall(text):
        rest = atom
        while text_width(rest.rstrip(), size) > width and len(rest) > 1:
            taken = max((n for n in range(1, len(rest)) if text_width(rest[:n], size) <= width), default=1)
            while taken > 1 and (rest[taken].isspace() or rest[taken] in _NEVER_FIRST):
                taken -= 1
            yield rest[:taken]
            rest = rest[taken:]
        yield rest


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
