"""The sweeper asks the database and waits for nobody: not for Redis, not for servers that are looked after."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from distrib.bootstrap import Container
from distrib.dispatch import Bell, bell_queue
from distrib.embedded import EmbeddedServers
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.processes import wait_until
from tests.world.world import World, chain
from workers.supervisor import Supervisor


class HungServers(EmbeddedServers):
    """Servers of which the look after them never comes back, as a Valkey that is frozen keeps it for long."""

    def __init__(self) -> None:
        self.looked = threading.Event()
        self.released = threading.Event()

    def ensure_postgres(self) -> None:
        """It runs."""

    def ensure_valkey(self) -> None:
        """Hangs."""
        self.looked.set()
        self.released.wait()


@pytest.fixture
def hung(world: World) -> Iterator[tuple[Supervisor, HungServers]]:
    """A supervisor, without workers, whose look after the servers hangs."""
    servers, own = HungServers(), world.container
    container = Container(own.settings, own.database_url, "unix:///nowhere/redis.sock?db=0", servers)
    supervisor = Supervisor(container, 0)
    supervisor.keep_watching()
    yield supervisor, servers
    servers.released.set()
    supervisor.stop_watching()
    container.close()


def test_a_sweep_settles_what_waits_while_the_look_after_the_servers_hangs(
    world: World, hung: tuple[Supervisor, HungServers]
) -> None:
    supervisor, servers = hung
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a"))
    world.post(settled("e", "o", "a", line(1_000)))
    assert servers.looked.wait(60)
    supervisor.sweep()
    assert world.earned() == {"a": 100}
    assert not servers.released.is_set()


def test_a_sweep_drains_itself_where_redis_answers_and_no_worker_listens(world: World) -> None:
    supervisor = Supervisor(world.container, 2)  # its workers are not started yet
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a"))
    world.post(settled("e", "o", "a", line(1_000)))
    supervisor.sweep()
    assert world.earned() == {"a": 100}


def test_a_bell_is_heard_where_a_worker_listens_and_not_without_one_or_without_redis(world: World) -> None:
    connection = redis.Redis.from_url(world.container.redis_url)
    try:
        bell = Bell(connection)
        assert not bell.is_heard()
        worker = SimpleWorker([bell_queue(connection)], connection=connection, serializer=JSONSerializer)
        worker.register_birth()
        assert bell.is_heard()
        worker.register_death()
        assert not bell.is_heard()
    finally:
        connection.close()
    nowhere = redis.Redis.from_url("unix:///nowhere/redis.sock?db=0")
    assert not Bell(nowhere).is_heard()


def test_a_supervisor_notices_who_hears_the_bell_without_being_asked(world: World) -> None:
    connection = redis.Redis.from_url(world.container.redis_url)
    worker = SimpleWorker([bell_queue(connection)], connection=connection, serializer=JSONSerializer)
    worker.register_birth()
    supervisor = Supervisor(world.container, 1)
    supervisor.keep_watching()
    try:
        wait_until(lambda: supervisor.is_heard, "the worker is noticed")
        worker.register_death()
        wait_until(lambda: not supervisor.is_heard, "that nobody listens is noticed")
    finally:
        supervisor.stop_watching()
        connection.close()
