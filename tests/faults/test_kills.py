"""kill -9 of whatever is at work: nothing accepted is lost, nothing is paid twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from distrib.embedded import EmbeddedServers
from distrib.settings import Settings
from distrib.store import migrate
from tests.world.documents import SELLER_TEN_PERCENT, decided, line, refunded, settled
from tests.world.live import Client, Live, live_service
from tests.world.processes import children_of, kill, running_workers, wait_until
from tests.world.world import World, chain, open_world

ORDERS = 3_000
PLAN = {
    **SELLER_TEN_PERCENT,
    "tiers": 1,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10"},
        {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
TOTALS = {"b": ORDERS * 100 - ORDERS // 3 * 50, "a": ORDERS * 50 - ORDERS // 3 * 25}


@pytest.fixture
def small_batches(settings: Settings, database_url: str, redis_url: str) -> Iterator[World]:
    """A world whose workers commit every 50 orders, so that a kill hits the middle of something."""
    world = open_world(replace(settings, drain_batch_orders=50), database_url, redis_url)
    _fill(world)
    yield world
    world.container.close()


def _fill(world: World) -> None:
    world.publish(PLAN)
    world.join(*chain("a", "b"))
    for start in range(0, ORDERS, 1_000):
        numbers = range(start, start + 1_000)
        world.post(*[settled(f"e{n}", f"o{n}", "b", line(1_000)) for n in numbers])
    world.post(*[refunded(f"r{n}", f"o{n}", {"1": 500}) for n in range(0, ORDERS, 3)])


def _is_through(world: World) -> bool:
    return world.container.orders_in_queue() == 0


def _settled_orders(world: World) -> int:
    return int(world.rows("SELECT count(*) FROM settlements")[0][0])


def test_killing_workers_in_the_middle_of_a_drain_loses_nothing(small_batches: World) -> None:
    world = small_batches
    killed = 0
    with running_workers(world.container, 2) as supervisor:
        wait_until(lambda: _settled_orders(world) > 100, "the workers have begun")
        for _ in range(3):
            alive = children_of(supervisor.pid)
            if alive and not _is_through(world):
                kill(alive[0])
                killed += 1
            wait_until(lambda: _is_through(world) or len(children_of(supervisor.pid)) == 2, "the workers are back")
        wait_until(lambda: _is_through(world), "all is worked on")
    assert killed
    assert (world.earned(), _settled_orders(world)) == (TOTALS, ORDERS)


def test_killing_the_supervisor_takes_its_workers_along_and_the_next_one_goes_on(small_batches: World) -> None:
    world = small_batches
    with running_workers(world.container, 2) as supervisor:
        wait_until(lambda: _settled_orders(world) > 100, "the workers have begun")
        orphans = children_of(supervisor.pid)
        kill(supervisor.pid)
        wait_until(lambda: not any(_is_running(pid) for pid in orphans), "no orphan works on")
    with running_workers(world.container, 2):
        wait_until(lambda: _is_through(world), "all is worked on")
    assert (world.earned(), _settled_orders(world)) == (TOTALS, ORDERS)


def test_without_any_redis_the_sweeper_works_on_everything(settings: Settings, database_url: str) -> None:
    world = open_world(settings, database_url, "unix:///nowhere/redis.sock?db=0")
    try:
        _fill(world)
        with running_workers(world.container, 1):
            wait_until(lambda: _is_through(world), "all is worked on")
        assert world.earned() == TOTALS
    finally:
        world.container.close()


def test_a_lone_event_right_after_another_one_is_worked_on_without_a_sweep(
    settings: Settings, database_url: str, redis_url: str
) -> None:
    world = open_world(replace(settings, sweep_interval_ms=60_000), database_url, redis_url)
    world.publish(PLAN)
    world.join(*chain("a", "b"))
    try:
        with running_workers(world.container, 1):
            for n in range(20):
                world.post(settled(f"e{n}", f"o{n}", "b", line(1_000)))
                world.container.bell.ring()
                wait_until(lambda: _is_through(world), "the bell was heard", 30)
        assert world.earned() == {"b": 2_000, "a": 1_000}
    finally:
        world.container.close()


def test_killing_valkey_and_postgres_under_the_workers_loses_nothing(
    private_servers: EmbeddedServers, settings: Settings
) -> None:
    migrate.upgrade(private_servers.database_url)
    settings = replace(settings, drain_batch_orders=50)
    world = open_world(settings, private_servers.database_url, private_servers.redis_url)
    try:
        _fill(world)
        with running_workers(world.container, 2):
            wait_until(lambda: _settled_orders(world) > 100, "the workers have begun")
            kill(private_servers.valkey_pid)
            wait_until(lambda: _settled_orders(world) > 600, "the workers go on without Valkey")
            kill(private_servers.postgres_pid)
            wait_until(lambda: not private_servers.postgres_pid, "PostgreSQL is dead")
            private_servers.ensure_postgres()
            private_servers.ensure_valkey()
            world.container.worker_engine.dispose()
            wait_until(lambda: _is_through(world), "all is worked on")
        assert (world.earned(), _settled_orders(world)) == (TOTALS, ORDERS)
    finally:
        world.container.close()


def test_what_killed_services_leave_lies_under_var_dir_and_goes_with_the_next_one(
    settings: Settings, database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, metrics = tmp_path / "temporary", settings.var_dir / "metrics"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    world = open_world(settings, database_url, redis_url)
    try:
        with live_service(world.container) as beside:
            for _ in range(3):
                with live_service(world.container) as live:
                    claimed = {path.name for path in metrics.iterdir() if path.is_dir()}
                    assert (len(claimed), {name.split("-")[0] for name in claimed}) == (
                        2,
                        {str(beside.web_pid), str(live.web_pid)},
                    )
                    orphans = children_of(live.web_pid)
                    kill(live.web_pid)
                    wait_until(partial(_are_gone, orphans), "no orphan serves on")
            assert _scrapes(beside)
        left = [path for path in metrics.iterdir() if path.is_dir()]
        assert [path.name.split("-")[0] for path in left] == [str(live.web_pid)]
        with live_service(world.container):
            assert not left[0].exists()
        assert [path for path in metrics.iterdir() if path.is_dir()] == []
        assert list(temporary.iterdir()) == []
    finally:
        world.container.close()


def _scrapes(live: Live) -> bool:
    """Whether a service still adds up its figures."""
    answer = Client(live.port, "none").call("GET", "/metrics")
    return answer.status == 200 and "distrib_requests_total{" in answer.text


def _are_gone(pids: list[int]) -> bool:
    return not any(map(_is_running, pids))


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_killing_workers_while_a_group_wakes_its_orders_leaves_none_asleep(
    settings: Settings, database_url: str, redis_url: str
) -> None:
    world = open_world(replace(settings, drain_batch_orders=50), database_url, redis_url)
    world.publish(PLAN)
    world.join(*chain("a", "b"))
    for start in range(0, ORDERS, 1_000):
        buys = [(f"e{n}", f"o{n}", "b", line(1_000)) for n in range(start, start + 1_000)]
        world.post(*[settled(*buy, channel="group_buy", group_id="g") for buy in buys])
    world.drain()
    assert _settled_orders(world) == 0
    world.post(decided("d", "g", True))
    with running_workers(world.container, 2) as supervisor:
        wait_until(lambda: _settled_orders(world) > 0, "the group has woken its first orders")
        kill(children_of(supervisor.pid)[0])
        wait_until(lambda: _settled_orders(world) == ORDERS and _is_through(world), "all is worked on")
    assert world.earned() == {"b": ORDERS * 100, "a": ORDERS * 50}
    world.container.close()
