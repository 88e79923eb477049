"""Measures whether a program costs the same whoever is beside it.

Ten programs come into one database one after another, each right after an ANALYZE, so that the statistics say that
there is no such program; each is drained at once. Then single orders of a small one are settled while the queue of a
large one is long, and what each waits is read off the clock: the one figure here that a busy machine spoils.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from sqlalchemy import text

from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.limits.rows import vacuum
from distrib.cli.bench.processes.databases import own_databases
from distrib.cli.bench.processes.hands import Hands
from distrib.cli.bench.settling import environment
from distrib.cli.bench.spending import Spent, drain_spends
from distrib.cli.bench.world import World, fill_inbox, open_program, register
from distrib.domain.texts import Text
from distrib.services.context import Program
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import accept_events
from distrib.store import migrate
from distrib.store.orders.queue import queue_length

GOAL = 1.2
P99_GOAL_S = 1.0
PAUSE_S = 0.005
SMALL = World(50, 100_000)
_NO_AUTOVACUUM = text("""
DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', t);
    END LOOP;
END $$
""")
_IS_DONE = text("""
SELECT EXISTS (SELECT 1 FROM event_outcomes x JOIN events e USING (program_id, order_no, event_no)
               WHERE e.program_id = :program AND e.event_id = :event AND x.status = 'done')
""")


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
                conn.execute(text("RESET ROLE"))
                conn.execute(_NO_AUTOVACUUM)
            drained = [_drained(own, url, number, size.world, say) for number in range(size.programs)]
            say("beside")
            waits, left = _beside(container, own, url, size)
        finally:
            own.close()
    return _figures(size, drained, waits, left)


def _drained(container: Container, url: str, number: int, world: World, say: Callable[[str], None]) -> Spent:
    vacuum(url)
    program = open_program(container, f"program-{number}")
    register(container, program, world)
    fill_inbox(container, program, world)
    say("drain")
    return drain_spends(container)


def _beside(container: Container, own: Container, url: str, size: ProgramsSize) -> tuple[list[float], int]:
    """Seconds from the post of each single order to its end, and how many of the large program's orders were left."""
    large, small = open_program(own, "large"), open_program(own, "small")
    register(own, large, size.large)
    register(own, small, SMALL)
    fill_inbox(own, large, size.large)
    vacuum(url)
    spec = {"environment": environment(container, url), "first_orders": size.large.orders, "lasts_s": size.beside_s}
    waits: list[float] = []
    with Hands("drain", 1) as drainers:
        finish = drainers.begin([spec])
        ends = time.monotonic() + size.beside_s
        while (left := ends - time.monotonic()) > 0:
            taken = _wait_of(own, small, len(waits), left)
            waits += [] if taken is None else [taken]
        with own.begin() as conn:
            left_orders = queue_length(conn, large.program_id)
        finish()
    if not waits:
        raise BenchFailed(Text("no order of the small program was settled beside the large one"))
    return waits, left_orders


def _wait_of(container: Container, program: Program, number: int, most_s: float) -> float | None:
    """Posts one order and waits until it is settled; answers the seconds, None where time was up before."""
    now = container.now()
    (event,) = SMALL.events(number, number + 1)
    decoded = decode_event(event, now)
    started = time.monotonic()
    with container.begin() as conn:
        accept_events(conn, program, [] if decoded is None else [decoded], now)
    asked = {"program": program.program_id, "event": event["id"]}
    while (taken := time.monotonic() - started) < most_s:
        with container.begin() as conn:
            if conn.execute(_IS_DONE, asked).scalar_one():
                return time.monotonic() - started
        time.sleep(PAUSE_S)
    return taken if taken > P99_GOAL_S else None


def _figures(size: ProgramsSize, drained: list[Spent], waits: list[float], left: int) -> dict[str, Any]:
    costs = [spent.processor_us for spent in drained]
    growth = costs[-1] / costs[0]
    p99 = sorted(waits)[min(len(waits) - 1, len(waits) * 99 // 100)]
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
        "met": growth <= GOAL and p99 <= P99_GOAL_S,
    }
