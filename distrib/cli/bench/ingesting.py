"""Measures ingest: events posted over HTTP in batches, against raw COPY of the inbox rows that the posts write."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distrib.bootstrap import Container
from distrib.cli.bench.figures import Rounds, ratio
from distrib.cli.bench.limits.rows import Extract, added, count_rows, extract
from distrib.cli.bench.processes.databases import own_databases
from distrib.cli.bench.processes.hands import BenchFailed, Hands
from distrib.cli.bench.settling import environment, prepare
from distrib.cli.bench.world import BATCH, World
from distrib.cli.service.local import HOST, free_port, is_ready
from distrib.domain.texts import Text
from distrib.services.programs.keys import create_key
from distrib.services.programs.tenants import only_program
from distrib.settings import REPOSITORY

CALLERS = 2
GOAL = 0.15
STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class IngestSize:
    """How much is measured: the world's events are posted anew each round."""

    world: World
    rounds: int


SIZES = {"small": IngestSize(World(1_000, 20_000), 5), "full": IngestSize(World(10_000, 200_000), 5)}


def bench_ingest(container: Container, size: IngestSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark.

    Args:
        container: of the servers; its own database is not touched.
        size: how much.
        say: gets the name of each step as it begins.

    Raises:
        BenchFailed: the service does not come up, or refuses an event.
    """
    posted: list[float] = []
    raw: list[float] = []
    rows: Extract | None = None
    with ExitStack() as stack:
        databases = stack.enter_context(own_databases(container.database_url))
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="distrib-bench-")))
        callers, copiers = stack.enter_context(Hands("post", CALLERS)), stack.enter_context(Hands("copy", CALLERS))
        say("prepare")
        prepared = databases.make("prepared")
        prepare(container, prepared, size.world, with_events=False)
        key, before = _make_key(container, prepared), count_rows(prepared)
        service = _service(environment(container, databases.make("round", "prepared")), directory / "service.log")
        port = stack.enter_context(service)
        for _ in range(size.rounds):
            say("post")
            with databases.copy_of("prepared") as url:
                posted.append(_post(callers, size.world, port, key))
                after = count_rows(url)
                _must_be_kept(size.world, after)
                rows = rows or extract(url, list(added(before, after)), CALLERS, directory)
            say("raw")
            with databases.copy_of("prepared") as url:
                specs = [{"database_url": url, "share": str(share)} for share in rows.shares]
                raw.append(copiers.run(specs).seconds)
    assert rows is not None
    return _figures(size, posted, raw, rows)


def _make_key(container: Container, url: str) -> str:
    own = Container(container.settings, url, container.redis_url)
    pepper = container.settings.key_pepper.encode()
    try:
        with own.begin() as conn:
            program = only_program(conn)
            assert program is not None
            return create_key(conn, program, "admin", "bench", None, pepper, own.now())
    finally:
        own.close()


def _post(callers: Hands, world: World, port: int, key: str) -> float:
    spec = {"world": asdict(world), "hands": CALLERS, "host": HOST, "port": port, "key": key}
    return callers.run([{**spec, "hand": hand} for hand in range(CALLERS)]).seconds


def _must_be_kept(world: World, after: Mapping[str, int]) -> None:
    if {after[table] for table in ("orders", "events", "queue")} != {world.orders}:
        raise BenchFailed(Text("not all events were kept"))


@contextmanager
def _service(variables: Mapping[str, str], log: Path) -> Iterator[int]:
    """The API as configured, listening on a port of its own, until the block ends.

    It serves all rounds: each round's database has the same name, and connections are opened anew.
    """
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        str(REPOSITORY / "config" / "gunicorn.conf.py"),
        "--chdir",
        str(REPOSITORY),
        "--bind",
        f"{HOST}:{port}",
        "wsgi:app",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=output, stderr=output)
        try:
            _wait_until_ready(process, port, log)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while not is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise BenchFailed(Text("the service does not come up"), log=tail)
        time.sleep(0.05)


def _figures(size: IngestSize, posted: list[float], raw: list[float], rows: Extract) -> dict[str, Any]:
    ours, limit = Rounds(size.world.orders, posted), Rounds(size.world.orders, raw)
    reached = ratio(ours, limit)
    return {
        "rounds": size.rounds,
        "callers": CALLERS,
        "world": asdict(size.world),
        "events_per_call": BATCH,
        "events_per_second": round(ours.rate),
        "rows_written": rows.rows,
        "rows_per_event": round(rows.total_rows / size.world.orders, 2),
        "raw_events_per_second": round(limit.rate),
        "raw_rows_per_second": round(limit.rate * rows.total_rows / size.world.orders),
        "ratio": round(reached, 3),
        "goal": GOAL,
        "seconds": {"post": [round(s, 3) for s in posted], "raw": [round(s, 3) for s in raw]},
        "met": reached >= GOAL,
    }
