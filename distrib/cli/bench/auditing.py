"""Measures an audit of everything on a large program against one of a tenth of it: what grows with the square shows.

Both worlds are kept from run to run; an audit's own row is undone, so that each round finds the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from distrib.auditor import audit_in_steps
from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import Rounds, ratio
from distrib.cli.bench.platform_world.keeping import OpenedWorld, open_world
from distrib.domain.texts import Text

GROWTH_GOAL = 12.0
"""How many times as long ten times the orders may take."""
SECONDS_GOAL = 180.0
"""For 1,000,000 orders."""
TENTH = 10


@dataclass(frozen=True, slots=True)
class AuditSize:
    """Shops and as many orders of the larger program, and how many rounds there are."""

    orders: int
    rounds: int


SIZES = {"small": AuditSize(100_000, 3), "full": AuditSize(1_000_000, 2)}


@dataclass(slots=True)
class Undone:
    """Transactions of a world that are undone at their end, with how long each took."""

    opened: OpenedWorld
    seconds: list[float] = field(default_factory=list)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction under the worker's role that leaves nothing."""
        with self.opened.container.worker_engine.connect() as conn:
            started = time.perf_counter()
            yield conn
            conn.rollback()
            self.seconds.append(time.perf_counter() - started)

    def audit(self) -> float:
        """Audits everything and returns the seconds; raises ``BenchFailed`` where anything is wrong."""
        started, own = time.perf_counter(), self.opened.container
        result = audit_in_steps(self.begin, self.opened.program, own.now(), own.policies, is_full=True)
        wrong = [check.name for check in result.checks if not check.ok]
        if wrong:
            raise BenchFailed(Text("the audit of the world fails"), ", ".join(wrong))
        return time.perf_counter() - started


def bench_audit(container: Container, size: AuditSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark of the audit.

    Raises:
        BenchFailed: a world is not clean.
    """
    tenth = size.orders // TENTH
    large_seconds: list[float] = []
    small_seconds: list[float] = []
    processor = 0.0
    with (
        open_world(container, tenth, tenth, say) as small,
        open_world(container, size.orders, size.orders, say) as large,
    ):
        smaller, larger = Undone(small), Undone(large)
        for _ in range(size.rounds):
            say("audit_small")
            small_seconds.append(smaller.audit())
            say("audit")
            used = time.process_time()
            large_seconds.append(larger.audit())
            processor = time.process_time() - used
    limit, done = Rounds(1, small_seconds), Rounds(1, large_seconds)
    growth = 1 / ratio(done, limit)
    seconds_goal = SECONDS_GOAL * size.orders / SIZES["full"].orders
    return {
        "rounds": size.rounds,
        "orders": size.orders,
        "audit_seconds": round(1 / done.rate, 2),
        "audit_seconds_goal": seconds_goal,
        "audit_seconds_of_a_tenth": round(1 / limit.rate, 2),
        "audit_growth": round(growth, 2),
        "audit_growth_goal": GROWTH_GOAL,
        "longest_snapshot_seconds": round(max(larger.seconds), 2),
        "python_microseconds_an_order": round(processor / size.orders * 1e6, 1),
        "met": growth <= GROWTH_GOAL and 1 / done.rate <= seconds_goal,
    }
