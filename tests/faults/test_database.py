"""What a database that is full, slow, older or at odds with itself does to the service: it waits, and loses nothing."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from distrib.app import create_app
from distrib.settings import Settings
from distrib.store.database import WEB_ROLE, PoolSize, open_engine
from distrib.store.patience import ServerHangs
from distrib.transactions import in_transaction, is_passing
from tests.world import databases
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World, open_world

_TROUBLES = {
    "53100": "the disk is full",
    "53200": "there is no memory left",
    "53300": "there is no connection left",
    "53400": "a limit of the configuration is reached",
    "58030": "the disk cannot be read",
    "25P03": "the transaction was idle for too long",
    "57P05": "the session was idle for too long",
    "57P03": "it is coming up",
    "57014": "the statement took too long",
    "55P03": "a lock was not to be had",
    "40P01": "two waited for each other",
    "40001": "two could not be put in order",
}
_FAILS = """
CREATE FUNCTION fail_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'in trouble' USING ERRCODE = '{state}'; END $$;
CREATE TRIGGER fails BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail_now()
"""


@pytest.fixture
def world(settings: Settings, database_url: str, redis_url: str) -> Iterator[World]:
    """A program with a plan and a shop."""
    opened = open_world(settings, database_url, redis_url)
    opened.publish(SELLER_TEN_PERCENT)
    opened.join(("a", None))
    yield opened
    opened.container.close()


@pytest.fixture
def as_owner(database_url: str) -> Iterator[Callable[[str], None]]:
    """Runs statements as the owner of the tables."""
    engine = open_engine(database_url, None)

    def run(statement: str) -> None:
        with engine.begin() as conn:
            conn.exec_driver_sql(statement)

    yield run
    engine.dispose()


def _mend(as_owner: Callable[[str], None], table: str) -> None:
    as_owner(f"DROP TRIGGER fails ON {table}; DROP FUNCTION fail_now()")


def test_whatever_trouble_the_database_is_in_a_post_is_told_to_come_again_and_nothing_is_half_kept(
    world: World, as_owner: Callable[[str], None]
) -> None:
    api = Api(create_app(world.container), world)
    orders, event = api.caller("orders"), settled("e", "o", "a", line(1_000))
    for state, meaning in _TROUBLES.items():
        as_owner(_FAILS.format(state=state, table="queue"))
        answer = orders.call("POST", "/v1/events", event)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), meaning
        assert orders.problem("POST", "/v1/events", event)["code"] == "unavailable", meaning
        _mend(as_owner, "queue")
    assert world.rows("SELECT count(*) FROM events WHERE program_id = :program")[0][0] == 0
    assert orders.post("/v1/events", event)["accepted"] == 1
    world.drain()
    assert world.earned() == {"a": 100}


@pytest.mark.parametrize("state", ["53100", "58030", "57P03", "55P03"])
def test_a_drain_blames_no_order_for_a_database_in_trouble(
    world: World, as_owner: Callable[[str], None], state: str
) -> None:
    world.post(*[settled(f"e{number}", f"o{number}", "a", line(1_000)) for number in range(3)])
    as_owner(_FAILS.format(state=state, table="settlements"))
    with pytest.raises((DBAPIError, psycopg.Error)) as caught:
        world.drain()
    assert isinstance(caught.value, DBAPIError | psycopg.Error)
    assert is_passing(caught.value)
    _mend(as_owner, "settlements")
    assert {world.outcome(f"e{number}")[0] for number in range(3)} == {"pending"}
    world.drain()
    assert world.earned() == {"a": 300}


def test_an_order_that_fails_once_alone_is_tried_again_and_not_parked(
    world: World, as_owner: Callable[[str], None]
) -> None:
    world.post(settled("e", "o", "a", line(1_000)))
    as_owner("CREATE SEQUENCE tries; GRANT USAGE ON tries TO distrib_worker")
    as_owner(
        "CREATE FUNCTION fail_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('tries') = 1 THEN RAISE EXCEPTION 'once' USING ERRCODE = 'XX000'; END IF; RETURN NULL; END $$;"
        "CREATE TRIGGER fails BEFORE INSERT ON settlements FOR EACH STATEMENT EXECUTE FUNCTION fail_now()"
    )
    assert world.drain().parked == 0
    assert (world.outcome("e"), world.earned()) == (("done", None), {"a": 100})


def test_two_units_that_wait_for_each_other_are_both_done(world: World) -> None:
    meet = threading.Barrier(2)
    begun = [0, 0]

    def unit_of(place: int) -> Callable[[Connection], None]:
        first, second = (1, 2) if place == 0 else (2, 1)

        def unit(conn: Connection) -> None:
            begun[place] += 1
            conn.execute(text("SELECT pg_advisory_xact_lock(77, :lock)"), {"lock": first})
            if begun[place] == 1:
                meet.wait(30)
            conn.execute(text("SELECT pg_advisory_xact_lock(77, :lock)"), {"lock": second})

        return unit

    with ThreadPoolExecutor(2) as two:
        list(two.map(lambda place: in_transaction(world.container.begin, unit_of(place)), (0, 1)))
    assert sorted(begun) == [1, 2]


def test_a_connection_that_was_idle_for_too_long_is_replaced_and_its_work_done_again(world: World) -> None:
    ended = threading.Event()

    def unit(conn: Connection) -> int:
        if not ended.is_set():
            conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = '20ms'"))
            pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with world.container.web_engine.connect() as other:
                while other.execute(
                    text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}
                ).scalar():
                    ended.wait(0.01)
                    other.commit()
            ended.set()
        return int(conn.execute(text("SELECT 7")).scalar_one())

    assert in_transaction(world.container.begin, unit) == 7


def test_a_process_of_the_database_that_hangs_is_given_up_and_the_next_unit_has_another(database_url: str) -> None:
    engine, attempts = open_engine(database_url, WEB_ROLE, statement_timeout_ms=200, pool=PoolSize(1)), list[int]()

    def hangs(conn: Connection) -> None:
        attempts.append(conn.execute(text("SELECT pg_backend_pid()")).scalar_one())
        os.kill(attempts[0], signal.SIGSTOP)
        conn.execute(text("SELECT 1"))

    try:
        with pytest.raises(OperationalError) as told:
            in_transaction(engine.begin, hangs)
        assert isinstance(told.value.orig, ServerHangs)
        assert is_passing(told.value)
        other = in_transaction(engine.begin, lambda conn: conn.execute(text("SELECT pg_backend_pid()")).scalar_one())
        assert [other] != attempts
        assert len(attempts) == 1
    finally:
        os.kill(attempts[0], signal.SIGCONT)
        engine.dispose()


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_a_day_off_changes_no_figure(world: World, days: int) -> None:
    world.post(*[settled(f"e{number}", f"o{number}", "a", line(1_000)) for number in range(3)])
    world.stopped_at = world.container.now() + timedelta(days=days)
    world.drain()
    world.stopped_at = None
    world.post(settled("e9", "o9", "a", line(1_000)))
    world.drain()
    assert world.earned() == {"a": 400}
    periods = world.rows("SELECT DISTINCT period FROM transfers WHERE program_id = :program")
    assert [row.period for row in periods] == [202603]


def test_an_old_backup_is_made_whole_by_sending_the_gap_again(
    world: World, desk: databases.Desk, settings: Settings
) -> None:
    before = [settled(f"e{number}", f"o{number}", "a", line(1_000)) for number in range(3)]
    gap = [settled(f"g{number}", f"p{number}", "a", line(2_000)) for number in range(3)]
    world.earn(*before)
    url = make_url(str(settings.database_url))
    backup = f"{url.database}_backup"
    world.container.disconnect()
    with databases.administration(desk.database_url) as connection:
        connection.execute(text(f'CREATE DATABASE "{backup}" TEMPLATE "{url.database}"'))
    try:
        world.earn(*gap)
        restored = _reopened(world, settings, url.set(database=backup).render_as_string(hide_password=False))
        assert restored.earned() == {"a": 300}
        assert [answer.status for answer in restored.post(*before, *gap)] == ["duplicate"] * 3 + ["accepted"] * 3
        restored.drain()
        assert restored.earned() == world.earned() == {"a": 900}
        restored.container.close()
    finally:
        with databases.administration(desk.database_url) as connection:
            databases.drop(connection, backup)


def _reopened(world: World, settings: Settings, database_url: str) -> World:
    container = type(world.container)(settings, database_url, world.container.redis_url)
    return World(container, world.program)
