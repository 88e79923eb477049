"""Brings a database to the newest schema by Alembic. Nothing but migrations may enter."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from distrib.store.database import open_engine
from distrib.store.locks import MIGRATIONS

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database_url: str, revision: str = "head") -> None:
    """Runs every migration up to ``revision`` that is missing; safe when two run it at once."""
    engine = open_engine(database_url, None, statement_timeout_ms=0, lock_timeout_ms=0)
    try:
        with engine.begin() as conn:
            conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATIONS})
            config = _config()
            config.attributes["connection"] = conn
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest migration."""
    with engine.connect() as conn:
        if conn.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
            return False
        version = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return bool(version == ScriptDirectory.from_config(_config()).get_current_head())


def newest_revision() -> str:
    """The name of the newest migration."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
