"""Draws the share poster (邀请海报) and the QR code of an invite link: the same invitation gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from babel.numbers import get_currency_symbol
from PIL import Image

from distrib.domain.amounts import show_amount
from distrib.languages import CHINESE
from distrib.services.sharing.designs import HEIGHT, WIDTH, PosterTexts, classic, market, night
from distrib.services.sharing.drawing import QUIET_ZONE, qr_code
from distrib.services.typeface import on_picture

__all__ = ["HEIGHT", "QUIET_ZONE", "WIDTH"]

LANGUAGES = ("zh", "en")
DESIGN = 2
"""Version of the posters' looks: with another one, copies kept elsewhere are no longer the same picture."""
CLASSIC, MARKET, NIGHT = "classic", "market", "night"
_DRAWN_BY: Mapping[str, Callable[[PosterTexts], Image.Image]] = {CLASSIC: classic, MARKET: market, NIGHT: night}
DESIGNS = tuple(_DRAWN_BY)
"""Red with a white card; a shop window in green over a white foot; gold on dark blue."""
MOST_SCALE = 50
MOST_HEADLINE, MOST_GOODS = 40, 80
"""How many characters a headline and the name of an article may have."""
POSTERS_KEPT = 32
_LOCALES = {CHINESE: "zh_CN"}


def draw_qr_code(link: str, scale: int) -> bytes:
    """Draws the bare QR code of a link as SVG, ``scale`` pixels a module."""
    buffer = io.BytesIO()
    qr_code(link).save(buffer, kind="svg", scale=scale, border=QUIET_ZONE, xmldecl=False, light="#fff", nl=False)
    return buffer.getvalue()


class PosterLooks(NamedTuple):
    """How a poster looks, and what it says beside the invitation.

    Args:
        language: ``zh`` or ``en``.
        design: one of ``DESIGNS``.
        headline: what stands at the top, in place of the word for an invitation.
        goods: the name of an article that is shown.
        price: what it costs, as ``show_price`` has it.
        background: the program's own picture, as ``backgrounds`` keeps it; empty: none.
    """

    language: str
    design: str = CLASSIC
    headline: str | None = None
    goods: str | None = None
    price: str | None = None
    background: bytes = b""


@lru_cache(maxsize=POSTERS_KEPT)
def draw_poster(
    program: str,
    inviter: str | None,
    code: str,
    link: str,
    looks: PosterLooks,
) -> bytes:
    """Draws the poster as a PNG, 1080 × 1920; names shrink, wrap and in the end are cut so that they fit.

    Args:
        program: the program's title.
        inviter: the shop's name; without it the poster invites for the program.
        code: the invite code.
        link: where the QR code leads.
    """
    texts = PosterTexts(
        on_picture(program),
        on_picture(inviter or ""),
        code,
        link,
        looks.language,
        on_picture(looks.headline or ""),
        on_picture(looks.goods or ""),
        on_picture(looks.price or ""),
        looks.background,
    )
    buffer = io.BytesIO()
    _DRAWN_BY[looks.design](texts).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def show_price(amount_minor: int, currency: str, language: str) -> str:
    """Shows an amount with the sign that its reader knows the currency by.

    >>> show_price(12_800, "CNY", "zh"), show_price(12_800, "CNY", "en"), show_price(500, "JPY", "zh")
    ('¥128.00', 'CN¥128.00', 'JP¥500')
    """
    sign = get_currency_symbol(currency, locale=_LOCALES.get(language, "en_GB"))
    gap = " " if sign.isalpha() else ""
    return f"{sign}{gap}{show_amount(amount_minor, currency)}"
