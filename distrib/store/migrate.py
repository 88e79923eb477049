"""Brings a database to the newest schema by Alembic. Nothing but migrations may enter.

Alembic is imported where there is something to migrate: it takes longer than all else that a start does.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from distrib.store.database import open_engine
from distrib.store.locks import MIGRATIONS

_NAMES = re.compile(r'^(revision|down_revision) = "(\w+)"', re.MULTILINE)
_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database_url: str, revision: str = "head") -> None:
    """Runs every migration up to ``revision`` that is missing; safe when two run it at once."""
    engine = open_engine(database_url, None, statement_timeout_ms=0, lock_timeout_ms=0)
    try:
        with engine.begin() as conn:
            conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATIONS})
            if _version(conn) != (newest_revision() if revision == "head" else revision):
                _upgrade(conn, revision)
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest migration."""
    with engine.connect() as conn:
        return _version(conn) == newest_revision()


@cache
def newest_revision() -> str:
    """The name of the newest migration of this code: the one that no other follows."""
    follows: dict[str, str | None] = {}
    for path in (_SCRIPTS / "versions").glob("*.py"):
        named = dict(_NAMES.findall(path.read_text("utf-8")))
        follows[named["revision"]] = named.get("down_revision")
    (newest,) = follows.keys() - set(follows.values())
    return newest


def _version(conn: Connection) -> str | None:
    """The migration that a database stands at; None where it never had one."""
    if conn.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(conn: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - see the module
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": conn})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    command.upgrade(config, revision)
