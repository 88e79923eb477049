"""``distrib migrate``: brings the database to the newest schema."""

from __future__ import annotations

import click

from distrib.bootstrap import migration_text, open_container
from distrib.cli.output import in_both
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.settings import SettingsError
from distrib.store.logins import admit_logins
from distrib.store.migrate import newest_revision, upgrade


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    with open_container(tell=_tell) as container:  # the embedded one is at the newest schema by now
        owner_url = container.owner_database_url or container.database_url
        worker_url = container.worker_database_url or container.database_url
        upgrade(owner_url, announce=lambda before, after: _tell(migration_text(before, after)))
        refused = admit_logins(owner_url, container.database_url, worker_url)
    click.echo(in_both(Text("The database is at schema {newest}.", newest=newest_revision())))
    if refused:
        statements = f"{'; '.join(refused)};"
        words = Text("its login may not do this; have it done by somebody who may: {statements}", statements=statements)
        raise SettingsError([f"DISTRIB_OWNER_DATABASE_URL: {render_both(words)}"])


def _tell(text: Text) -> None:
    click.echo(in_both(text))
