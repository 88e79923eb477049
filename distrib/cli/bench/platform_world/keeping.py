"""Makes a program of platform size in a database of its own and keeps it: the next run finds it there.

A database is named after what is in it: shops, orders, and a digest of the newest migration and of all that decides
the rows. One of another name is of another shape, or out of date; ``drop_world`` drops all of a shape.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Connection, NullPool, create_engine, make_url

from distrib.bootstrap import Container
from distrib.cli.bench.limits.rows import count_rows, vacuum
from distrib.cli.bench.platform_world.filling import Origins, fill, form_of, number_on
from distrib.cli.bench.platform_world.loading import bare_tables
from distrib.cli.bench.platform_world.shape import OPENED, SOLD_FROM, TIME_ZONE, PlatformWorld
from distrib.cli.bench.processes.databases import WORLDS_PREFIX
from distrib.cli.bench.world import PLAN
from distrib.domain.settlement.snapshot import Snapshot
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import Publication, create_plan, load_timeline, publish_plan
from distrib.services.programs.keys import KeyDraft, create_key
from distrib.services.programs.tenants import ProgramDraft, create_program, find_program
from distrib.store import migrate
from distrib.store.database import WORKER_ROLE
from distrib.store.sql import column, execute

CODE = "bench"
TABLES = (
    "shops",
    "referrals",
    "shop_statuses",
    "orders",
    "events",
    "event_outcomes",
    "settlements",
    "refund_lines",
    "transfers",
    "account_months",
    "transfer_blocks",
    "order_blocks",
)
_LOCK = 7145230
_NAMES = "SELECT datname FROM pg_database WHERE starts_with(datname, %(prefix)s) ORDER BY datname"


@dataclass(frozen=True, slots=True)
class OpenedWorld:
    """A world that is there: its address, a container on it, its program, and a key of an admin."""

    url: str
    container: Container
    program: Program
    key: str
    world: PlatformWorld
    is_new: bool


def no_step(_: str) -> None:
    """Says nothing of any step."""


@contextmanager
def open_world(
    container: Container, shops: int, orders: int, say: Callable[[str], None] = no_step
) -> Iterator[OpenedWorld]:
    """Opens a world, made first where it is not there; it stays after the block.

    Args:
        container: of the servers; its own database is not touched.
        shops: how many.
        orders: how many settled orders, from before January to March 2024, of one line or three; 4 in 100 are
            refunded, wholly or by a line.
        say: gets the name of each step as it begins.
    """
    world = PlatformWorld(shops, orders)
    url, is_new = ensure_world(container, world, say)
    own = Container(container.settings, url, container.redis_url)
    try:
        with own.begin() as conn:
            program = find_program(conn, CODE)
            key = create_key(
                Unit(conn, program, COMMAND_LINE, own.now()),
                KeyDraft("admin", "bench", None),
                own.settings.key_pepper.encode(),
            )
        yield OpenedWorld(url, own, program, key, world, is_new)
    finally:
        own.close()


def ensure_world(container: Container, world: PlatformWorld, say: Callable[[str], None]) -> tuple[str, bool]:
    """Has the world's database; answers its address, and whether it was made now."""
    name = _name(world)
    url = _address(container.database_url, name)
    with _administration(container.database_url) as connection:
        execute(connection, "SELECT pg_advisory_lock(%(lock)s)", {"lock": _LOCK})
        if name in _databases(connection):
            return url, False
        unfinished = f"{name}_unfinished"
        _drop(connection, unfinished)
        execute(connection, f'CREATE DATABASE "{unfinished}"')
        make_world(container, _address(container.database_url, unfinished), world, say)
        execute(connection, f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return url, True


def describe_world(container: Container, world: PlatformWorld, say: Callable[[str], None]) -> dict[str, Any]:
    """Has the world's database; answers its name and address, whether it was made now, its size and its rows."""
    started = time.perf_counter()
    url, is_new = ensure_world(container, world, say)
    with _connect(url) as conn:
        size = conn.execute("SELECT pg_database_size(current_database())").fetchone()
    return {
        "database": make_url(url).database,
        "url": url,
        "program": CODE,
        "made": is_new,
        "seconds": round(time.perf_counter() - started, 1),
        "bytes": size[0] if size else 0,
        "rows": {table: count for table, count in count_rows(url).items() if table in TABLES},
    }


def drop_world(container: Container, world: PlatformWorld) -> list[str]:
    """Drops every database of a world of that shape, of whatever schema, finished or not; answers their names."""
    with _administration(container.database_url) as connection:
        execute(connection, "SELECT pg_advisory_lock(%(lock)s)", {"lock": _LOCK})
        names = [name for name in _databases(connection) if name.startswith(_shape_prefix(world))]
        for name in names:
            _drop(connection, name)
    return names


def make_world(container: Container, url: str, world: PlatformWorld, say: Callable[[str], None]) -> Program:
    """Brings an empty database to the newest schema and makes the world in it."""
    say("schema")
    migrate.upgrade(url)
    own = Container(container.settings, url, container.redis_url)
    try:
        program = open_platform(own)
        origins = _origins(own, program)
    finally:
        own.close()
    with _connect(url) as owner, _connect(url) as writer, _connect(url) as reader:
        for connection in (writer, reader):
            connection.execute(f'SET ROLE "{WORKER_ROLE}"')
            connection.execute("SET timezone = 'UTC'")
            connection.execute("SET work_mem = '256MB'")
            connection.execute("SET synchronous_commit = off")
            connection.commit()
        with bare_tables(owner, TABLES):
            fill(writer, reader, world, origins, say)
            say("indexes")
        number_on(owner, world)
    say("vacuum")
    vacuum(url)
    return program


def open_platform(container: Container) -> Program:
    """The program without shops, with its plan in force."""
    with container.begin() as conn:
        now, packs = container.now(), container.policies
        program = create_program(conn, ProgramDraft(CODE, "CNY", TIME_ZONE, "open"), now, packs)
        plan = create_plan(Unit(conn, program, COMMAND_LINE, now), PLAN, packs)
        publish_plan(
            Unit(conn, program, COMMAND_LINE, now), packs, plan.code, plan.version, Publication(OPENED, "bench")
        )
    return program


def _origins(container: Container, program: Program) -> Origins:
    with container.begin() as conn:
        terms = TermsBook(program, load_timeline(conn, program), container.policies).in_force(SOLD_FROM)
    limits = Snapshot(
        None,
        order_cap_ppm=terms.order_cap_ppm,
        pack=terms.pack,
        entry_pays_seller=terms.entry_pays_seller,
        self_purchase_pays_uplines=terms.self_purchase_pays_uplines,
        max_tiers=terms.max_tiers,
    ).to_json()
    end = limits.removeprefix('{"v":2')
    return Origins(program.program_id, terms.version_no, terms.plan.lowest_rank, end, container.now())


def _name(world: PlatformWorld) -> str:
    digest = hashlib.sha256(f"{migrate.newest_revision()} {form_of(world)}".encode()).hexdigest()
    return f"{_shape_prefix(world)}{digest[:12]}"


def _shape_prefix(world: PlatformWorld) -> str:
    return f"{WORLDS_PREFIX}{world.shops}_{world.orders}_"


def _address(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def _administration(url: str) -> Iterator[Connection]:
    engine = create_engine(_address(url, "postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _databases(connection: Connection) -> list[str]:
    return column(connection, str, _NAMES, {"prefix": WORLDS_PREFIX})


def _drop(connection: Connection, name: str) -> None:
    execute(connection, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
