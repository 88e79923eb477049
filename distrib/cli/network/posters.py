"""``distrib shops poster`` and ``qr``: a shop's invitation as files, for print and for chats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, options_as, program_option
from distrib.domain.amounts import read_amount
from distrib.domain.identifiers import is_text
from distrib.domain.sharing import invite_link
from distrib.domain.texts import Text
from distrib.services.context import Program
from distrib.services.sharing.invitations import Invitation, check_claims, invitation_of
from distrib.services.sharing.posters import (
    CLASSIC,
    DESIGNS,
    LANGUAGES,
    MOST_GOODS,
    MOST_HEADLINE,
    MOST_SCALE,
    PosterLooks,
    draw_poster,
    draw_qr_code,
    show_price,
)

_output = click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The file to write.",
)


def _short(most: int) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Builds a check that a text has up to ``most`` characters, none of them a control character."""

    def check(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
        if text is not None and not (1 <= len(text) <= most and is_text(text)):
            raise click.BadParameter(in_both(Text("must have 1 to {most} characters on one line", most=most)))
        return text

    return check


@dataclass(frozen=True, slots=True)
class _PosterOptions:
    """What `poster` is asked."""

    shop_id: str
    language: str
    design: str
    title: str | None
    goods_name: str | None
    goods_price: str | None
    output: Path
    program_code: str | None


@click.command("poster")
@click.argument("shop_id")
@click.option("--language", type=click.Choice(LANGUAGES), default="zh", show_default=True, help="语言。")
@click.option("--design", type=click.Choice(DESIGNS), default=CLASSIC, show_default=True, help="The looks.")
@click.option("--title", callback=_short(MOST_HEADLINE), help="A headline.")
@click.option("--goods-name", callback=_short(MOST_GOODS), help="An article to be shown.")
@click.option("--goods-price", help="Its price, as 128.00.")
@_output
@program_option
@options_as(_PosterOptions)
def poster_command(asked: _PosterOptions) -> None:
    """Draw the share poster of SHOP_ID as a PNG; links begin with DISTRIB_PUBLIC_URL."""
    if asked.goods_price is not None and asked.goods_name is None:
        raise click.UsageError(in_both(Text("--goods-price needs --goods-name.")))

    def draw(program: Program, invitation: Invitation, link: str) -> bytes:
        price = None if asked.goods_price is None else _price(asked.goods_price, program, asked.language)
        looks = PosterLooks(asked.language, asked.design, asked.title, asked.goods_name, price)
        return draw_poster(invitation.program, invitation.inviter, invitation.code, link, looks)

    _write(
        asked.shop_id,
        asked.output,
        asked.program_code,
        draw,
        {"--title": asked.title, "--goods-name": asked.goods_name},
    )


@click.command("qr")
@click.argument("shop_id")
@click.option(
    "--scale",
    type=click.IntRange(1, MOST_SCALE),
    default=8,
    show_default=True,
    help="Pixels of one module.",
)
@_output
@program_option
def qr_command(shop_id: str, scale: int, output: Path, program_code: str | None) -> None:
    """Draw the QR code of SHOP_ID's invite link as an SVG."""
    _write(shop_id, output, program_code, lambda _program, _invitation, link: draw_qr_code(link, scale), {})


def _price(text: str, program: Program, language: str) -> str:
    """The price as a poster shows it; raises a usage error for what is no amount."""
    amount_minor = read_amount(text, program.currency)
    if amount_minor is None:
        raise click.UsageError(in_both(Text("--goods-price is no amount in {currency}.", currency=program.currency)))
    return show_price(amount_minor, program.currency, language)


def _write(
    shop_id: str,
    output: Path,
    program_code: str | None,
    draw: Callable[[Program, Invitation, str], bytes],
    texts: Mapping[str, str | None],
) -> None:
    with open_container() as container:
        base = container.settings.public_url
        if base is None:
            raise click.UsageError(in_both(Text("Set DISTRIB_PUBLIC_URL: what links begin with.")))
        with container.begin() as conn:
            unit = container.unit(conn, program_code)
            invitation = invitation_of(unit, container.policies, shop_id)
            check_claims(container.policies, unit.program, texts)
    link = invite_link(base, invitation.code)
    output.write_bytes(draw(unit.program, invitation, link))
    click.echo(f"{output}: {link}")
