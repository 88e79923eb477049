"""No transaction of the service leaves a role, a setting, a statement or a lock on its connection, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

from distrib.bootstrap import Container
from distrib.settings import Settings
from distrib.store.database import WORKER_ROLE, allow_long_reads, below, enter_program
from distrib.transactions import in_transaction
from tests.world.databases import administration
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
        connection.rollback()  # after another isolation level psycopg begins by itself

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


def test_a_connection_that_is_lost_before_its_begin_is_replaced_and_the_unit_runs_again(
    container: Container, database_url: str
) -> None:
    lost: list[int] = []

    @contextmanager
    def begin() -> Iterator[Connection]:
        with container.worker_engine.connect() as conn:
            pid = below(conn).info.backend_pid
            if not lost:
                with administration(database_url) as administering:
                    administering.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
                lost.append(pid)
            with conn.begin():
                yield conn

    pid = in_transaction(begin, lambda conn: int(conn.execute(text("SELECT pg_backend_pid()")).scalar_one()))
    assert lost
    assert pid not in lost


def test_a_connection_that_had_another_isolation_level_begins_as_any_other_afterwards(container: Container) -> None:
    found = watch(container.worker_engine)
    for level, acts_as in (("AUTOCOMMIT", None), ("REPEATABLE READ", WORKER_ROLE), (None, WORKER_ROLE)):
        options = {} if level is None else {"isolation_level": level}
        with container.worker_engine.connect().execution_options(**options) as conn:
            shown = "SELECT current_setting('transaction_isolation'), current_user, session_user"
            isolation, user, login = conn.execute(text(shown)).one()
        assert isolation == ("repeatable read" if level == "REPEATABLE READ" else "read committed")
        assert user == (acts_as or login)
    assert [left for left in found if left] == []
