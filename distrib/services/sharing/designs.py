"""The looks of a poster: each lays the same texts out in its own way, with or without an article and its price.

Nothing but what is handed in is shown: no id, no figure of a shop, no word on earnings (CN-P08).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from PIL import Image, ImageDraw

from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.sharing.drawing import (
    Box,
    Colour,
    TextBlock,
    TextRoom,
    disc,
    first_letter,
    fitted,
    font,
    paste_qr_code,
    stamp,
    write,
)

WIDTH, HEIGHT = 1080, 1920
_MIDDLE = WIDTH // 2
_WORDS: dict[str, Text] = {
    "head": Text("Invitation"),
    "invites": Text("invites you to join"),
    "welcome": Text("You are invited to join"),
    "scan": Text("Scan the code to see the invitation"),
    "code": Text("Invite code"),
    "rules": Text("The rules are those the platform publishes"),
}
_GAP = 22
_WHITE, _INK, _GREY = (255, 255, 255), (34, 34, 40), (122, 122, 132)


class PosterTexts(NamedTuple):
    """What a poster shows, in characters that can be drawn; an empty text is not shown."""

    program: str
    inviter: str
    code: str
    link: str
    language: str
    headline: str = ""
    goods: str = ""
    price: str = ""
    background: bytes = b""

    def say(self, key: str) -> str:
        """Renders one of the words of every poster."""
        return render(_WORDS[key], self.language)

    @property
    def head(self) -> str:
        """What stands at the top."""
        return self.headline or self.say("head")

    @property
    def address(self) -> str:
        """The link as people type it."""
        return self.link.partition("://")[2]

    @property
    def letter(self) -> str:
        """What stands for a portrait."""
        return first_letter(self.inviter, self.program)


# --- red with a white card ---

_ROUGH, _LIGHT, _PALE, _GOLD = (200, 54, 40), (213, 72, 56), (255, 242, 237), (250, 205, 140)
_ROUGH_SHADE = (60, 14, 10)
_CARD_TOP, _AVATAR = 390, 104
_CARD = (80, _CARD_TOP, WIDTH - 80, 1590)


def classic(texts: PosterTexts) -> Image.Image:
    """Red with a white card: who invites into what above, the code below, the article between them."""
    picture = _photo(texts, _ROUGH_SHADE, 150)
    if picture is None:
        picture = _classic_ground().copy()
    else:
        _classic_card(picture)
    pen = ImageDraw.Draw(picture)
    head = fitted(texts.head, TextRoom(920, 2, height=140), (72, 64, 56, 50, 44), bold=True)
    write(pen, head, (_MIDDLE, 190 - (head.height - head.leading) // 2), _WHITE)
    pen.text((_MIDDLE, _CARD_TOP), texts.letter, _ROUGH, font(104), "mm", stroke_width=2)
    if texts.goods:
        _stacked(pen, _who(texts, (56, 50, 44, 38), 36, (48, 44, 38, 34)), (_MIDDLE, 515, 800))
        _classic_goods(picture, pen, texts)
        paste_qr_code(picture, texts.link, (_MIDDLE, 1308), 440)
    else:
        _stacked(pen, _who(texts, (68, 60, 52, 44), 40, (56, 50, 44, 38)), (_MIDDLE, 530, 905))
        paste_qr_code(picture, texts.link, (_MIDDLE, 1200), 580)
    write(pen, TextBlock([texts.say("scan")], 34), (_MIDDLE, 1550 if texts.goods else 1535), _GREY)
    write(pen, TextBlock([texts.say("code")], 30), (_MIDDLE, 1645), _PALE)
    write(pen, TextBlock([texts.code], 60, bold=True), (_MIDDLE, 1708), _WHITE)
    write(pen, fitted(texts.address, TextRoom(900, 1), (30, 26, 22)), (_MIDDLE, 1785), _PALE)
    write(pen, TextBlock([texts.say("rules")], 26), (_MIDDLE, 1850), _PALE)
    return picture


@cache
def _classic_ground() -> Image.Image:
    """Draws all that is the same on every poster of this look; once per process."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), _ROUGH)
    for middle, radius in (((120, 90), 330), ((1010, 330), 240), ((930, 1800), 380)):
        disc(picture, middle, radius, _LIGHT)
    _classic_card(picture)
    return picture


def _classic_card(picture: Image.Image) -> None:
    stamp(picture, _CARD, 48, _WHITE)
    disc(picture, (_MIDDLE, _CARD_TOP), _AVATAR + 12, _WHITE)
    disc(picture, (_MIDDLE, _CARD_TOP), _AVATAR, _GOLD)


def _classic_goods(picture: Image.Image, pen: ImageDraw.ImageDraw, texts: PosterTexts) -> None:
    box = (140, 822, WIDTH - 140, 1058)
    stamp(picture, box, 32, _PALE)
    _article(pen, texts, box, (_INK, _ROUGH), ((40, 36), (60, 52, 44, 36)))


# --- a shop window in green over a white foot ---

_LEAF, _LEAF_LIGHT, _LEAF_DARK, _CREAM = (18, 110, 84), (34, 134, 103), (11, 82, 62), (250, 246, 236)
_AMBER, _LEAF_SHADE = (246, 196, 83), (6, 40, 30)
_WINDOW_FOOT = 1240


def market(texts: PosterTexts) -> Image.Image:
    """A shop window: headline and article, or the program, large above; the code and who invites at the foot."""
    picture = _market_ground().copy()
    photo = _photo(texts, _LEAF_SHADE, 150)
    if photo is not None:
        picture.paste(photo.crop((0, 340, WIDTH, 340 + _WINDOW_FOOT)), (0, 0))
        _awning(picture)
    pen = ImageDraw.Draw(picture)
    if texts.goods:
        write(pen, fitted(texts.program, TextRoom(860, 1), (44, 40, 36)), (_MIDDLE, 130), _AMBER)
        head = fitted(texts.head, TextRoom(900, 2, height=210), (92, 80, 72, 64, 56), bold=True)
        _stacked(pen, [(head, _WHITE)], (_MIDDLE, 170, 400))
        box = (110, 430, WIDTH - 110, 1130)
        stamp(picture, box, 56, _CREAM)
        disc(picture, (_MIDDLE, 430), 20, _AMBER)
        _article(pen, texts, box, (_INK, _ROUGH), ((84, 76, 68, 60, 52), (150, 130, 110, 92, 76, 60)))
    else:
        write(pen, fitted(texts.head, TextRoom(900, 2), (64, 56, 48)), (_MIDDLE, 250), _AMBER)
        program = fitted(texts.program, TextRoom(880, 3), (150, 132, 116, 100, 84, 70, 58), bold=True)
        _stacked(pen, [(program, _WHITE)], (_MIDDLE, 380, 900))
        write(pen, TextBlock([texts.say("welcome")], 44), (_MIDDLE, 1040), _CREAM)
    _market_foot(picture, pen, texts)
    return picture


@cache
def _market_ground() -> Image.Image:
    """Draws the window with its awning of round edges, and the foot."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), _WHITE)
    picture.paste(_LEAF, (0, 0, WIDTH, _WINDOW_FOOT))
    for middle, radius in (((90, 520), 300), ((1010, 240), 260), ((900, 1090), 330)):
        disc(picture, middle, radius, _LEAF_LIGHT)
    picture.paste(_WHITE, (0, _WINDOW_FOOT, WIDTH, HEIGHT))
    _awning(picture)
    return picture


def _awning(picture: Image.Image) -> None:
    side = WIDTH // 8
    for place in range(8):
        colour = _LEAF_DARK if place % 2 else _CREAM
        stamp(picture, (place * side, -90, (place + 1) * side, 62), side // 2 - 2, colour)


def _market_foot(picture: Image.Image, pen: ImageDraw.ImageDraw, texts: PosterTexts) -> None:
    paste_qr_code(picture, texts.link, (290, 1530), 500)
    left, room = 570, WIDTH - 570 - 60
    disc(picture, (left + 52, 1352), 52, _LEAF)
    pen.text((left + 52, 1352), texts.letter, _WHITE, font(52), "mm", stroke_width=1)
    y = 1450
    if texts.inviter:
        name = fitted(texts.inviter, TextRoom(room, 2), (52, 46, 40, 36), bold=True)
        write(pen, name, (left, y), _INK, "left")
        y += name.height
    invites = fitted(texts.say("invites" if texts.inviter else "welcome"), TextRoom(room, 2), (34, 30, 26))
    write(pen, invites, (left, y), _GREY, "left")
    y += invites.height
    program = fitted(texts.program, TextRoom(room, 2), (38, 34, 30))
    write(pen, program, (left, y), _LEAF, "left")
    y += program.height + 24
    write(pen, TextBlock([texts.say("code")], 28), (left, y), _GREY, "left")
    write(pen, TextBlock([texts.code], 50, bold=True), (left, y + 56), _INK, "left")
    write(pen, fitted(texts.say("scan"), TextRoom(480, 1), (28, 24, 22)), (290, 1795), _GREY)
    write(pen, fitted(texts.address, TextRoom(900, 1), (26, 22, 20)), (_MIDDLE, 1848), _GREY)
    write(pen, TextBlock([texts.say("rules")], 24), (_MIDDLE, 1888), _GREY)


# --- gold on dark blue ---

_NIGHT, _NIGHT_LIGHT, _BRASS, _MOON = (17, 26, 48), (28, 41, 72), (218, 182, 110), (236, 231, 218)


def night(texts: PosterTexts) -> Image.Image:
    """Gold on dark blue within a frame: headline, program, article, who invites, and the code on a white field."""
    picture = _photo(texts, _NIGHT, 170)
    if picture is None:
        picture = _night_ground().copy()
    else:
        _frame(picture)
    pen = ImageDraw.Draw(picture)
    write(pen, fitted(texts.head, TextRoom(800, 2), (60, 54, 48, 42)), (_MIDDLE, 200), _MOON)
    program = fitted(texts.program, TextRoom(820, 2), (112, 98, 84, 72, 60, 50), bold=True)
    if texts.goods:
        _stacked(pen, [(program, _BRASS)], (_MIDDLE, 290, 540))
        box = (130, 580, WIDTH - 130, 900)
        pen.rounded_rectangle(box, 24, outline=_BRASS, width=3)
        _article(pen, texts, box, (_MOON, _BRASS), ((60, 52, 46, 40), (96, 84, 72, 60, 48)))
        _stacked(pen, _invites(texts, _MOON, _BRASS), (_MIDDLE, 930, 1110))
    else:
        _stacked(pen, [(program, _BRASS)], (_MIDDLE, 330, 660))
        _ornament(pen, 710)
        disc(picture, (_MIDDLE, 830), 72, _BRASS)
        pen.text((_MIDDLE, 830), texts.letter, _NIGHT, font(72), "mm", stroke_width=2)
        _stacked(pen, _invites(texts, _MOON, _BRASS), (_MIDDLE, 920, 1100))
    stamp(picture, (_MIDDLE - 240, 1140, _MIDDLE + 240, 1620), 36, _WHITE)
    paste_qr_code(picture, texts.link, (_MIDDLE, 1380), 460)
    write(pen, fitted(texts.say("scan"), TextRoom(860, 1), (30, 26)), (_MIDDLE, 1662), _MOON)
    write(pen, TextBlock([texts.code], 54, bold=True), (_MIDDLE, 1732), _BRASS)
    write(pen, fitted(texts.address, TextRoom(820, 1), (26, 22, 20)), (_MIDDLE, 1792), _MOON)
    write(pen, TextBlock([texts.say("rules")], 24), (_MIDDLE, 1836), _MOON)
    return picture


@cache
def _night_ground() -> Image.Image:
    picture = Image.new("RGB", (WIDTH, HEIGHT), _NIGHT)
    for middle, radius in (((0, 0), 420), ((1080, 1000), 360), ((60, 1700), 300)):
        disc(picture, middle, radius, _NIGHT_LIGHT)
    _frame(picture)
    return picture


def _frame(picture: Image.Image) -> None:
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((44, 44, WIDTH - 44, HEIGHT - 44), 28, outline=_BRASS, width=3)
    pen.rounded_rectangle((58, 58, WIDTH - 58, HEIGHT - 58), 20, outline=_BRASS, width=1)
    _ornament(pen, 120)


def _ornament(pen: ImageDraw.ImageDraw, y: int) -> None:
    """Draws a line with a diamond in its middle."""
    pen.line((_MIDDLE - 180, y, _MIDDLE - 24, y), _BRASS, 2)
    pen.line((_MIDDLE + 24, y, _MIDDLE + 180, y), _BRASS, 2)
    pen.polygon(((_MIDDLE - 12, y), (_MIDDLE, y - 12), (_MIDDLE + 12, y), (_MIDDLE, y + 12)), _BRASS)


def _invites(texts: PosterTexts, light: Colour, strong: Colour) -> list[tuple[TextBlock, Colour]]:
    """Who invites, and that it does, where the program stands elsewhere already."""
    words = (TextBlock([texts.say("invites" if texts.inviter else "welcome")], 36), light)
    return (
        [(fitted(texts.inviter, TextRoom(780, 2), (52, 46, 40), bold=True), strong), words]
        if texts.inviter
        else [words]
    )


# --- what the looks share ---


def _photo(texts: PosterTexts, shade: Colour, depth: int) -> Image.Image | None:
    """The program's own picture under a shade of ``depth`` of 255, so that texts stand out; None without one."""
    if not texts.background:
        return None
    with Image.open(io.BytesIO(texts.background), formats=("JPEG",)) as picture:
        whole = picture.convert("RGB")
    shaded = Image.new("RGB", whole.size, shade)
    return Image.composite(shaded, whole, Image.new("L", whole.size, depth))


def _who(
    texts: PosterTexts, name_sizes: Sequence[int], size: int, program_sizes: Sequence[int]
) -> list[tuple[TextBlock, Colour]]:
    """Lays out the inviter, the invitation and the program as text blocks with their colours."""
    words = TextBlock([texts.say("invites" if texts.inviter else "welcome")], size)
    blocks = [(words, _GREY), (fitted(texts.program, TextRoom(780, 2), program_sizes, bold=True), _ROUGH)]
    name = fitted(texts.inviter, TextRoom(780, 2), name_sizes, bold=True)
    return [(name, _INK), *blocks] if texts.inviter else blocks


def _article(
    pen: ImageDraw.ImageDraw,
    texts: PosterTexts,
    box: Box,
    colours: tuple[Colour, Colour],
    sizes: tuple[Sequence[int], Sequence[int]],
) -> None:
    """Draws the article's name and below it its price in the middle of a box, as large as they fit."""
    left, top, right, bottom = box
    room = right - left - 80
    blocks = [(fitted(texts.goods, TextRoom(room, 2), sizes[0]), colours[0])]
    if texts.price:
        blocks.append((fitted(texts.price, TextRoom(room, 1), sizes[1], bold=True), colours[1]))
    _stacked(pen, blocks, ((left + right) // 2, top + 10, bottom - 10))


def _stacked(pen: ImageDraw.ImageDraw, blocks: Sequence[tuple[TextBlock, Colour]], room: tuple[int, int, int]) -> None:
    """Draws text blocks one below the other, in the middle of a room: where its middle, top and foot are."""
    middle, top, foot = room
    height = sum(text.height for text, _ in blocks) + _GAP * (len(blocks) - 1)
    y = (top + foot - height) // 2
    for text, colour in blocks:
        write(pen, text, (middle, y + text.leading // 2), colour)
        y += text.height + _GAP
