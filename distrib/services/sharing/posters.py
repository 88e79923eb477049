"""Draws the share poster (邀请海报) and the QR code of an invite link: the same invitation gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import segno
from PIL import Image, ImageDraw, ImageFont

from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.typeface import FONT_FILE, on_picture

LANGUAGES = ("zh", "en")
WIDTH, HEIGHT = 1080, 1920
DESIGN = 1
"""Version of the poster's design: with another one, copies kept elsewhere are no longer the same picture."""
QUIET_ZONE = 4
"""Modules left free around a QR code (ISO/IEC 18004)."""
MOST_SCALE = 50
POSTERS_KEPT = 32
_QR_SIDE = 580
_ERROR_LEVEL = "m"
_ROUGH, _PAPER, _INK, _GREY = (200, 54, 40), (255, 255, 255), (34, 34, 40), (122, 122, 132)
_LIGHT, _PALE, _GOLD = (213, 72, 56), (255, 242, 237), (250, 205, 140)
_CARD_TOP = 390
_CARD = (80, _CARD_TOP, WIDTH - 80, 1590)
_TEXT_TOP, _TEXT_BOTTOM, _GAP = 530, 905, 22
_AVATAR, _MIDDLE = 104, WIDTH // 2
_FINE = 4  # shapes are drawn so much larger, then made smaller, so that no edge has steps
_WORDS: dict[str, Text] = {
    "head": Text("Invitation"),
    "invites": Text("invites you to join"),
    "welcome": Text("You are invited to join"),
    "scan": Text("Scan the code to see the invitation"),
    "code": Text("Invite code"),
    "rules": Text("The rules are those the platform publishes"),
}
_WORD = re.compile(r"[^\W\u2e80-\uffef\U00020000-\U0003ffff]+[^\w\s]*|\s+|.", re.DOTALL)


class _TextBlock(NamedTuple):
    """A text in lines that fit, and the size of its letters."""

    lines: Sequence[str]
    size: int
    bold: bool = False

    @property
    def leading(self) -> int:
        """The distance of the lines, in pixels."""
        return self.size * 4 // 3


def draw_qr_code(link: str, scale: int) -> bytes:
    """Draws the bare QR code of a link as SVG, ``scale`` pixels a module."""
    buffer = io.BytesIO()
    _qr_code(link).save(buffer, kind="svg", scale=scale, border=QUIET_ZONE, xmldecl=False, light="#fff", nl=False)
    return buffer.getvalue()


@lru_cache(maxsize=POSTERS_KEPT)
def draw_poster(program: str, inviter: str | None, code: str, link: str, language: str) -> bytes:
    """Draws the poster as a PNG, 1080 × 1920; names shrink, wrap and in the end are cut so that they fit.

    Args:
        program: the program's title.
        inviter: the shop's name; without it the poster invites for the program.
        code: the invite code.
        link: where the QR code leads.
        language: ``zh`` or ``en``.
    """
    title, name = on_picture(program), on_picture(inviter or "")
    picture = _backdrop().copy()
    pen = ImageDraw.Draw(picture)
    _centred(pen, _TextBlock([_say("head", language)], 72, bold=True), 190, _PAPER)
    _avatar(pen, next((letter for letter in name or title if letter.isalnum()), ""))
    _stacked(pen, _invitation(title, name, language))
    _paste_qr_code(picture, link)
    _centred(pen, _TextBlock([_say("scan", language)], 34), 1535, _GREY)
    _centred(pen, _TextBlock([_say("code", language)], 30), 1645, _PALE)
    _centred(pen, _TextBlock([code], 60, bold=True), 1708, _PAPER)
    _centred(pen, _fitted(link.partition("://")[2], 900, (30, 26, 22), 1), 1785, _PALE)
    _centred(pen, _TextBlock([_say("rules", language)], 26), 1850, _PALE)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _say(key: str, language: str) -> str:
    return render(_WORDS[key], language)


def _qr_code(link: str) -> segno.QRCode:
    return segno.make_qr(link, error=_ERROR_LEVEL)


@cache
def _backdrop() -> Image.Image:
    """Draws all that is the same on every poster; once per process."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), _ROUGH)
    for x, y, radius in ((120, 90, 330), (1010, 330, 240), (930, 1800, 380)):
        _stamp(picture, (x - radius, y - radius, x + radius, y + radius), radius, _LIGHT)
    _stamp(picture, _CARD, 48, _PAPER)
    around = _AVATAR + 12
    _stamp(picture, (_MIDDLE - around, _CARD_TOP - around, _MIDDLE + around, _CARD_TOP + around), around, _PAPER)
    inner = (_MIDDLE - _AVATAR, _CARD_TOP - _AVATAR, _MIDDLE + _AVATAR, _CARD_TOP + _AVATAR)
    _stamp(picture, inner, _AVATAR, _GOLD)
    return picture


def _stamp(picture: Image.Image, box: tuple[int, int, int, int], radius: int, colour: tuple[int, int, int]) -> None:
    """Draws a rounded shape with smooth edges."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    large = Image.new("L", (width * _FINE, height * _FINE), 0)
    corner = (0, 0, width * _FINE - 1, height * _FINE - 1)
    ImageDraw.Draw(large).rounded_rectangle(corner, radius * _FINE, fill=255)
    picture.paste(colour, (left, top), large.resize((width, height), Image.Resampling.BOX))


def _avatar(pen: ImageDraw.ImageDraw, letter: str) -> None:
    pen.text((_MIDDLE, _CARD_TOP), letter.upper()[:1], _ROUGH, _font(104), "mm", stroke_width=2)


def _paste_qr_code(picture: Image.Image, link: str) -> None:
    """Draws the QR code, each module a square of whole pixels."""
    rows = [list(row) for row in _qr_code(link).matrix_iter(scale=1, border=QUIET_ZONE)]
    side = len(rows)
    small = Image.new("L", (side, side))
    small.putdata([0 if dark else 255 for row in rows for dark in row])
    scale = _QR_SIDE // side
    drawn = small.resize((side * scale, side * scale), Image.Resampling.NEAREST)
    picture.paste(drawn, (_MIDDLE - drawn.width // 2, 1200 - drawn.height // 2))


# --- texts ---


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_FILE), size, layout_engine=ImageFont.Layout.BASIC)


def _invitation(title: str, name: str, language: str) -> list[tuple[_TextBlock, tuple[int, int, int]]]:
    """Lays out the inviter, the invitation and the program as text blocks with their colours."""
    words = _TextBlock([_say("invites" if name else "welcome", language)], 40)
    blocks = [(words, _GREY), (_fitted(title, 780, (56, 50, 44, 38), 2, bold=True), _ROUGH)]
    return [(_fitted(name, 780, (68, 60, 52, 44), 2, bold=True), _INK), *blocks] if name else blocks


def _stacked(pen: ImageDraw.ImageDraw, blocks: Sequence[tuple[_TextBlock, tuple[int, int, int]]]) -> None:
    """Draws text blocks one below the other, in the middle of the room that the card leaves them."""
    height = sum(text.leading * len(text.lines) for text, _ in blocks) + _GAP * (len(blocks) - 1)
    y = (_TEXT_TOP + _TEXT_BOTTOM - height) // 2
    for text, colour in blocks:
        _centred(pen, text, y + text.leading // 2, colour)
        y += text.leading * len(text.lines) + _GAP


def _centred(pen: ImageDraw.ImageDraw, text: _TextBlock, y: int, colour: tuple[int, int, int]) -> None:
    """Draws lines one below the other, the middle of the first at ``y``."""
    stroke = max(1, text.size // 48) if text.bold else 0
    for place, line in enumerate(text.lines):
        middle = (_MIDDLE, y + place * text.leading)
        pen.text(middle, line, colour, _font(text.size), "mm", stroke_width=stroke)


def _fitted(text: str, width: int, sizes: Sequence[int], most_lines: int, *, bold: bool = False) -> _TextBlock:
    """Breaks a text into lines as large as they fit; at the smallest size what is too much is cut."""
    for size in sizes:
        lines = _wrapped(text, width, _font(size), most_lines)
        if len(lines) <= most_lines:
            return _TextBlock(lines, size, bold)
    smallest = sizes[-1]
    *whole, last = lines[:most_lines]
    while _font(smallest).getlength(f"{last}…") > width:
        last = last[:-1]
    return _TextBlock([*whole, f"{last.rstrip()}…"], smallest, bold)


def _wrapped(text: str, width: int, font: ImageFont.FreeTypeFont, enough: int) -> list[str]:
    """Breaks a text into lines no wider than ``width``, one more than ``enough`` at the most.

    They break between words, between Chinese characters, and within a word that is too long for a line.
    """
    lines = [""]
    for word in _WORD.findall(text):
        if font.getlength(lines[-1] + word.rstrip()) <= width:
            lines[-1] += word
            continue
        lines.append("")
        for letter in word.lstrip():
            if font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
        if len(lines) > enough:
            break
    return [line.strip() for line in lines if line.strip()]
