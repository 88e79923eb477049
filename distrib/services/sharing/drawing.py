"""Shapes, texts and codes on a picture: what posters and cards are drawn with. What they say must not enter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

import segno
from PIL import Image, ImageDraw, ImageFont

from distrib.services.typeface import FONT_FILE

Colour: TypeAlias = tuple[int, int, int]
Box: TypeAlias = tuple[int, int, int, int]
Side: TypeAlias = Literal["left", "middle", "right"]

QUIET_ZONE = 4
"""Modules left free around a QR code (ISO/IEC 18004)."""
_ERROR_LEVEL = "m"
_FINE = 4  # shapes are drawn so much larger, then made smaller, so that no edge has steps
_WORD = re.compile(r"[^\W\u2e80-\uffef\U00020000-\U0003ffff]+[^\w\s]*|\s+|.", re.DOTALL)
_ANCHORS = {"left": "lm", "middle": "mm", "right": "rm"}


class TextBlock(NamedTuple):
    """A text in lines that fit, and the size of its letters."""

    lines: Sequence[str]
    size: int
    bold: bool = False

    @property
    def leading(self) -> int:
        """The distance of the lines, in pixels."""
        return self.size * 4 // 3

    @property
    def height(self) -> int:
        """How high all lines are, in pixels."""
        return self.leading * len(self.lines)


def qr_code(link: str) -> segno.QRCode:
    """Encodes a link, of error correction M or better."""
    return segno.make_qr(link, error=_ERROR_LEVEL)


def paste_qr_code(picture: Image.Image, link: str, middle: tuple[int, int], side: int) -> None:
    """Draws the QR code of a link in a square of up to ``side`` pixels, each module of whole pixels."""
    rows = [list(row) for row in qr_code(link).matrix_iter(scale=1, border=QUIET_ZONE)]
    modules = len(rows)
    small = Image.new("L", (modules, modules))
    small.putdata([0 if dark else 255 for row in rows for dark in row])
    scale = side // modules
    drawn = small.resize((modules * scale, modules * scale), Image.Resampling.NEAREST)
    picture.paste(drawn, (middle[0] - drawn.width // 2, middle[1] - drawn.height // 2))


def stamp(picture: Image.Image, box: Box, radius: int, colour: Colour) -> None:
    """Draws a rounded shape with smooth edges; outside of the picture it is cut off."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    large = Image.new("L", (width * _FINE, height * _FINE), 0)
    corner = (0, 0, width * _FINE - 1, height * _FINE - 1)
    ImageDraw.Draw(large).rounded_rectangle(corner, radius * _FINE, fill=255)
    picture.paste(colour, (left, top), large.resize((width, height), Image.Resampling.BOX))


def disc(picture: Image.Image, middle: tuple[int, int], radius: int, colour: Colour) -> None:
    """Draws a filled circle."""
    x, y = middle
    stamp(picture, (x - radius, y - radius, x + radius, y + radius), radius, colour)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The typeface in that size; the file is read once per process and size."""
    return ImageFont.truetype(str(FONT_FILE), size, layout_engine=ImageFont.Layout.BASIC)


def write(
    pen: ImageDraw.ImageDraw, text: TextBlock, first: tuple[int, int], colour: Colour, side: Side = "middle"
) -> None:
    """Draws lines one below the other: half the height of the first one, and its ``side``, stand at ``first``."""
    stroke = max(1, text.size // 48) if text.bold else 0
    for place, line in enumerate(text.lines):
        point = (first[0], first[1] + place * text.leading)
        pen.text(point, line, colour, font(text.size), _ANCHORS[side], stroke_width=stroke)


class TextRoom(NamedTuple):
    """Where a text has to fit: how wide, in how many lines, and how high all may be (None: as high as those are)."""

    width: int
    most_lines: int
    height: int | None = None


def fitted(text: str, room: TextRoom, sizes: Sequence[int], *, bold: bool = False) -> TextBlock:
    """Breaks a text into lines as large as they fit; at the smallest size what is too much is cut."""
    width, most_lines, height = room
    for size in sizes:
        allowed = most_lines if height is None else max(1, min(most_lines, height // TextBlock((), size).leading))
        lines = _wrapped(text, width, font(size), allowed)
        if len(lines) <= allowed:
            return TextBlock(lines, size, bold)
    smallest = sizes[-1]
    *whole, last = lines[:allowed]
    while font(smallest).getlength(f"{last}…") > width:
        last = last[:-1]
    return TextBlock([*whole, f"{last.rstrip()}…"], smallest, bold)


def first_letter(*texts: str) -> str:
    """The first letter or digit of the first of the texts that is not empty, in capitals; none where it has none."""
    text = next((text for text in texts if text), "")
    return next((letter for letter in text if letter.isalnum()), "").upper()[:1]


def _wrapped(text: str, width: int, typeface: ImageFont.FreeTypeFont, enough: int) -> list[str]:
    """Breaks a text into lines no wider than ``width``, one more than ``enough`` at the most.

    They break between words, between Chinese characters, and within a word that is too long for a line.
    """
    lines = [""]
    for word in _WORD.findall(text):
        if typeface.getlength(lines[-1] + word.rstrip()) <= width:
            lines[-1] += word
            continue
        lines.append("")
        for letter in word.lstrip():
            if typeface.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
        if len(lines) > enough:
            break
    return [line.strip() for line in lines if line.strip()]
