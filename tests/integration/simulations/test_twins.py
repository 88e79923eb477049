"""What a plan is simulated to cost is, order by order, what the ledger has of a program that it is in force in.

Plans and events by lot. The twin of a program has the same shops and gets the same events, and the candidate's plan.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distrib.domain.plans.plan import Plan, compile_plan
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.simulations.figures import BlockFigures
from distrib.services.simulations.result_views import CandidateView
from distrib.services.simulations.running import (
    PaidSpan,
    SimulationQuestion,
    Watcher,
    enter_history,
    simulate,
)
from tests.integration.simulations.test_exact_facts import pay_all_pools, twin_of
from tests.integration.simulations.test_in_columns import SHOPS, candidates, kept, seed, some_events
from tests.world.documents import PAID
from tests.world.world import World, chain

__all__ = ["seed"]

DAY = timedelta(days=1)
SPAN = PaidSpan(PAID - 10 * DAY, PAID + 200 * DAY)
POOLS: list[dict[str, Any]] = [
    {"id": "all", "rate": "0.0123", "weights": {"gold": 3, "member": 1}},
    {"id": "few", "rate": "0.5", "weights": {"gold": 1}},
]
MARGINS: dict[str, Any] = {
    "code": "margins",
    "currency": "CNY",
    "base": "margin",
    "ranks": [{"code": "member"}, {"code": "gold"}],
    "rules": [{"id": "r0", "pay": "seller", "rate": "0.10"}],
    "pools": POOLS,
}
"""Does not pay orders that have a line without a cost."""
_numbers = count()


class Known(NamedTuple):
    """What a plan costs: by order, rule and shop, by kind, by month, and by the day of release."""

    orders: dict[tuple[str, str, str], int]
    kinds: dict[str, int]
    months: dict[str, int]
    days: dict[str, int]


@st.composite
def tried(draw: st.DrawFn, *, on_sales: bool) -> Plan:
    """A plan with pools, whose orders do not depend on each other but (``on_sales``) by the sales of their earners."""
    document: dict[str, Any] = json.loads(json.dumps(draw(candidates()).document))
    document |= {"currency": "CNY", "pools": POOLS}
    document["rules"].append({"id": "own", "pay": "seller", "rate": "0.07", "group": "own"})
    for rule in document["rules"]:
        where, cap = rule.get("where") or {}, rule.get("cap", {})
        where.pop("customer", None)
        where["not"] = {name: asked for name, asked in where.get("not", {}).items() if name != "customer"}
        rule["where"] = {name: asked for name, asked in where.items() if asked} or None
        rule["cap"] = {name: most for name, most in cap.items() if name == "per_order_minor"} or None
        rule.pop("requires", None)
        if on_sales:
            most, days = draw(st.sampled_from((1, 50_000, 300_000))), draw(st.sampled_from((None, 7, 30)))
            rule["requires"] = {"min_personal_sales_minor": most} | ({} if days is None else {"window_days": days})
    return compile_plan(document)


def opened(world: World, plan: dict[str, Any]) -> World:
    """A tree with a plan in force."""
    world.publish(plan)
    world.join(*chain("a", "b", "c", "d", "e", "f"), *chain("x", "y"))
    world.set_rank("b", "gold", PAID - DAY)
    world.set_rank("d", "gold", PAID + 10 * DAY)
    world.set_status("c", "frozen", PAID + 20 * DAY)
    return world


def simulated(world: World, plan: Plan) -> Known:
    """What a plan is simulated to cost."""
    orders: Counter[tuple[int, str, int]] = Counter()

    def keep(_number: int, figures: BlockFigures) -> None:
        for order in kept(figures):
            for side, rule, shop_no, minor in order.amounts:
                orders[order.order_no, rule, shop_no] += minor * side

    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        unit = Unit(conn, world.program, COMMAND_LINE, world.now())
        question = SimulationQuestion((plan,), SPAN)
        result = simulate(unit, world.policies, question, world.container.worker_engine.begin, Watcher(keep))
    ids = dict(map(tuple, world.rows("SELECT order_no, order_id FROM orders WHERE program_id = :program")))
    shops = dict(map(tuple, world.rows("SELECT shop_no, shop_id FROM shops WHERE program_id = :program")))
    [view] = result["candidates"]
    named = {(ids[order], rule, shops[shop]): minor for (order, rule, shop), minor in orders.items() if minor}
    return Known(named, _kinds(view), _now(view["by_month"], "month"), _now(view["releases"], "day"))


def _kinds(view: CandidateView) -> dict[str, int]:
    kinds = {"earned": view["earned_minor"], "reversed": view["reversed_minor"], "pool": view["pools_minor"]}
    return {kind: minor for kind, minor in kinds.items() if minor}


def _now(rows: Sequence[Any], key: str) -> dict[str, int]:
    return {str(row[key]): row["now_minor"] for row in rows if row["now_minor"]}


def posted(world: World) -> Known:
    """What the ledger has."""
    rows = world.rows(
        "SELECT t.kind, o.order_id, t.rule_id, s.shop_id,"
        " signed_minor(t.shop_no, credit_account, amount_minor) AS minor,"
        " to_char(t.occurred_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month,"
        " (t.available_at AT TIME ZONE 'Asia/Shanghai')::date::text AS day"
        " FROM transfers t JOIN shops s USING (program_id, shop_no)"
        " LEFT JOIN orders o ON o.program_id = t.program_id AND o.order_no = t.cause_no WHERE t.program_id = :program"
    )
    orders, kinds, months, days = (Counter[Any]() for _ in range(4))
    for row in rows:
        if row.kind != "pool":
            orders[row.order_id, row.rule_id, row.shop_id] += row.minor
        kinds[row.kind] += row.minor
        months[row.month] += row.minor
        days[row.day] += row.minor
    return Known(*({key: int(minor) for key, minor in sums.items() if minor} for sums in (orders, kinds, months, days)))


def in_time(deliveries: list[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Events one by one as they happened, each line with a cost, so that no plan fails."""
    for event in sorted((event for events in deliveries for event in events), key=lambda event: event["occurred_at"]):
        for line in event.get("order", {}).get("lines", ()):
            line.setdefault("cost_minor", 70)
        yield event


@pytest.mark.timeout(300)
def test_a_plan_costs_what_it_is_simulated_to_cost_on_orders_that_one_of_both_cannot_pay(
    world: World, seed: int
) -> None:
    def told(program: World, plan: dict[str, Any]) -> World:
        opened(program, plan)
        for events in some_events(random.Random(seed)):
            program.post(*events)
            program.drain()
        return program

    told(world, MARGINS)
    failed = "SELECT count(*) FROM event_outcomes WHERE program_id = :program AND code = 'cost_missing'"
    assert world.rows(failed)[0][0] > len(SHOPS), seed

    @settings(max_examples=6, suppress_health_check=[*HealthCheck])
    @given(tried(on_sales=False))
    def holds(plan: Plan) -> None:
        twin = told(twin_of(world, f"twin-{next(_numbers)}"), dict(plan.document))
        pay_all_pools(twin)
        assert simulated(world, plan) == posted(twin), seed

    holds()


@pytest.mark.timeout(300)
def test_rules_on_sales_know_what_the_ledger_would_have_known(world: World, seed: int) -> None:
    def told(program: World, plan: dict[str, Any]) -> World:
        opened(program, plan)
        for event in in_time(some_events(random.Random(seed))):
            program.earn(event)
        return program

    told(world, MARGINS)

    @settings(max_examples=3, suppress_health_check=[*HealthCheck])
    @given(tried(on_sales=True))
    def holds(plan: Plan) -> None:
        twin = told(twin_of(world, f"twin-{next(_numbers)}"), dict(plan.document))
        pay_all_pools(twin)
        assert simulated(world, plan) == posted(twin), seed

    holds()
