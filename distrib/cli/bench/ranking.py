"""Measures the monthly evaluation and the passes over the whole network, against a bare COPY and bare arithmetic.

An evaluation is run to its end and undone, so that every round finds the same program.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import Rounds, ratio
from distrib.cli.bench.limits.ranking_bare import LEVELS, bare_network, bare_ranks
from distrib.cli.bench.limits.rows import vacuum
from distrib.cli.bench.processes.databases import own_databases
from distrib.cli.bench.ranking_world import BEFORE, LAST_INSTANT, MONTH, RankWorld, open_rank_world, refund_more
from distrib.columns.tree import counts_below, level_sums
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.ranks.evaluation import evaluate_month
from distrib.services.ranks.facts import StoredRanks
from distrib.services.ranks.figures import shops_at
from distrib.store import migrate
from distrib.store.ranks.evaluations import EvaluationRow

SECONDS_GOAL = 60.0
"""The evaluation of 1,000,000 shops with 5,000,000 settled orders, on two cores."""
NETWORK_GOAL = 0.5
MEMORY_GOAL = 1 << 30


@dataclass(frozen=True, slots=True)
class RankSize:
    """How large the program is, and how many rounds there are."""

    world: RankWorld
    rounds: int


SIZES = {"small": RankSize(RankWorld(100_000, 500_000), 3), "full": RankSize(RankWorld(1_000_000, 5_000_000), 3)}


def bench_ranks(container: Container, size: RankSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark of the monthly evaluation.

    Raises:
        BenchFailed: an evaluation did not judge every shop.
    """

    def measured(own: Container, program: Program, url: str) -> dict[str, Any]:
        say("evaluate_before")
        row = _evaluated(own, program, BEFORE, keep=True)
        refund_more(own, program)
        vacuum(url)
        ours: list[float] = []
        bare: list[float] = []
        for _ in range(size.rounds):
            say("evaluate")
            seconds, row = _timed(lambda: _evaluated(own, program, MONTH, keep=False))
            ours.append(seconds)
            say("bare")
            bare_seconds, _ = _timed(lambda: bare_ranks(url))
            bare.append(bare_seconds)
        if row.shops != size.world.shops or not (row.promoted and row.lowered and row.taken_back):
            raise BenchFailed(Text("not every part of an evaluation was measured: {row}", row=row))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        done, limit = Rounds(size.world.shops, ours), Rounds(size.world.shops, bare)
        return {
            "evaluation_seconds": round(size.world.shops / done.rate, 2),
            "evaluation_seconds_goal": SECONDS_GOAL,
            "shops_per_second": round(done.rate),
            "bare_shops_per_second": round(limit.rate),
            "ratio": round(ratio(done, limit), 3),
            "changes": {"promoted": row.promoted, "lowered": row.lowered, "taken_back": row.taken_back},
            "memory_at_end_bytes": peak,
            "memory_at_end_bytes_goal": MEMORY_GOAL,
            "met": size.world.shops / done.rate <= SECONDS_GOAL and peak <= MEMORY_GOAL,
        }

    return _in_own_world(container, size, say, measured)


def bench_network(container: Container, size: RankSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark of whole-tree passes: the tree at an instant, three levels of sums, recruits.

    Raises:
        BenchFailed: the two sides come to different totals.
    """

    def measured(own: Container, program: Program, url: str) -> dict[str, Any]:
        ours: list[float] = []
        bare: list[float] = []
        for _ in range(size.rounds):
            say("network")
            seconds, total = _timed(lambda: _passes(own, program))
            ours.append(seconds)
            say("bare")
            seconds, bare_total = _timed(lambda: bare_network(url))
            bare.append(seconds)
            if total != bare_total:
                raise BenchFailed(Text("the two sides differ"), f"{total} != {bare_total}")
        done, limit = Rounds(size.world.shops, ours), Rounds(size.world.shops, bare)
        reached = ratio(done, limit)
        return {
            "shops_per_second": round(done.rate),
            "bare_shops_per_second": round(limit.rate),
            "ratio": round(reached, 3),
            "goal": NETWORK_GOAL,
            "met": reached >= NETWORK_GOAL,
        }

    return _in_own_world(container, size, say, measured)


def _in_own_world(
    container: Container,
    size: RankSize,
    say: Callable[[str], None],
    measured: Callable[[Container, Program, str], dict[str, Any]],
) -> dict[str, Any]:
    with own_databases(container.database_url) as databases:
        say("prepare")
        url = databases.make("ranks")
        migrate.upgrade(url)
        own = Container(container.settings, url, container.redis_url)
        try:
            program = open_rank_world(own, size.world)
            vacuum(url)
            return {"rounds": size.rounds, "world": asdict(size.world), **measured(own, program, url)}
        finally:
            own.close()


def _evaluated(container: Container, program: Program, period: int, *, keep: bool) -> EvaluationRow:
    with container.worker_engine.connect() as conn:
        row, _ = evaluate_month(Unit(conn, program, COMMAND_LINE, container.now()), period)
        if keep:
            conn.commit()
        else:
            conn.rollback()
    return row


def _passes(container: Container, program: Program) -> int:
    with container.begin() as conn:
        shops = shops_at(StoredRanks(conn, program.program_id), LAST_INSTANT)
    own = np.arange(shops.count, dtype=np.int64)
    recruits = counts_below(shops.parents, np.ones(shops.count, dtype=np.bool_))
    return int(level_sums(shops.parents, own, LEVELS).sum()) + int(recruits.sum())


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = run()
    return time.perf_counter() - started, answer
