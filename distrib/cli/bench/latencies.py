"""Measures how long an event takes from its post until it is done, as a caller sees it: under load, and without Valkey.

On a pair of servers of its own, for it kills and freezes the Valkey. Everything else is as `distrib serve` starts it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distrib.bootstrap import Container, open_container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import percentile
from distrib.cli.bench.processes.builds import Build, end
from distrib.cli.bench.world import World, open_program, register
from distrib.cli.service.local import HOST
from distrib.domain.texts import Text
from distrib.own_secret import own_secret
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.programs.keys import KeyDraft, create_key
from distrib.settings import PREFIX, Settings

LOADED_GOAL_MS = 300
OUTAGE_GOAL_MS = 1_500
BATCH = 200
_POLL_S = 0.005
_BETWEEN_S = 0.05
_DONE_WITHIN_S = 60.0
_SHOPS = 1_000
_MOST_ORDERS = 10_000_000


@dataclass(frozen=True, slots=True)
class LatencySize:
    """How many orders find out the full load, how many single events are watched, and for how long an outage is."""

    full_load_orders: int
    probes: int
    outage_s: float


LATENCY_SIZES = {"small": LatencySize(6_000, 100, 15.0), "full": LatencySize(60_000, 1_000, 60.0)}


class _Caller:
    """One connection to the service under a key."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=_DONE_WITHIN_S)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(self, value: object) -> None:
        """Posts events that must be accepted."""
        self._call("POST", "/v1/events", json.dumps(value), 202)

    def is_done(self, event_id: str) -> bool:
        """Whether an event is worked on."""
        return bool(self._call("GET", f"/v1/events/{event_id}", None, 200)["status"] == "done")

    def has_pending(self) -> bool:
        """Whether any event of the program waits."""
        return bool(self._call("GET", "/v1/events?status=pending&limit=1", None, 200)["data"])

    def _call(self, method: str, path: str, body: str | None, wanted: int) -> Any:
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != wanted:
            raise BenchFailed(Text("the service refused"), detail=answer[:500])
        return json.loads(answer)


@dataclass(frozen=True, slots=True)
class _RunningService:
    """A service with its workers, and the events that are posted to it."""

    container: Container
    new_caller: Callable[[], _Caller]
    world: World
    numbers: Iterator[int]

    def events(self, number: int) -> list[dict[str, Any]]:
        """So many events that nobody has posted yet."""
        places = [next(self.numbers) for _ in range(number)]
        return [event for place in places for event in self.world.events(place, place + 1)]


def bench_latency(settings: Settings, size: LatencySize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark, times in milliseconds.

    Args:
        settings: for all but the servers, which are its own.
        size: how much.
        say: gets the name of each step as it begins.

    Raises:
        BenchFailed: the service does not come up, refuses an event, or one is not done within a minute.
    """
    with ExitStack() as stack:
        say("prepare")
        running = stack.enter_context(_running(settings))
        say("full_load")
        rate = _full_load(running, size.full_load_orders)
        say("loaded")
        with _load(running, rate / 3):
            loaded = _probed(running, size.probes, 0.0)
        say("idle")
        idle = _probed(running, size.probes, 0.0)
        say("killed")
        servers = running.container.servers
        assert servers is not None
        os.kill(servers.valkey_pid, signal.SIGKILL)
        killed = _probed(running, size.probes, size.outage_s)
        say("hung")
        os.kill(servers.valkey_pid, signal.SIGSTOP)
        hung = _probed(running, size.probes, size.outage_s)
    figures = {"idle": idle, "loaded": loaded, "killed": killed, "hung": hung}
    worst = {name: round(percentile(taken, 99) * 1000) for name, taken in figures.items()}
    goals = {"loaded": LOADED_GOAL_MS, "killed": OUTAGE_GOAL_MS, "hung": OUTAGE_GOAL_MS}
    return {
        "full_load_events_per_second": round(rate),
        **{f"{name}_probes": len(taken) for name, taken in figures.items()},
        **{f"{name}_p50_ms": round(percentile(taken, 50) * 1000) for name, taken in figures.items()},
        **{f"{name}_p99_ms": figure for name, figure in worst.items()},
        **{f"{name}_p99_ms_goal": goal for name, goal in goals.items()},
        "met": all(worst[name] <= goal for name, goal in goals.items()),
    }


@contextmanager
def _running(settings: Settings) -> Iterator[_RunningService]:
    """The API and the workers on servers of their own, with the bench's program and its shops."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="distrib-bench-")))
        own = replace(settings, var_dir=directory, database_url=None, redis_url=None, key_pepper=own_secret(directory))
        container = stack.enter_context(open_container(own))
        world = World(_SHOPS, _MOST_ORDERS)
        program = open_program(container)
        register(container, program, world)
        with container.begin() as conn:
            key = create_key(
                Unit(conn, program, COMMAND_LINE, container.now()),
                KeyDraft("orders", "bench", None),
                own.key_pepper.encode(),
            )
        service = Build().service(container.environment(), directory / "service.log")
        port = stack.enter_context(service).port
        stack.enter_context(_workers(container, directory / "workers.log"))
        yield _RunningService(container, partial(_Caller, port, key), world, count())


@contextmanager
def _workers(container: Container, log: Path) -> Iterator[None]:
    """The supervisor with its workers, which looks after the servers as that of `distrib serve` does."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment = {**inherited, **container.joining_environment()}
    with log.open("wb") as output:
        command = [sys.executable, "-P", "-m", "workers"]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield
        finally:
            end(process)


def _full_load(running: _RunningService, orders: int) -> float:
    """Events a second from the first post until nothing waits, posted as fast as they are taken."""
    caller = running.new_caller()
    (first,) = running.events(1)
    caller.post(first)
    _wait(partial(caller.is_done, first["id"]))  # the workers are up
    started = time.monotonic()
    for _ in range(0, orders, BATCH):
        caller.post({"events": running.events(BATCH)})
    _wait(lambda: not caller.has_pending())
    return orders / (time.monotonic() - started)


@contextmanager
def _load(running: _RunningService, events_per_second: float) -> Iterator[None]:
    """Posts of many events beside the block, as many a second as asked for."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def post() -> None:
        caller, due = running.new_caller(), time.monotonic()
        try:
            while not stop.wait(max(0.0, due - time.monotonic())):
                caller.post({"events": running.events(BATCH)})
                due += BATCH / events_per_second
        except Exception as error:  # noqa: BLE001 - said in the thread of the bench
            failures.append(error)

    thread = threading.Thread(target=post)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failures:
        raise BenchFailed(Text("the load broke off"), detail=failures[0])


def _probed(running: _RunningService, probes: int, at_least_s: float) -> list[float]:
    """Seconds from the post of single events, one after the other, until each is seen to be done."""
    caller, until = running.new_caller(), time.monotonic() + at_least_s
    taken: list[float] = []
    while len(taken) < probes or time.monotonic() < until:
        (event,) = running.events(1)
        started = time.monotonic()
        caller.post(event)
        _wait(partial(caller.is_done, event["id"]))
        taken.append(time.monotonic() - started)
        time.sleep(_BETWEEN_S)
    return taken


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + _DONE_WITHIN_S
    while not is_so():
        if time.monotonic() > until:
            raise BenchFailed(Text("an event was not done within a minute"))
        time.sleep(_POLL_S)
