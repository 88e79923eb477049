"""Measures ingest: events posted over HTTP in batches, against raw COPY of the inbox rows that the posts write.

Also against another build of the service, in rounds by turns; and single posts against a route that does one INSERT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import Rounds, ratio
from distrib.cli.bench.limits import bare_route
from distrib.cli.bench.limits.rows import Extract, added, count_rows, extract, vacuum
from distrib.cli.bench.processes.builds import Build, RunningBuild, build_in
from distrib.cli.bench.processes.databases import Databases, own_databases
from distrib.cli.bench.processes.hands import Hands
from distrib.cli.bench.processes.processor import processor_seconds
from distrib.cli.bench.settling import environment, prepare
from distrib.cli.bench.world import BATCH, World
from distrib.cli.service.local import HOST
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.programs.keys import KeyDraft, create_key
from distrib.services.programs.tenants import only_program

CALLERS = 2
GOAL = 0.35
HEADED_FOR = 0.45
BEFORE_GOAL = 2.0
"""Times the events a second of the build that ``--against`` names, which is that of before."""
SINGLE_GOAL = 0.7
BARE_APP = "distrib.cli.bench.limits.bare_route:app"
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class IngestSize:
    """How much is measured: the world's events are posted anew each round."""

    world: World
    rounds: int


SIZES = {"small": IngestSize(World(1_000, 20_000), 5), "full": IngestSize(World(10_000, 200_000), 5)}
SINGLE_SIZES = {"small": IngestSize(World(1_000, 600), 5), "full": IngestSize(World(10_000, 6_000), 5)}


@dataclass(slots=True)
class _Side:
    """One service that is posted to: what its rounds took, on the clock and of processors."""

    service: RunningBuild
    key: str
    template: str
    round_name: str
    seconds: list[float] = field(default_factory=list)
    own_seconds: list[float] = field(default_factory=list)
    database_seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _IngestBench:
    """One run: its databases, its directory, the callers, and where it reports its steps."""

    container: Container
    databases: Databases
    directory: Path
    callers: Hands
    stack: ExitStack
    say: Callable[[str], None]

    def open_side(self, world: World) -> _Side:
        """This build on a prepared database, up and answering."""
        prepared = self.databases.make("prepared")
        prepare(self.container, prepared, world, with_events=False)
        key = _make_key(self.container, prepared)
        variables = environment(self.container, self.databases.make("round", "prepared"))
        service = Build().service(variables, self.directory / "service.log")
        return _Side(self.stack.enter_context(service), key, "prepared", "round")

    def open_other(self, directory: Path) -> _Side:
        """Another build on a database of its own, up and answering."""
        build, prepared = build_in(directory), self.databases.make("prepared_before")
        key = build.open_program(environment(self.container, prepared))
        vacuum(prepared)
        variables = environment(self.container, self.databases.make("round_before", "prepared_before"))
        service = build.service(variables, self.directory / "before.log")
        return _Side(self.stack.enter_context(service), key, "prepared_before", "round_before")

    def post(self, side: _Side, world: World, batch: int, look: Callable[[str], None]) -> None:
        """One round: the world's events into a fresh copy, which is then looked at."""
        with self.databases.copy_of(side.template, side.round_name) as url:
            before, at_database = processor_seconds(side.service.pid), self._database_seconds()
            side.seconds.append(_post(self.callers, world, batch, side.service.port, side.key))
            after = processor_seconds(side.service.pid)
            if before is not None and after is not None:
                side.own_seconds.append(after - before)
            look(url)
        at_end = self._database_seconds()
        if at_database is not None and at_end is not None:
            side.database_seconds.append(at_end - at_database)

    def _database_seconds(self) -> float | None:
        """Processor time of the embedded PostgreSQL with all its backends, those that ended too."""
        servers = self.container.servers
        return None if servers is None else processor_seconds(servers.postgres_pid)


def bench_ingest(
    container: Container, size: IngestSize, say: Callable[[str], None], against: Path | None = None
) -> dict[str, Any]:
    """All figures of the benchmark.

    Args:
        container: of the servers; its own database is not touched.
        size: how much.
        say: gets the name of each step as it begins.
        against: the checkout of another commit, with a ``.venv`` of its own, whose rounds take turns with ours.

    Raises:
        BenchFailed: a service does not come up, or refuses an event.
    """
    raw: list[float] = []
    extracted: list[Extract] = []
    with ExitStack() as stack:
        bench = _open(container, stack, say)
        copiers = stack.enter_context(Hands("copy", CALLERS))
        say("prepare")
        ours = bench.open_side(size.world)
        before = count_rows(bench.databases.address("prepared"))
        other = None if against is None else bench.open_other(against)

        def look(url: str) -> None:
            after = count_rows(url)
            _must_be_kept(size.world, after)
            if not extracted:
                extracted.append(extract(url, list(added(before, after)), CALLERS, bench.directory))

        for _ in range(size.rounds):
            say("post")
            bench.post(ours, size.world, BATCH, look)
            if other is not None:
                say("post_before")
                bench.post(other, size.world, BATCH, lambda url: _must_be_kept(size.world, count_rows(url)))
            say("raw")
            with bench.databases.copy_of("prepared") as url:
                specs = [{"database_url": url, "share": str(share)} for share in extracted[0].shares]
                raw.append(copiers.run(specs).seconds)
    return _figures(size, ours, other, raw, extracted[0])


def bench_single(container: Container, size: IngestSize, say: Callable[[str], None]) -> dict[str, Any]:
    """The figures of posts of one event each, against a route that inserts one row.

    Raises:
        BenchFailed: a service does not come up, or refuses an event.
    """
    with ExitStack() as stack:
        bench = _open(container, stack, say)
        say("prepare")
        ours = bench.open_side(size.world)
        url = bench.databases.make("bare")
        bare_route.empty_table(url)
        service = Build().service(environment(container, url), bench.directory / "bare.log", BARE_APP)
        port, bare = stack.enter_context(service).port, []
        for _ in range(size.rounds):
            say("post")
            bench.post(ours, size.world, 1, lambda copy: _must_be_kept(size.world, count_rows(copy)))
            say("bare_route")
            bare_route.empty_table(url)
            bench.databases.flush()
            bare.append(_post(bench.callers, size.world, 1, port, "none"))
            if bare_route.count_kept(url) != size.world.orders:
                raise BenchFailed(Text("not all events were kept"))
    posted, limit = Rounds(size.world.orders, ours.seconds), Rounds(size.world.orders, bare)
    reached = ratio(posted, limit)
    return {
        "rounds": size.rounds,
        "callers": CALLERS,
        "world": asdict(size.world),
        "single_events_per_second": round(posted.rate),
        "bare_route_events_per_second": round(limit.rate),
        "ratio": round(reached, 3),
        "goal": SINGLE_GOAL,
        **_processor(size.world, ours, ""),
        "seconds": {"post": _rounded(ours.seconds), "bare_route": _rounded(bare)},
        "met": reached >= SINGLE_GOAL,
    }


def _open(container: Container, stack: ExitStack, say: Callable[[str], None]) -> _IngestBench:
    databases = stack.enter_context(own_databases(container.database_url))
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="distrib-bench-")))
    return _IngestBench(container, databases, directory, stack.enter_context(Hands("post", CALLERS)), stack, say)


def _make_key(container: Container, url: str) -> str:
    own = Container(container.settings, url, container.redis_url)
    pepper = container.pepper
    try:
        with own.begin() as conn:
            program = only_program(conn)
            assert program is not None
            return create_key(Unit(conn, program, COMMAND_LINE, own.now()), KeyDraft("orders", "bench", None), pepper)
    finally:
        own.close()


def _post(callers: Hands, world: World, batch: int, port: int, key: str) -> float:
    spec = {"world": asdict(world), "hands": CALLERS, "host": HOST, "port": port, "key": key, "batch": batch}
    return callers.run([{**spec, "hand": hand} for hand in range(CALLERS)]).seconds


def _must_be_kept(world: World, after: Mapping[str, int]) -> None:
    if {after[table] for table in ("orders", "events", "queue")} != {world.orders}:
        raise BenchFailed(Text("not all events were kept"))


def _figures(size: IngestSize, ours: _Side, other: _Side | None, raw: list[float], rows: Extract) -> dict[str, Any]:
    posted, limit = Rounds(size.world.orders, ours.seconds), Rounds(size.world.orders, raw)
    reached = ratio(posted, limit)
    figures = {
        "rounds": size.rounds,
        "callers": CALLERS,
        "world": asdict(size.world),
        "events_per_call": BATCH,
        "events_per_second": round(posted.rate),
        "rows_written": rows.rows,
        "rows_per_event": round(rows.total_rows / size.world.orders, 2),
        "raw_events_per_second": round(limit.rate),
        "raw_rows_per_second": round(limit.rate * rows.total_rows / size.world.orders),
        "ratio": round(reached, 3),
        "goal": GOAL,
        "headed_for": HEADED_FOR,
        **_processor(size.world, ours, ""),
        "seconds": {"post": _rounded(ours.seconds), "raw": _rounded(raw)},
        "met": reached >= GOAL,
    }
    if other is None:
        return figures
    before = Rounds(size.world.orders, other.seconds)
    times = ratio(posted, before)
    figures["seconds"]["post_before"] = _rounded(other.seconds)
    return figures | {
        "events_per_second_before": round(before.rate),
        "times_before": round(times, 2),
        "times_before_goal": BEFORE_GOAL,
        **_processor(size.world, other, "_before"),
        "met": figures["met"] and times >= BEFORE_GOAL,
    }


def _processor(world: World, side: _Side, suffix: str) -> dict[str, Any]:
    """Microseconds of processor time an event, of the service and of PostgreSQL, where they can be seen."""
    taken = {"service_us_per_event": side.own_seconds, "postgresql_us_per_event": side.database_seconds}
    return {
        f"{name}{suffix}": round(median(seconds) / world.orders * _MICROSECONDS, 1)
        for name, seconds in taken.items()
        if seconds
    }


def _rounded(seconds: list[float]) -> list[float]:
    return [round(figure, 3) for figure in seconds]
