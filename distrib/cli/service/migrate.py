"""``distrib migrate``: brings the database to the newest schema."""

from __future__ import annotations

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both
from distrib.domain.texts import Text
from distrib.store.migrate import upgrade


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    with open_container(migrated=False) as container:
        upgrade(container.database_url)
    click.echo(in_both(Text("The database is at the newest schema.")))
