"""The newest migration is found without Alembic, which takes longer to import than all else that a start does."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from distrib.store import migrate


def test_the_newest_migration_is_the_one_that_alembic_says() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    assert migrate.newest_revision() == ScriptDirectory.from_config(config).get_current_head()
