"""Measures whether a program costs the same whoever is beside it.

Ten programs come into one database one after another, each right after an ANALYZE, so that the statistics say that
there is no such program; each is drained at once. Then single orders of a small one are settled while the queue of a
large one is long, and while a month of it is closed, evaluated and exported, over and over; what each order waits is
read off the clock: the one kind of figure here that a busy machine spoils.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import count
from statistics import median
from threading import Event
from typing import Any, Final

from distrib.bootstrap import Container
from distrib.cli.bench.closes import close_and_undo, export_lines
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.limits.rows import vacuum
from distrib.cli.bench.processes.databases import own_databases
from distrib.cli.bench.processes.hands import Hands
from distrib.cli.bench.ranking_world import MONTH
from distrib.cli.bench.ranking_world import PLAN as RANK_PLAN
from distrib.cli.bench.settling import environment
from distrib.cli.bench.spending import Spent, drain_spends
from distrib.cli.bench.world import PLAN, World, fill_inbox, open_program, register
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import accept_events
from distrib.services.plans.versions import Publication, create_plan, publish_plan
from distrib.services.ranks.evaluation import evaluate_month
from distrib.store import migrate
from distrib.store.orders.queue import queue_length
from distrib.store.sql import execute, value

GOAL = 1.2
P99_GOAL_S = 1.0
PAUSE_S = 0.005
SMALL = World(50, 100_000)
_RANKED_FROM: Final = datetime(2024, 3, 30, tzinfo=UTC)
"""After the last order of the large program, so that its drain decides no rank; its month is judged by them."""
_NO_AUTOVACUUM = """
DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %%I SET (autovacuum_enabled = off)', t);
    END LOOP;
END $$
"""
_IS_DONE = """
SELECT EXISTS (SELECT 1 FROM event_outcomes x JOIN events e USING (program_id, order_no, event_no)
               WHERE e.program_id = %(program)s AND e.event_id = %(event)s AND x.status = 'done')
"""


@dataclass(frozen=True, slots=True)
class ProgramsSize:
    """How many programs of which size come one after another; the large one beside, and for how long."""

    world: World
    programs: int
    large: World
    beside_s: float


SIZES = {
    "small": ProgramsSize(World(1_000, 4_000), 10, World(20_000, 40_000), 6.0),
    "full": ProgramsSize(World(2_000, 12_000), 10, World(100_000, 400_000), 30.0),
}


def bench_programs(container: Container, size: ProgramsSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark.

    Raises:
        BenchFailed: no order of the small program was settled beside the large one.
    """
    with own_databases(container.database_url) as databases:
        say("prepare")
        url = databases.make("programs")
        migrate.upgrade(url)
        own = Container(container.settings, url, container.redis_url)
        try:
            with own.begin() as conn:
                execute(conn, "RESET ROLE")
                execute(conn, _NO_AUTOVACUUM)
            drained = [_drained(own, url, number, size.world, say) for number in range(size.programs)]
            say("beside")
            beside = _Beside(container, own, url, size)
            waits, left = beside.drain()
            of_tasks = {name: beside.meanwhile(name, say) for name in _TASKS}
        finally:
            own.close()
    return _figures(size, drained, waits, left, of_tasks)


def _drained(container: Container, url: str, number: int, world: World, say: Callable[[str], None]) -> Spent:
    vacuum(url)
    program = open_program(container, f"program-{number}")
    register(container, program, world)
    fill_inbox(container, program, world)
    say("drain")
    return drain_spends(container)


class _Beside:
    """A small program, of which single orders are posted, beside a large one; one worker has both."""

    def __init__(self, container: Container, own: Container, url: str, size: ProgramsSize) -> None:
        self._container, self._own, self._url, self._size = container, own, url, size
        self._large, self._small = open_program(own, "large"), open_program(own, "small")
        self._numbers = count()
        register(own, self._large, size.large)
        register(own, self._small, SMALL)
        fill_inbox(own, self._large, size.large)
        vacuum(url)

    def drain(self) -> tuple[list[float], int]:
        """What each order waits while the large program is drained, and how many of its orders were left then."""
        with Hands("drain", 1) as drainers:
            finish = drainers.begin([self._spec()])
            waits = list(self._waits())
            with self._own.begin() as conn:
                left_orders = queue_length(conn, self._large.program_id)
            finish()
            drainers.run([{**self._spec(), "lasts_s": 0}])  # a month is closed when all of it is settled
        with self._own.begin() as conn:
            now, packs = self._own.now(), self._own.policies
            plan = create_plan(Unit(conn, self._large, COMMAND_LINE, now), {**PLAN, "ranks": RANK_PLAN["ranks"]}, packs)
            publish_plan(
                Unit(conn, self._large, COMMAND_LINE, now),
                packs,
                plan.code,
                plan.version,
                Publication(_RANKED_FROM, "bench"),
            )
        return waits, left_orders

    def meanwhile(self, name: str, say: Callable[[str], None]) -> list[float]:
        """What each order waits while that is done with the large program's month, begun anew until time is up."""
        say(f"beside_{name}")
        is_over = Event()

        def over_and_over() -> None:
            while not is_over.is_set():
                _TASKS[name](self._own, self._large)

        with Hands("drain", 1) as drainers, ThreadPoolExecutor(1) as thread:
            finish = drainers.begin([self._spec()])
            working = thread.submit(over_and_over)
            try:
                waits = list(self._waits())
            finally:
                is_over.set()
            working.result()
            finish()
        return waits

    def _spec(self) -> dict[str, Any]:
        size = self._size
        own = environment(self._container, self._url)
        return {"environment": own, "first_orders": size.large.orders, "lasts_s": size.beside_s}

    def _waits(self) -> Iterator[float]:
        ends = time.monotonic() + self._size.beside_s
        is_any = False
        while (left := ends - time.monotonic()) > 0:
            taken = _wait_of(self._own, self._small, next(self._numbers), left)
            if taken is not None:
                is_any = True
                yield taken
        if not is_any:
            raise BenchFailed(Text("no order of the small program was settled beside the large one"))


def _close(container: Container, program: Program) -> None:
    close_and_undo(container, program, MONTH)


def _evaluate(container: Container, program: Program) -> None:
    with container.worker_engine.connect() as conn:
        evaluate_month(Unit(conn, program, COMMAND_LINE, container.now()), MONTH)
        conn.rollback()


def _export(container: Container, program: Program) -> None:
    export_lines(container, program, MONTH)


_TASKS: Final[dict[str, Callable[[Container, Program], None]]] = {
    "close": _close,
    "evaluation": _evaluate,
    "export": _export,
}
"""What is done with a month of the large program; nothing of it is left."""


def _wait_of(container: Container, program: Program, number: int, most_s: float) -> float | None:
    """Posts one order and waits until it is settled; answers the seconds, None where time was up before."""
    now = container.now()
    (event,) = SMALL.events(number, number + 1)
    decoded = decode_event(event, now)
    started = time.monotonic()
    with container.begin() as conn:
        accept_events(Unit(conn, program, COMMAND_LINE, now), [] if decoded is None else [decoded])
    asked = {"program": program.program_id, "event": event["id"]}
    while (taken := time.monotonic() - started) < most_s:
        with container.begin() as conn:
            if value(conn, bool, _IS_DONE, asked):
                return time.monotonic() - started
        time.sleep(PAUSE_S)
    return taken if taken > P99_GOAL_S else None


def _figures(
    size: ProgramsSize, drained: list[Spent], waits: list[float], left: int, of_tasks: Mapping[str, list[float]]
) -> dict[str, Any]:
    costs = [spent.processor_us for spent in drained]
    growth = costs[-1] / costs[0]
    p99 = _p99(waits)
    return {
        "programs": size.programs,
        "world": asdict(size.world),
        "large": asdict(size.large),
        "processor_us": [round(cost) for cost in costs],
        "first_processor_us": round(costs[0]),
        "last_processor_us": round(costs[-1]),
        "last_to_first": round(growth, 3),
        "last_to_first_goal": GOAL,
        "beside_orders": len(waits),
        "beside_large_left": left,
        "beside_p50_s": round(median(waits), 3),
        "beside_p99_s": round(p99, 3),
        "beside_p99_s_goal": P99_GOAL_S,
        **_beside_tasks(of_tasks),
        "met": growth <= GOAL and max(p99, *map(_p99, of_tasks.values())) <= P99_GOAL_S,
    }


def _beside_tasks(waits: Mapping[str, list[float]]) -> dict[str, Any]:
    """What orders wait beside each kind of work, and how many there were."""
    figures: dict[str, Any] = {}
    for name, of_name in waits.items():
        figures[f"beside_{name}_p99_s"] = round(_p99(of_name), 3)
        figures[f"beside_{name}_orders"] = len(of_name)
    return figures


def _p99(waits: list[float]) -> float:
    return sorted(waits)[min(len(waits) - 1, len(waits) * 99 // 100)]
