"""Measures the pure engine: orders of three lines under plans of six rules and three tiers, on one core.

The limit is a loop that does the same arithmetic on the same figures and nothing else: no plan, no people, no rows. It
stands in ``reckoning_bare``. Processor time is counted, so that company on the machine does not. No server is needed.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import Rounds, ratio
from distrib.cli.bench.limits import reckoning_bare
from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.commission import settle
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.texts import Text

GOAL = 40_000
LINES, TIERS = 3, 3
SOLD_AT = datetime(2024, 3, 1, tzinfo=UTC)
RANKS = ("member", "owner", "manager")
_STRIDE = 7_919  # a prime, so that figures follow each other as if drawn

_BY_RANK = {"member": "0.08", "owner": "0.10", "manager": "0.12"}
_CAREER = {"pay": "chain", "differential": True, "rate": {"owner": "0.01", "manager": "0.025"}}
RATES: tuple[dict[str, Any], ...] = (
    {"id": "seller", "pay": "seller", "rate": _BY_RANK},
    {"id": "beauty", "group": "beauty", "pay": "seller", "rate": "0.02", "where": {"category": ["beauty"]}},
    {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.05"},
    {"id": "up-2", "pay": "upline", "tier": 2, "rate": "0.02"},
    {"id": "up-3", "pay": "upline", "tier": 3, "rate": "0.01"},
    {"id": "career", **_CAREER},
)
"""Six rules that take rates of the base alone."""
MIXED: tuple[dict[str, Any], ...] = (
    {"id": "seller", "pay": "seller", "rate": _BY_RANK},
    {"id": "piece", "group": "piece", "pay": "seller", "amount_minor": 50},
    {"id": "up-1", "pay": "upline", "tier": 1, "of": "remaining", "rate": "0.05"},
    {"id": "up-2", "pay": "upline", "tier": 2, "of": {"rule": "up-1"}, "rate": "0.10"},
    {
        "id": "up-3",
        "pay": "upline",
        "tier": 3,
        "slab_mode": "marginal",
        "slabs": [{"from_minor": 0, "rate": "0.01"}, {"from_minor": 50_000, "rate": "0.02"}],
    },
    {"id": "career", **_CAREER},
)
"""Six rules of every kind: what is left, what another rule paid, slabs, an amount a piece, a differential."""

OrdersWithPeople: TypeAlias = list[tuple[Order, Snapshot]]


@dataclass(frozen=True, slots=True)
class EngineSize:
    """How many orders a round has, and how many rounds there are."""

    orders: int
    rounds: int


SIZES = {"small": EngineSize(4_000, 9), "full": EngineSize(40_000, 15)}


def bench_engine(size: EngineSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark.

    Raises:
        BenchFailed: the two sides come to different amounts.
    """
    say("prepare")
    orders = orders_of(size.orders)
    say("engine")
    rates, rates_bare = _sides(RATES, orders, reckoning_bare.rates_only, size.rounds)
    mixed, mixed_bare = _sides(MIXED, orders, reckoning_bare.mixed, size.rounds)
    return {
        "rounds": size.rounds,
        "orders": size.orders,
        "lines": LINES,
        "rules": len(RATES),
        "tiers": TIERS,
        "orders_per_second": round(rates.rate),
        "bare_orders_per_second": round(rates_bare.rate),
        "ratio": round(ratio(rates, rates_bare), 3),
        "mixed_orders_per_second": round(mixed.rate),
        "bare_mixed_orders_per_second": round(mixed_bare.rate),
        "mixed_ratio": round(ratio(mixed, mixed_bare), 3),
        "orders_per_second_goal": GOAL,
        "mixed_orders_per_second_goal": GOAL,
        "met": min(rates.rate, mixed.rate) >= GOAL,
    }


def orders_of(count: int) -> OrdersWithPeople:
    """So many orders with their people."""
    return [_order(number) for number in range(count)]


def plan_of(rules: Sequence[dict[str, Any]]) -> Plan:
    """The plan with these rules; its order cap is looked at and never binds."""
    ranks = [{"code": rank} for rank in RANKS]
    document = {"code": "bench", "currency": "CNY", "tiers": TIERS, "order_cap": "0.50", "ranks": ranks}
    return compile_plan({**document, "rules": list(rules)})


def _sides(
    rules: Sequence[dict[str, Any]], orders: OrdersWithPeople, bare: Callable[[Sequence[Any]], int], rounds: int
) -> tuple[Rounds, Rounds]:
    """The engine and the bare loop over the same orders, in turns."""
    plan = plan_of(rules)
    figures = [reckoning_bare.figures_of(plan, order, snapshot) for order, snapshot in orders]
    ours: list[float] = []
    limit: list[float] = []
    for _ in range(rounds):
        seconds, total = _timed(lambda: _settle_all(plan, orders))
        ours.append(seconds)
        seconds, bare_total = _timed(lambda: bare(figures))
        limit.append(seconds)
        if total != bare_total:
            raise BenchFailed(Text("engine and bare loop differ"), f"{total} != {bare_total}")
    return Rounds(len(orders), ours), Rounds(len(orders), limit)


def _timed(run: Callable[[], int]) -> tuple[float, int]:
    gc.collect()
    started = time.process_time()
    total = run()
    return time.process_time() - started, total


def _settle_all(plan: Plan, orders: OrdersWithPeople) -> int:
    total = 0
    for order, snapshot in orders:
        for commission in settle(plan, order, snapshot):
            total += commission.amount_minor
    return total


def _order(number: int) -> tuple[Order, Snapshot]:
    """An order and its people: ranks, standings and amounts differ from order to order, the same on every run."""
    drawn = (number + 1) * _STRIDE
    people = [_person(drawn, place) for place in range(TIERS + 3)]
    lines = tuple(_line(drawn, index) for index in range(LINES))
    return Order(f"o-{number}", "CNY", SOLD_AT, lines, shop_id="s"), _snapshot(people)


def _snapshot(people: Sequence[Person]) -> Snapshot:
    return Snapshot(people[0], tuple(people[1:]), order_cap_ppm=500_000)


def _person(drawn: int, place: int) -> Person:
    figure = drawn // (place + 1)
    return Person(figure % 100_000, RANKS[figure % len(RANKS)], figure % 19 != 0)


def _line(drawn: int, index: int) -> OrderLine:
    figure = drawn // (index + 2)
    category = ("beauty", "food", None)[figure % 3]
    return OrderLine(str(index), f"s-{figure % 997}", 1 + figure % 3, 1_000 + figure % 90_000, category=category)
