"""Brings a database to the newest schema by Alembic. Nothing but migrations may enter.

Alembic is imported where there is something to migrate: it takes longer than all else that a start does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from distrib.domain.errors import CannotStart
from distrib.domain.texts import Text
from distrib.store.database import driver, open_engine
from distrib.store.locks import MIGRATIONS
from distrib.store.privileges import EVERY_PROGRAM
from distrib.store.sql import execute, value, value_or_none

Announce: TypeAlias = Callable[["str | None", str], None]
"""Takes the schema that a database stands at, None where it has none, and the one that it is brought to."""
_NAMES = re.compile(r'^(revision|down_revision) = "(\w+)"', re.MULTILINE)
_NO_ROLE = ("22023", "42704")  # the role of the web is made by the first migration
_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database_url: str, revision: str = "head", announce: Announce = lambda _before, _after: None) -> None:
    """Runs every migration up to ``revision`` that is missing; safe when two run it at once.

    Args:
        database_url: by the login that owns the tables.
        revision: the name of a migration; ``head`` is the newest.
        announce: is told what is about to happen, where anything is.

    Raises:
        CannotStart: the database stands at a migration that this code does not know.
    """
    wanted = newest_revision() if revision == "head" else revision
    engine = open_engine(database_url, None, statement_timeout_ms=0, lock_timeout_ms=0)
    try:
        with engine.begin() as conn:
            execute(conn, "SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": MIGRATIONS})
            version = _version(conn)
            _must_know(version)
            if version == wanted:
                _serve_every_program(conn)
            else:
                announce(version, wanted)
                _upgrade(conn, revision)
    finally:
        engine.dispose()


def is_served(engine: Engine) -> bool:
    """Whether this code can serve the database: it stands at its newest migration, or at one of a newer release.

    A release changes nothing that the one before it reads or writes (docs/stability.md), so that the older one serves
    on while the newer one migrates, and may be started again after it.
    """
    with engine.connect() as conn:
        version = _version(conn)
    return version == newest_revision() or (version is not None and version not in _follows())


def must_be_served(engine: Engine) -> None:
    """Checks that this code can serve the database.

    Raises:
        CannotStart: the database stands at an older migration or at none, and ``distrib migrate`` has to run first.
    """
    try:
        if is_served(engine):
            return
        with engine.connect() as conn:
            version = _version(conn)
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if getattr(cause, "sqlstate", None) not in _NO_ROLE:
            raise
        version = None
    if version is None:
        raise CannotStart(Text("The database has no schema yet: run `distrib migrate`."))
    raise CannotStart(
        Text(
            "The database is at schema {version} and this release needs {newest}: run `distrib migrate`.",
            version=version,
            newest=newest_revision(),
        )
    )


@cache
def newest_revision() -> str:
    """The name of the newest migration of this code: the one that no other follows."""
    follows = _follows()
    (newest,) = follows.keys() - set(follows.values())
    return newest


@cache
def _follows() -> dict[str, str | None]:
    """Every migration of this code, with the one that it follows."""
    follows: dict[str, str | None] = {}
    for path in (_SCRIPTS / "versions").glob("*.py"):
        named = dict(_NAMES.findall(path.read_text("utf-8")))
        follows[named["revision"]] = named.get("down_revision")
    return follows


def _must_know(version: str | None) -> None:
    if version is None or version in _follows():
        return
    raise CannotStart(
        Text(
            "The database is at schema {version}, which this release does not know: its own is {newest}."
            " A newer release migrated it: run that one.",
            version=version,
            newest=newest_revision(),
        )
    )


def _version(conn: Connection) -> str | None:
    """The migration that a database stands at; None where it never had one."""
    if not value(conn, bool, "SELECT to_regclass('alembic_version') IS NOT NULL"):
        return None
    return value_or_none(conn, str, "SELECT version_num FROM alembic_version")


def _serve_every_program(conn: Connection) -> None:
    driver(conn).execute(EVERY_PROGRAM.encode())


def _upgrade(conn: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - see the module
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": conn, "after_each": _serve_every_program})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    command.upgrade(config, revision)
