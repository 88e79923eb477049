"""Draws the card that chats show beside an invite link: who invites into what, and no word more."""

from __future__ import annotations

import io
from functools import cache, lru_cache

from PIL import Image, ImageDraw

from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.sharing.drawing import TextBlock, TextRoom, disc, first_letter, fitted, font, write
from distrib.services.typeface import on_picture

CARD_WIDTH, CARD_HEIGHT = 1200, 630
"""The shape that chats and networks show (Open Graph, 1.91 : 1); what matters stands in the square in its middle."""
CARDS_KEPT = 64
_MIDDLE, _ROOM = CARD_WIDTH // 2, 600
_GROUND, _LIGHT, _PAPER, _PALE, _GOLD = (200, 54, 40), (213, 72, 56), (255, 255, 255), (255, 226, 216), (250, 205, 140)
_INVITES, _WELCOME = Text("invites you to join"), Text("You are invited to join")


@lru_cache(maxsize=CARDS_KEPT)
def draw_card(program: str, inviter: str | None, language: str) -> bytes:
    """Draws the card of an invitation as a PNG, 1200 × 630; names shrink, wrap and in the end are cut.

    Args:
        program: the program's title.
        inviter: the shop's name; without it the card invites for the program.
        language: ``zh`` or ``en``.
    """
    title, name = on_picture(program), on_picture(inviter or "")
    picture = _ground().copy()
    pen = ImageDraw.Draw(picture)
    pen.text((_MIDDLE, 132), first_letter(name, title), _GROUND, font(80), "mm", stroke_width=2)
    blocks = [(TextBlock([render(_INVITES if name else _WELCOME, language)], 34), _PALE)]
    blocks.append((fitted(title, TextRoom(_ROOM, 2), (64, 56, 48, 40), bold=True), _GOLD))
    if name:
        blocks.insert(0, (fitted(name, TextRoom(_ROOM, 2), (54, 48, 42, 36), bold=True), _PAPER))
    y = 250 + (330 - sum(text.height + 14 for text, _ in blocks)) // 2
    for text, colour in blocks:
        write(pen, text, (_MIDDLE, y + text.leading // 2), colour)
        y += text.height + 14
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


@cache
def _ground() -> Image.Image:
    """Draws what is the same on every card; once per process."""
    picture = Image.new("RGB", (CARD_WIDTH, CARD_HEIGHT), _GROUND)
    for middle, radius in (((110, 80), 240), ((1120, 200), 190), ((1010, 640), 260), ((180, 640), 150)):
        disc(picture, middle, radius, _LIGHT)
    disc(picture, (_MIDDLE, 132), 88, _PAPER)
    disc(picture, (_MIDDLE, 132), 80, _GOLD)
    return picture
