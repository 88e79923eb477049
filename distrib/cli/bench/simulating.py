"""Measures whole simulations: from history in PostgreSQL to a result that is kept, against settling the same orders.

Each round settles a fresh copy of the orders in one process, then tries a plan on them in others: with ranks as they
were and replayed, and with ranks as they were on files that were exported before; between settling and trying the
tables are vacuumed, as a server does by itself. Processor time is counted, of the processes and of the server, so
nothing else may work on that server meanwhile. Memory is that of a process that
runs one simulation, of a history and of one ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import growth
from distrib.cli.bench.limits.rows import vacuum
from distrib.cli.bench.processes.databases import Databases, own_databases
from distrib.cli.bench.processes.hands import Hands
from distrib.cli.bench.reckoning import EngineSize
from distrib.cli.bench.settling import environment, prepare
from distrib.cli.bench.whatif import SIZES as KERNEL_SIZES
from distrib.cli.bench.whatif import bench_kernel
from distrib.cli.bench.world import PLAN, SOLD_FOR, SOLD_FROM, World
from distrib.domain.texts import Text
from distrib.services.simulations.running import AS_WERE, REPLAYED

SIMULATION_GOAL, FILES_GOAL, REPLAYED_GOAL = 15, 30, 0.3
MEMORY_GOAL_BYTES, GROWTH_GOAL = 2**30, 0.10
_TICK_S = 0.01
LONGER = 10
"""So many times as long is the history for the memory."""
CANDIDATE: dict[str, Any] = {
    **PLAN,
    "code": "ladder",
    "tiers": 3,
    "ranks": [
        {"code": "member"},
        *(
            {"code": code, "promote": {"metric": "team_sales_minor", "levels": 3, "window": "30d", "at_least": least}}
            for code, least in (("owner", 100_000), ("manager", 1_000_000))
        ),
    ],
    "rules": [
        {"id": "seller", "pay": "seller", "rate": {"member": "0.08", "owner": "0.10", "manager": "0.12"}},
        *({"id": f"upline-{tier}", "pay": "upline", "tier": tier, "rate": "0.02"} for tier in (1, 2, 3)),
    ],
}


@dataclass(frozen=True, slots=True)
class WhatIfSize:
    """What the kernel alone works on, and what is settled and simulated a round; ``history`` for the memory."""

    kernel: EngineSize
    world: World
    rounds: int
    history: World


SIZES = {
    "small": WhatIfSize(KERNEL_SIZES["small"], World(20_000, 20_000), 3, World(20_000, 100_000)),
    "full": WhatIfSize(KERNEL_SIZES["full"], World(100_000, 100_000), 5, World(100_000, 1_000_000)),
}


@dataclass(slots=True)
class _Spent:
    """Seconds of processor of each round: of the process that worked, and of the server."""

    python_s: list[float] = field(default_factory=list)
    postgresql_s: list[float] = field(default_factory=list)

    @property
    def rounds(self) -> list[float]:
        """Both together."""
        return [python + server for python, server in zip(self.python_s, self.postgresql_s, strict=True)]

    def figures(self, name: str, orders: int) -> dict[str, float]:
        """What an order takes, of the median round."""
        return {
            f"{name}_python_us": round(median(self.python_s) / orders * 1e6, 1),
            f"{name}_postgresql_us": round(median(self.postgresql_s) / orders * 1e6, 1),
        }


def bench_whatif(container: Container, size: WhatIfSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark.

    Raises:
        BenchFailed: a side did not work on all orders, or two ways pay differently.
    """
    kernel = bench_kernel(size.kernel, say)
    with ExitStack() as stack:
        bench = _Turns(container, stack.enter_context(own_databases(container.database_url)), say)
        settled, were, replayed, by_files = bench.rounds(size)
        peak, peak_longer = bench.memory(size.history)
    orders = size.world.orders
    ratio = _times(settled, were)
    replayed_ratio = _times(were, replayed)
    files_ratio = _times(settled, by_files)
    grown = growth(peak, peak_longer)
    is_small = peak_longer <= MEMORY_GOAL_BYTES and grown <= GROWTH_GOAL
    return {
        **kernel,
        "world": asdict(size.world),
        "simulation_rounds": size.rounds,
        **settled.figures("settle", orders),
        **were.figures("simulate", orders),
        **replayed.figures("replay", orders),
        "files_python_us": by_files.figures("files", orders)["files_python_us"],
        "simulation_ratio": round(ratio, 1),
        "simulation_goal": SIMULATION_GOAL,
        "files_ratio": round(files_ratio, 1),
        "files_goal": FILES_GOAL,
        "replayed_ratio": round(replayed_ratio, 3),
        "replayed_goal": REPLAYED_GOAL,
        "simulation_memory_orders": size.history.orders // LONGER,
        "simulation_memory_bytes": peak,
        "simulation_memory_longer_bytes": peak_longer,
        "simulation_memory_goal_bytes": MEMORY_GOAL_BYTES,
        "simulation_memory_growth": round(grown, 3),
        "simulation_memory_growth_goal": GROWTH_GOAL,
        "met": kernel["met"]
        and ratio >= SIMULATION_GOAL
        and files_ratio >= FILES_GOAL
        and replayed_ratio >= REPLAYED_GOAL
        and is_small,
    }


def _times(longer: _Spent, shorter: _Spent) -> float:
    """How many times as long one took as the other, of the median round; less than a tick of the clock is one."""
    return median(own / max(other, _TICK_S) for own, other in zip(longer.rounds, shorter.rounds, strict=True))


@dataclass(frozen=True, slots=True)
class _Turns:
    """One run of the benchmark: its databases, and where it reports its steps."""

    container: Container
    databases: Databases
    say: Callable[[str], None]

    def rounds(self, size: WhatIfSize) -> tuple[_Spent, _Spent, _Spent, _Spent]:
        """Settling, simulating with ranks as they were, with ranks replayed, and on files, by turns."""
        settled, were, replayed, by_files = _Spent(), _Spent(), _Spent(), _Spent()
        self.say("prepare")
        prepare(self.container, self.databases.make("prepared"), size.world)
        with (
            Hands("drain", 1) as drainer,
            Hands("simulate", 1) as simulator,
            Hands("simulate_files", 1) as file_simulator,
        ):
            for _ in range(size.rounds):
                with self.databases.copy_of("prepared") as url:
                    self.say("drain_alone")
                    self._timed(drainer, self._drain(url, size.world), settled, size.world)
                    vacuum(url)
                    costs = {}
                    for ranks, spent in ((AS_WERE, were), (REPLAYED, replayed)):
                        self.say(f"simulate_{ranks}")
                        asked = self._simulation(url, ranks, SOLD_FOR)
                        costs[ranks] = self._timed(simulator, asked, spent, size.world)["cost_minor"]
                    self.say("simulate_files")
                    asked = self._simulation(url, AS_WERE, SOLD_FOR)
                    report = self._timed(file_simulator, asked, by_files, size.world, with_server=False)
                    if report["cost_minor"] != costs[AS_WERE]:
                        raise BenchFailed(Text("files and database come to different costs"))
        return settled, were, replayed, by_files

    def memory(self, history: World) -> tuple[int, int]:
        """The peak of a process that simulates a tenth of a history, and of one that simulates all of it."""
        self.say("memory_history")
        url = self.databases.make("history")
        prepare(self.container, url, history)
        with Hands("drain", 1) as drainer:
            self._timed(drainer, self._drain(url, history), _Spent(), history)
        vacuum(url)
        peaks = []
        for part in (LONGER, 1):
            with Hands("simulate", 1) as simulator:
                run = simulator.run([self._simulation(url, AS_WERE, SOLD_FOR / part)])
            peaks.append(int(run.reports[0]["peak"]))
        return peaks[0], peaks[1]

    def _timed(
        self, hands: Hands, spec: dict[str, Any], spent: _Spent, world: World, *, with_server: bool = True
    ) -> dict[str, Any]:
        before, _ = self.databases.spent()
        run = hands.run([spec])
        after, _ = self.databases.spent()
        if run.reports[0]["orders"] != world.orders:
            done, wanted = run.reports[0]["orders"], world.orders
            raise BenchFailed(Text("not all orders were settled: {orders} of {wanted}", orders=done, wanted=wanted))
        spent.python_s.append(run.processor_s)
        spent.postgresql_s.append(after - before if with_server else 0.0)
        return run.reports[0]

    def _drain(self, url: str, world: World) -> dict[str, Any]:
        return {"environment": environment(self.container, url), "first_orders": world.orders}

    def _simulation(self, url: str, ranks: str, lasts: timedelta) -> dict[str, Any]:
        return {
            "environment": environment(self.container, url),
            "plan": CANDIDATE,
            "ranks": ranks,
            "since": SOLD_FROM.isoformat(),
            "until": (SOLD_FROM + lasts).isoformat(),
        }
