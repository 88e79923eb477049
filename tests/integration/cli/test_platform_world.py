"""The program of platform size is row for row what the API and the drain leave, and its database is kept."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from distrib.bootstrap import Container, open_container
from distrib.cli.bench import bench
from distrib.cli.bench.limits.rows import count_rows, vacuum
from distrib.cli.bench.platform_world.filling import BATCH_ORDERS
from distrib.cli.bench.platform_world.keeping import drop_world, make_world, open_platform, open_world
from distrib.cli.bench.platform_world.shape import PlatformWorld
from distrib.cli.bench.processes.databases import own_databases
from distrib.drainer import Drainer
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.network.shops import register_shops
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import accept_events
from distrib.settings import Settings
from distrib.store import migrate
from tests.world.audited import audit_all
from tests.world.commands import name_servers

T = TypeVar("T")
WORLD = PlatformWorld(500, 4_150)
BY_CHANCE = {"alembic_version": set[str](), "shops": {"invite_code"}}
"""Columns that are drawn at random, by table."""


@pytest.fixture
def container(settings: Settings) -> Iterator[Container]:
    """A container on the test's own database."""
    with open_container(settings) as opened:
        yield opened


def test_the_rows_made_by_sql_are_those_that_the_api_and_the_drain_leave(container: Container) -> None:
    with own_databases(container.database_url) as databases:
        made, drained = databases.make("made"), databases.make("drained")
        make_world(container, made, WORLD, lambda step: None)
        leave_by_the_drain(container, drained)
        for url in (made, drained):
            vacuum(url)  # or the audit is planned for empty tables
            audit_all(url)
        assert count_rows(made) == count_rows(drained)
        assert sequences(container, made) == sequences(container, drained)
        for table, count in count_rows(made).items():
            if count:
                assert rows_of(container, made, table) == rows_of(container, drained, table), table


def test_a_world_is_made_once_and_found_again_beside_runs_that_drop_what_was_left(container: Container) -> None:
    try:
        with open_world(container, 60, 61) as opened:
            assert opened.is_new
            rows = count_rows(opened.url)
            assert (rows["shops"], rows["orders"], rows["queue"]) == (60, 61, 0)
        with own_databases(container.database_url), open_world(container, 60, 61) as again:
            assert (again.url, again.is_new) == (opened.url, False)
            assert again.key != opened.key
    finally:
        dropped = drop_world(container, PlatformWorld(60, 61))
    assert [opened.url.partition("?")[0].endswith(name) for name in dropped] == [True]
    assert drop_world(container, PlatformWorld(60, 61)) == []


def test_the_command_tells_what_is_there_and_drops_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    name_servers(settings, monkeypatch)
    words = ["world", "--shops", "70", "--orders", "71", "--lang", "en"]
    runner = CliRunner()
    try:
        made = json.loads(runner.invoke(bench, [*words, "--json"]).stdout)
        assert (made["made"], made["program"], made["rows"]["transfers"] > 71) == (True, "bench", True)
        table = runner.invoke(bench, words).stdout
        assert made["database"] in table
        assert f"{made['rows']['transfers']}" in table
    finally:
        dropped = json.loads(runner.invoke(bench, [*words, "--drop", "--json"]).stdout)
    assert dropped == {"dropped": [made["database"]]}
    assert "Dropped: –" in runner.invoke(bench, [*words, "--drop"]).stdout


def leave_by_the_drain(container: Container, url: str) -> None:
    """The same world through the services that the API calls and through the drain."""
    migrate.upgrade(url)
    own = Container(container.settings, url, container.redis_url)
    try:
        program = open_platform(own)
        for drafts in thousands(WORLD.drafts()):
            with own.begin() as conn:
                pepper = own.settings.key_pepper.encode()
                register_shops(Unit(conn, program, COMMAND_LINE, own.now()), own.policies["open"], drafts, pepper)
        for events in (WORLD.settled_events(), WORLD.refunded_events()):
            post(own, program, events)
            Drainer(own.worker_engine, own.policies, BATCH_ORDERS, own.now).run()
    finally:
        own.close()


def post(container: Container, program: Program, events: Iterator[dict[str, Any]]) -> None:
    """Posts events a thousand at a time; all have to be accepted."""
    for batch in thousands(events):
        decoded = [event for raw in batch if (event := decode_event(raw, container.now())) is not None]
        with container.begin() as conn:
            accepted = accept_events(Unit(conn, program, COMMAND_LINE, container.now()), decoded)
        assert [answer.status for answer in accepted] == ["accepted"] * len(batch)


def thousands(values: Iterator[T]) -> Iterator[list[T]]:
    """The values, up to a thousand at a time."""
    while batch := list(islice(values, 1_000)):
        yield batch


def rows_of(container: Container, url: str, table: str) -> list[dict[str, Any]]:
    """All rows of a table in the order of their text, without what is drawn at random and when it was recorded."""
    own = Container(container.settings, url, container.redis_url)
    try:
        with own.begin() as conn:
            rows = conn.execute(text(f'SELECT to_jsonb(t) AS kept FROM "{table}" t')).scalars().all()
    finally:
        own.close()
    left_out = BY_CHANCE.get(table, set()) | {"recorded_at", "received_at", "done_at", "created_at", "published_at"}
    kept = [{name: value for name, value in row.items() if name not in left_out} for row in rows]
    return sorted(kept, key=lambda row: json.dumps(row, sort_keys=True))


def sequences(container: Container, url: str) -> dict[str, int | None]:
    """The last number that each sequence gave."""
    own = Container(container.settings, url, container.redis_url)
    try:
        with own.begin() as conn:
            statement = text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")
            return {row.sequencename: row.last_value for row in conn.execute(statement)}
    finally:
        own.close()
