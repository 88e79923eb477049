"""``distrib migrate``: brings the database to the newest schema."""

from __future__ import annotations

import click

from distrib.bootstrap import open_container
from distrib.store.migrate import upgrade


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema. 升级数据库结构。"""
    with open_container(migrated=False) as container:
        upgrade(container.database_url)
    click.echo("The database is at the newest schema. 数据库已是最新结构。")
