"""``distrib shops poster`` and ``qr``: a shop's invitation as files, for print and for chats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, program_option
from distrib.domain.sharing import invite_link
from distrib.domain.texts import Text
from distrib.services.sharing.invitations import Invitation, invitation_of
from distrib.services.sharing.posters import LANGUAGES, MOST_SCALE, draw_poster, draw_qr_code

_output = click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The file to write.",
)


@click.command("poster")
@click.argument("shop_id")
@click.option("--language", type=click.Choice(LANGUAGES), default="zh", show_default=True, help="语言。")
@_output
@program_option
def poster_command(shop_id: str, language: str, output: Path, program_code: str | None) -> None:
    """Draw the share poster of SHOP_ID as a PNG; links begin with DISTRIB_PUBLIC_URL."""

    def draw(invitation: Invitation, link: str) -> bytes:
        return draw_poster(invitation.program, invitation.inviter, invitation.code, link, language)

    _write(shop_id, output, program_code, draw)


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
    _write(shop_id, output, program_code, lambda _, link: draw_qr_code(link, scale))


def _write(shop_id: str, output: Path, program_code: str | None, draw: Callable[[Invitation, str], bytes]) -> None:
    with open_container() as container:
        base = container.settings.public_url
        if base is None:
            raise click.UsageError(in_both(Text("Set DISTRIB_PUBLIC_URL: what links begin with.")))
        with container.begin() as conn:
            program = container.program(conn, program_code)
            invitation = invitation_of(conn, program, container.policies, shop_id, container.now())
    link = invite_link(base, invitation.code)
    output.write_bytes(draw(invitation, link))
    click.echo(f"{output}: {link}")
