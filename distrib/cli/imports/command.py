"""``distrib import``: imports shops and events from files."""

from __future__ import annotations

import click

from distrib.cli.imports.events import import_events_command
from distrib.cli.imports.maps.command import maps_command
from distrib.cli.imports.shops import import_shops_command


@click.group("import")
def import_group() -> None:
    """Bring in shops or events from a file."""


import_group.add_command(import_shops_command)
import_group.add_command(import_events_command)
import_group.add_command(maps_command)
