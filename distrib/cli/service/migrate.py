"""``distrib migrate``: brings the database to the newest schema, or prints what its owner needs for that."""

from __future__ import annotations

from collections.abc import Sequence

import click
from sqlalchemy import make_url

from distrib.bootstrap import Container, migration_text, open_container
from distrib.cli.output import in_both
from distrib.domain.errors import CannotStart
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.logs import configure_logs
from distrib.setting_checks import SettingsError
from distrib.settings import Settings, read_settings
from distrib.store.logins import admit_logins
from distrib.store.migrate import newest_revision, upgrade
from distrib.store.privileges import Logins, prepare_roles, role_statements


@click.command()
@click.option("--print-roles", is_flag=True, help="Print the SQL that makes roles and logins, and change nothing.")
def migrate(print_roles: bool) -> None:
    """Bring the database to the newest schema."""
    if print_roles:
        _print_roles(read_settings())
        return
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    with open_container(settings, tell=_tell) as container:  # the embedded one is at the newest schema by now
        refused = _migrate(container) if container.servers is None else []
    click.echo(in_both(Text("The database is at schema {newest}.", newest=newest_revision())))
    _must_be_done(refused)


def _migrate(container: Container) -> Sequence[str]:
    """Migrates a database of one's own; returns the statements on logins that the owner may not run.

    Then the database knows with which pepper it is served, before the first web comes.
    """
    owner_url = container.owner_database_url or container.database_url
    worker_url = container.worker_database_url or container.database_url

    def begin(before: str | None, after: str) -> None:
        _must_be_done(prepare_roles(owner_url))
        _tell(migration_text(before, after))

    upgrade(owner_url, announce=begin)
    refused = admit_logins(owner_url, container.database_url, worker_url)
    if not refused:
        container.record_peppers()
    return refused


def _must_be_done(statements: Sequence[str]) -> None:
    """Raises one message with the statements that somebody else has to run, where there are any."""
    if statements:
        listed = f"{'; '.join(statements)};"
        words = Text("its login may not do this; have it done by somebody who may: {statements}", statements=listed)
        raise SettingsError([f"DISTRIB_OWNER_DATABASE_URL: {render_both(words)}"])


def _print_roles(settings: Settings) -> None:
    if settings.database_url is None:
        raise CannotStart(Text("The embedded database makes its own roles: DISTRIB_DATABASE_URL names another."))
    urls = (settings.owner_database_url, settings.database_url, settings.worker_database_url)
    logins = [make_url(url or settings.database_url).username for url in urls]
    if not all(logins):
        raise CannotStart(Text("Each address of the database has to name its login."))
    for statement in role_statements(Logins(*map(str, logins))):
        click.echo(f"{statement};")


def _tell(text: Text) -> None:
    click.echo(in_both(text))
