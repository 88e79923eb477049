"""``distrib import maps``: lists the maps that come with the program, or prints one to start from."""

from __future__ import annotations

import click

from distrib.cli.imports.maps.loading import shipped_maps
from distrib.cli.output import in_both
from distrib.domain.texts import Text


@click.command("maps")
@click.argument("name", required=False)
def maps_command(name: str | None) -> None:
    """List the maps there are, or print the one called NAME, to be copied and changed."""
    maps = shipped_maps()
    if name is None:
        click.echo("\n".join(maps))
        return
    if name not in maps:
        words = Text("{name} is not among the maps {known}", name=name, known=list(maps))
        raise click.BadParameter(in_both(words))
    click.echo(maps[name].read_text("utf-8"), nl=False)
