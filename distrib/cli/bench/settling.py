"""Measures settling: the drain in two processes against raw COPY of its rows, the ORM, and the drain of another build.

Beside orders a second stands what an order takes: processor of Python and of PostgreSQL, and bytes of the log.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import Rounds, growth, ratio
from distrib.cli.bench.limits.rows import Extract, added, count_rows, extract, leave_primary_keys, vacuum
from distrib.cli.bench.processes.builds import Build, build_in
from distrib.cli.bench.processes.databases import Databases, own_databases
from distrib.cli.bench.processes.hands import Hands, Run
from distrib.cli.bench.world import EARNERS, LINES, World, fill_inbox, open_program, register
from distrib.domain.texts import Text
from distrib.store import migrate

HANDS = 2
GOAL = 0.5
HEADED_FOR = 0.65
BEFORE_GOAL = 2.0
"""Times the orders a second of the build before."""
_OTHER_PREPARES = """
import sys
from distrib.bootstrap import open_container
from distrib.cli.bench.settling import World, prepare
with open_container(migrated=False) as container:
    prepare(container, sys.argv[1], World(int(sys.argv[2]), int(sys.argv[3])))
"""
"""A world in the other build's own schema, by its own code."""
ORM_GOAL = 50.0
MEMORY_GOAL = 0.10
"""By which part a worker's peak may grow after the first tenth."""


@dataclass(frozen=True, slots=True)
class SettleSize:
    """How much is measured.

    ``world`` is settled anew each round; ``orm_orders`` a round by the ORM; ``flat`` once, for the worker's memory.
    """

    world: World
    rounds: int
    orm_orders: int
    flat: World | None = None


SIZES = {
    "small": SettleSize(World(20_000, 20_000), 5, 60),
    "full": SettleSize(World(100_000, 100_000), 5, 400, World(100_000, 1_000_000)),
}


@dataclass(slots=True)
class _DrainSide:
    """What the rounds of the drain of one build took: seconds, seconds of processor, bytes of the log."""

    seconds: list[float] = field(default_factory=list)
    python_s: list[float] = field(default_factory=list)
    postgresql_s: list[float] = field(default_factory=list)
    wal_bytes: list[int] = field(default_factory=list)

    def figures(self, orders: int, suffix: str = "") -> dict[str, int | float]:
        """What an order takes, of the median round; nothing of processors where the system does not say."""
        figures: dict[str, int | float] = {f"wal_bytes_per_order{suffix}": round(median(self.wal_bytes) / orders)}
        if all(self.python_s) and all(self.postgresql_s):
            figures[f"python_us_per_order{suffix}"] = round(median(self.python_s) / orders * 1e6, 1)
            figures[f"postgresql_us_per_order{suffix}"] = round(median(self.postgresql_s) / orders * 1e6, 1)
        return figures


@dataclass(slots=True)
class _Taken:
    """Seconds of each side's rounds, what the raw side wrote, and the worker's memory."""

    drain: _DrainSide = field(default_factory=_DrainSide)
    before: _DrainSide = field(default_factory=_DrainSide)
    raw: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    orm: list[float] = field(default_factory=list)
    extract: Extract | None = None
    peak_after_first: int = 0
    peak: int = 0


def bench_settle(
    container: Container, size: SettleSize, say: Callable[[str], None], against: Path | None = None
) -> dict[str, Any]:
    """All figures of the benchmark.

    Args:
        against: a checkout of another commit with a ``.venv`` of its own, whose drain takes turns with ours.
        container: of the servers; its own database is not touched.
        size: how much.
        say: gets the name of each step as it begins.

    Raises:
        BenchFailed: a side did not settle all of its orders.
    """
    with ExitStack() as stack:
        bench = _Bench(
            container,
            stack.enter_context(own_databases(container.database_url)),
            Path(stack.enter_context(TemporaryDirectory(prefix="distrib-bench-"))),
            say,
            None if against is None else build_in(against),
        )
        taken = bench.rounds(size)
        if size.flat is not None:
            bench.flat(size.flat, taken)
    return _figures(size, taken)


def prepare(container: Container, url: str, world: World, *, with_events: bool = True) -> int:
    """Brings a database to the newest schema and puts the world into it; returns the program's number."""
    migrate.upgrade(url)
    own = Container(container.settings, url, container.redis_url)
    try:
        program = open_program(own)
        register(own, program, world)
        if with_events:
            fill_inbox(own, program, world)
    finally:
        own.close()
    vacuum(url)
    return program.program_id


def environment(container: Container, url: str) -> dict[str, str]:
    """The environment of a child process, with the bench's database in it."""
    return {**container.environment(), "DISTRIB_DATABASE_URL": url}


@dataclass(frozen=True, slots=True)
class _Bench:
    """One run of the benchmark: its databases, its directory, and where it reports its steps."""

    container: Container
    databases: Databases
    directory: Path
    say: Callable[[str], None]
    other: Build | None = None

    def rounds(self, size: SettleSize) -> _Taken:
        """Drain, that of the other build, raw COPY and ORM by turns."""
        taken = _Taken()
        elsewhere = None if self.other is None else (self.other.python, self.other.directory)
        with (
            Hands("drain", HANDS) as drainers,
            Hands("drain", HANDS if elsewhere else 0, elsewhere) as others,
            Hands("copy", HANDS) as copiers,
            Hands("orm", 1) as programmer,
        ):
            self.say("prepare")
            url = self.databases.make("prepared")
            program_id = prepare(self.container, url, size.world)
            before = count_rows(url)
            if self.other is not None:
                self._prepare_other(self.other, size.world)
            orm_url = self.databases.make("orm", "prepared")
            for _ in range(size.rounds):
                self.say("drain")
                self._drained(drainers, before, size.world, taken)
                if self.other is not None:
                    self.say("drain_before")
                    with self.databases.copy_of("before") as other_url:
                        self._timed(self.other, others, other_url, size.world, taken.before)
                        _must_be_settled_in(size.world, count_rows(other_url))
                self.say("raw")
                taken.raw.append(self._copied(copiers, before, taken.extract))
                taken.keys.append(self._copied(copiers, before, taken.extract, has_keys_alone=True))
                self.say("orm")
                spec = {"database_url": orm_url, "program_id": program_id, "orders": size.orm_orders}
                taken.orm.append(programmer.run([spec]).seconds)
        _must_be_settled_by_orm(size, count_rows(orm_url))
        self.databases.drop("orm")
        self.databases.drop("prepared")
        self.databases.drop("before")
        return taken

    def _prepare_other(self, build: Build, world: World) -> None:
        """The same world in the schema of the other build."""
        url = self.databases.make("before")
        command = [build.python, "-c", _OTHER_PREPARES, url, str(world.shops), str(world.orders)]
        known = build.understood(environment(self.container, url))
        variables = {**os.environ, **known, "PYTHONPATH": str(build.directory)}
        done = subprocess.run(command, env=variables, cwd=build.directory, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchFailed(Text("the other build did not prepare its orders"), log=done.stderr)

    def flat(self, world: World, taken: _Taken) -> None:
        """One long drain in fresh processes, for their memory."""
        self.say("memory")
        url = self.databases.make("flat")
        prepare(self.container, url, world)
        with Hands("drain", HANDS) as drainers:
            run = self._drain(Build(), drainers, url, world)
        _must_be_settled(world, run, count_rows(url))
        taken.peak_after_first, taken.peak = _peaks(run)
        self.databases.drop("flat")

    def _drained(self, drainers: Hands, before: dict[str, int], world: World, taken: _Taken) -> None:
        with self.databases.copy_of("prepared") as url:
            run = self._timed(Build(), drainers, url, world, taken.drain)
            after = count_rows(url)
            _must_be_settled(world, run, after)
            if taken.extract is None:
                taken.extract = extract(url, list(added(before, after)), HANDS, self.directory)
        peak_after_first, taken.peak = _peaks(run)
        taken.peak_after_first = taken.peak_after_first or peak_after_first

    def _timed(self, build: Build, drainers: Hands, url: str, world: World, side: _DrainSide) -> Run:
        """A drain of which is kept what it took."""
        server_s, log = self.databases.spent()
        run = self._drain(build, drainers, url, world)
        server_s_after, log_after = self.databases.spent()
        side.seconds.append(run.seconds)
        side.python_s.append(run.processor_s)
        side.postgresql_s.append(server_s_after - server_s)
        side.wal_bytes.append(log_after - log)
        return run

    def _drain(self, build: Build, drainers: Hands, url: str, world: World) -> Run:
        variables = build.understood(environment(self.container, url))
        return drainers.run([{"environment": variables, "first_orders": world.orders // HANDS // 10}] * HANDS)

    def _copied(
        self, copiers: Hands, before: dict[str, int], rows: Extract | None, *, has_keys_alone: bool = False
    ) -> float:
        assert rows is not None
        with self.databases.copy_of("prepared") as url:
            if has_keys_alone:
                leave_primary_keys(url, list(rows.rows))
            run = copiers.run([{"database_url": url, "share": str(share)} for share in rows.shares])
            if added(before, count_rows(url)) != rows.rows:
                raise BenchFailed(Text("the raw side did not write the same rows"))
        return run.seconds


def _peaks(run: Run) -> tuple[int, int]:
    """The memory of the worker that needed most, after its first tenth and at the end."""
    worst = max(run.reports, key=lambda report: int(report["peak"]))
    return worst["peak_after_first"], worst["peak"]


def _must_be_settled(world: World, run: Run, after: Mapping[str, int]) -> None:
    orders = sum(report["orders"] for report in run.reports)
    parked = sum(report["parked"] for report in run.reports)
    wanted = (world.orders, world.orders, world.orders * LINES * EARNERS, 0)
    if (orders, after["settlements"], after["transfers"], parked) != wanted:
        raise BenchFailed(Text("not all orders were settled: {orders} of {wanted}", orders=orders, wanted=world.orders))


def _must_be_settled_in(world: World, after: Mapping[str, int]) -> None:
    """The other build may report otherwise than this one; its rows are the same."""
    if (after["settlements"], after["transfers"]) != (world.orders, world.orders * LINES * EARNERS):
        raise BenchFailed(Text("the other build did not settle its orders"))


def _must_be_settled_by_orm(size: SettleSize, after: Mapping[str, int]) -> None:
    orders = size.orm_orders * size.rounds
    if (after["settlements"], after["transfers"]) != (orders, orders * LINES * EARNERS):
        raise BenchFailed(Text("the ORM side did not settle its orders"))


def _figures(size: SettleSize, taken: _Taken) -> dict[str, Any]:
    assert taken.extract is not None
    orm = Rounds(size.orm_orders, taken.orm)
    orders = size.world.orders
    drain, raw = Rounds(orders, taken.drain.seconds), Rounds(orders, taken.raw)
    reached, times_orm = ratio(drain, raw), ratio(drain, orm)
    before = _against_before(orders, drain, taken.before) if taken.before.seconds else {}
    grown = growth(taken.peak_after_first, taken.peak)
    is_flat = size.flat is None or grown <= MEMORY_GOAL
    return {
        "rounds": size.rounds,
        "processes": HANDS,
        "world": asdict(size.world),
        "lines_per_order": LINES,
        "earners_per_line": EARNERS,
        "orders_per_second": round(drain.rate),
        "rows_written": taken.extract.rows,
        "rows_per_order": round(taken.extract.total_rows / size.world.orders, 2),
        "raw_orders_per_second": round(raw.rate),
        "raw_rows_per_second": round(raw.rate * taken.extract.total_rows / size.world.orders),
        **before,
        **taken.drain.figures(orders),
        "bytes_per_order": round(taken.extract.size_bytes / orders),
        "ratio": round(reached, 3),
        "goal": GOAL,
        "keys_ratio": round(ratio(drain, Rounds(orders, taken.keys)), 3),
        "headed_for": HEADED_FOR,
        "orm_orders_per_second": round(orm.rate, 1),
        "times_orm": round(times_orm, 1),
        "times_orm_goal": ORM_GOAL,
        "memory_orders": (size.flat or size.world).orders,
        "memory_after_first_tenth_bytes": taken.peak_after_first,
        "memory_at_end_bytes": taken.peak,
        "memory_growth": round(grown, 3),
        "memory_growth_goal": None if size.flat is None else MEMORY_GOAL,
        "seconds": {
            "drain": _rounded(taken.drain.seconds),
            "before": _rounded(taken.before.seconds),
            "raw": _rounded(taken.raw),
            "keys": _rounded(taken.keys),
            "orm": _rounded(taken.orm),
        },
        "met": reached >= GOAL and times_orm >= ORM_GOAL and is_flat and before.get("times_before", 9) >= BEFORE_GOAL,
    }


def _against_before(orders: int, drain: Rounds, before: _DrainSide) -> dict[str, int | float]:
    """The figures of the build before, and how many times faster this one is."""
    other = Rounds(orders, before.seconds)
    return {
        "orders_per_second_before": round(other.rate),
        "times_before": round(ratio(drain, other), 2),
        "times_before_goal": BEFORE_GOAL,
        **before.figures(orders, "_before"),
    }


def _rounded(seconds: list[float]) -> list[float]:
    return [round(figure, 3) for figure in seconds]
