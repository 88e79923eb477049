"""Measures the kernel of simulations alone: a plan as a kernel over arrays, against the engine of one order.

The plans and orders are those of ``engine``. Both sides take turns, processor time is counted, and after each round
both must have paid as many commissions and as much. The plan is compiled and the history is in arrays, or in objects,
before the clock starts; the rows of all commissions are made within it on both sides.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import Rounds, ratio
from distrib.cli.bench.reckoning import LINES, MIXED, RATES, TIERS, EngineSize, OrdersWithPeople, orders_of, plan_of
from distrib.columns.commissions.chunk import Chunk
from distrib.columns.commissions.gathering import GrowingCodes, chunk_of
from distrib.columns.commissions.kernel import PlanKernel, compile_kernel
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.commission import settle
from distrib.domain.texts import Text

RATES_GOAL, MIXED_GOAL = 20, 8
CHUNK = 4_000
SIZES = {"small": EngineSize(8_000, 7), "full": EngineSize(80_000, 9)}


class PaidTotal(NamedTuple):
    """How many commissions were paid, and how much."""

    commissions: int
    amount_minor: int


def bench_kernel(size: EngineSize, say: Callable[[str], None]) -> dict[str, Any]:
    """The figures of the kernel alone.

    Raises:
        BenchFailed: the two sides pay differently.
    """
    say("prepare")
    orders, codes = orders_of(size.orders), GrowingCodes()
    chunks = [chunk_of(orders[start : start + CHUNK], codes) for start in range(0, size.orders, CHUNK)]
    say("kernel")
    rates, rates_engine = _sides(plan_of(RATES), orders, chunks, size.rounds)
    mixed, mixed_engine = _sides(plan_of(MIXED), orders, chunks, size.rounds)
    kernel_ratio, kernel_mixed_ratio = ratio(rates, rates_engine), ratio(mixed, mixed_engine)
    return {
        "rounds": size.rounds,
        "orders": size.orders,
        "lines": LINES,
        "rules": len(RATES),
        "tiers": TIERS,
        "kernel_orders_per_second": round(rates.rate),
        "engine_orders_per_second": round(rates_engine.rate),
        "kernel_ratio": round(kernel_ratio, 1),
        "kernel_mixed_orders_per_second": round(mixed.rate),
        "engine_mixed_orders_per_second": round(mixed_engine.rate),
        "kernel_mixed_ratio": round(kernel_mixed_ratio, 1),
        "kernel_goal": RATES_GOAL,
        "kernel_mixed_goal": MIXED_GOAL,
        "met": kernel_ratio >= RATES_GOAL and kernel_mixed_ratio >= MIXED_GOAL,
    }


def _sides(plan: Plan, orders: OrdersWithPeople, chunks: Sequence[Chunk], rounds: int) -> tuple[Rounds, Rounds]:
    """The kernel and the engine over the same orders, in turns; the first turn of each is not counted."""
    kernel = compile_kernel(plan)
    ours: list[float] = []
    engine: list[float] = []
    for _ in range(rounds + 1):
        seconds, total = _timed(lambda: _run_all(kernel, chunks))
        ours.append(seconds)
        seconds, engine_total = _timed(lambda: _settle_all(plan, orders))
        engine.append(seconds)
        if total != engine_total:
            raise BenchFailed(Text("kernel and engine differ"), f"{total} != {engine_total}")
    return Rounds(len(orders), ours[1:]), Rounds(len(orders), engine[1:])


def _timed(run: Callable[[], PaidTotal]) -> tuple[float, PaidTotal]:
    gc.collect()
    started = time.process_time()
    total = run()
    return time.process_time() - started, total


def _run_all(kernel: PlanKernel, chunks: Sequence[Chunk]) -> PaidTotal:
    commissions = amount_minor = 0
    for chunk in chunks:
        for step in kernel.run(chunk).steps:
            commissions += int(np.count_nonzero(step.amount_minor))
            amount_minor += int(step.amount_minor.sum())
    return PaidTotal(commissions, amount_minor)


def _settle_all(plan: Plan, orders: OrdersWithPeople) -> PaidTotal:
    commissions = amount_minor = 0
    for order, snapshot in orders:
        paid = settle(plan, order, snapshot)
        commissions += len(paid)
        for commission in paid:
            amount_minor += commission.amount_minor
    return PaidTotal(commissions, amount_minor)
