"""No transaction of the service leaves a role, a setting, a statement or a lock on its connection, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from distrib.bootstrap import Container
from distrib.settings import Settings
from distrib.store.database import allow_long_reads, enter_program
from tests.world.leftovers import left_behind, own_settings
from tests.world.main_path import walk


@pytest.fixture
def container(settings: Settings, database_url: str, redis_url: str) -> Iterator[Container]:
    """The service on the test's database."""
    opened = Container(settings, database_url, redis_url)
    yield opened
    opened.close()


def watch(engine: Engine) -> list[dict[str, list[str]]]:
    """What is found on each connection that comes back, from now on."""
    found: list[dict[str, list[str]]] = []

    def look(connection: Any, _record: object) -> None:
        found.append(left_behind(connection))

    event.listen(engine, "checkin", look)
    return found


def test_the_main_path_leaves_nothing_on_any_connection(container: Container) -> None:
    web, worker = watch(container.web_engine), watch(container.worker_engine)
    walk(container, "tidy")
    assert min(len(web), len(worker)) > 20
    assert [left for left in web + worker if left] == []


@pytest.mark.parametrize("ending", ["commit", "rollback", "error", "lost"])
def test_a_transaction_that_set_much_leaves_nothing_however_it_ends(container: Container, ending: str) -> None:
    found = watch(container.web_engine)
    try:
        with container.web_engine.begin() as conn:
            enter_program(conn, 1)
            allow_long_reads(conn, 3)
            conn.execute(text("SELECT pg_advisory_xact_lock(1, 2)"))
            with conn.begin_nested():
                conn.execute(text("SET LOCAL work_mem = '32MB'"))
            if ending == "rollback":
                conn.rollback()
            if ending == "error":
                conn.execute(text("SELECT 1 / 0"))
            if ending == "lost":
                raise KeyboardInterrupt
    except (DBAPIError, KeyboardInterrupt):
        assert ending in ("error", "lost")
    assert found == [{}]


def test_what_a_connection_is_asked_for_would_be_seen(container: Container) -> None:
    found = watch(container.worker_engine)
    with container.worker_engine.begin() as conn:
        for name in own_settings():
            conn.execute(text("SELECT set_config(:name, '1', false)"), {"name": name})
        conn.execute(text("SET ROLE distrib_web"))
        conn.execute(text("SET work_mem = '32MB'"))
        conn.execute(text("SELECT pg_advisory_lock(1, 2)"))
        conn.execute(text("PREPARE own AS SELECT 1"))
        conn.execute(text("LISTEN anything"))
    assert {name: len(left) for name, left in found[0].items()} == {
        "roles": 1,
        "settings": len(own_settings()) + 1,
        "statements": 1,
        "locks": 1,
        "channels": 1,
    }
    assert set(own_settings()) >= {"distrib.program_id", "distrib.key_id", "distrib.invite_code", "distrib.posting_no"}
