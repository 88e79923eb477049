"""Through a pooler in transaction mode the service comes to the same figures, and leaves nothing on its connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from sqlalchemy import Connection, Engine, text

from distrib.bootstrap import Container
from distrib.settings import Settings
from distrib.store.database import WEB_ROLE, WORKER_ROLE, PoolSize, below, open_engine
from tests.world.leftovers import left_behind
from tests.world.main_path import walk
from tests.world.pooler import CONNECTIONS, pooled

_WHERE = text("SELECT pg_backend_pid(), current_user")


@pytest.fixture
def pooled_url(database_url: str) -> Iterator[str]:
    """The address of the test's database through PgBouncer."""
    with pooled(database_url) as url:
        yield url


@pytest.fixture
def container(settings: Settings, pooled_url: str, redis_url: str) -> Iterator[Container]:
    """The service behind the pooler, the web and the workers by one login: they share its connections."""
    opened = Container(settings, pooled_url, redis_url)
    yield opened
    opened.close()


def test_the_main_path_comes_to_the_same_figures_as_without_a_pooler(
    container: Container, settings: Settings, database_url: str, redis_url: str
) -> None:
    with closing(Container(settings, database_url, redis_url)) as direct:
        expected = walk(direct, "direct")
    assert all(expected[name] for name in ("earned", "closed", "paid", "checks"))
    assert walk(container, "pooled") == expected
    for conn in every_connection(container.worker_engine):
        assert left_behind(below(conn)) == {}


def test_each_transaction_has_its_role_whatever_ran_on_its_connection_before(container: Container) -> None:
    seen: Counter[tuple[str, int]] = Counter()
    for _ in range(6 * CONNECTIONS):
        for engine, role in ((container.web_engine, WEB_ROLE), (container.worker_engine, WORKER_ROLE)):
            with engine.begin() as conn:
                pid, user = conn.execute(_WHERE).one()
            assert user == role
            seen[role, pid] += 1
    shared = {pid for role, pid in seen if role == WEB_ROLE} & {pid for role, pid in seen if role == WORKER_ROLE}
    assert shared, "the roles have never met on a connection"


def test_limits_hold_in_a_transaction_and_nowhere_else(pooled_url: str) -> None:
    engine = open_engine(pooled_url, WEB_ROLE, statement_timeout_ms=1_234, lock_timeout_ms=567)
    with engine.begin() as conn:
        limits = [conn.execute(text(f"SHOW {name}")).scalar_one() for name in ("statement_timeout", "lock_timeout")]
    engine.dispose()
    assert limits == ["1234ms", "567ms"]


def test_statements_are_prepared_on_connections_of_ones_own_and_on_no_poolers(
    pooled_url: str, database_url: str
) -> None:
    prepared = []
    for url in (pooled_url, database_url):
        engine = open_engine(url, WORKER_ROLE, pool=PoolSize(1))
        for _ in range(12):
            with engine.begin() as conn:
                conn.execute(text("SELECT count(*) FROM programs WHERE program_id = :number"), {"number": 1})
                count = conn.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one()
        prepared.append(count > 0)
        engine.dispose()
    assert prepared == [False, True]


def every_connection(engine: Engine) -> Iterator[Connection]:
    """As many transactions at once as the pooler has connections, so that each is on another."""
    with ExitStack() as stack:
        connections = [stack.enter_context(engine.connect()) for _ in range(CONNECTIONS)]
        assert len({conn.execute(_WHERE).one()[0] for conn in connections}) == CONNECTIONS
        for conn in connections:
            conn.rollback()
        yield from connections
