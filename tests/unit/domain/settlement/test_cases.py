"""The published examples in tests/cases, through the pure engine.

Each case comes from another product's documentation or tests and says so. The same cases run
through HTTP with real workers in tests/acceptance.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.plan import CHAIN_LENGTH, Plan, compile_plan
from distrib.domain.plans.pools import share_pool
from distrib.domain.settlement.caps import counted
from distrib.domain.settlement.commission import Commission, Person, Snapshot, settle, settle_left
from distrib.domain.settlement.snapshot import Room

CASES = [json.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parents[3] / "cases").glob("*.json"))]
BY_MONTH = "pool-by-weight"
"""Paid once the month is over, and not by an order."""
DEFAULT_PAID_AT = "2026-03-01T10:00:00+08:00"


class World:
    """A case's shops, as the snapshot of an order sees them."""

    def __init__(self, case: dict[str, Any], plan: Plan) -> None:
        self.names = [name for name, _ in case["shops"]]
        self.sponsors = dict(case["shops"])
        self.moves = case.get("moves", [])
        self.ranks = case["ranks"]
        self.statuses = case.get("statuses", {})
        self.plan = plan
        self.of_customer: Counter[tuple[int, int, str]] = Counter()

    def person(self, name: str) -> Person:
        rank = self.ranks.get(name, self.plan.lowest_rank)
        return Person(self.names.index(name), rank, self.statuses.get(name, "active") == "active")

    def sponsor(self, name: str, as_of: datetime) -> str | None:
        for move in reversed(self.moves):
            if move["shop"] == name and datetime.fromisoformat(move["effective_at"]) <= as_of:
                return str(move["sponsor_id"])
        sponsor: str | None = self.sponsors[name]
        return sponsor

    def snapshot(self, order: Order) -> Snapshot:
        uplines: list[Person] = []
        name = self.sponsor(str(order.shop_id), order.paid_at)
        while name is not None and len(uplines) < CHAIN_LENGTH:
            uplines.append(self.person(name))
            name = self.sponsor(name, order.paid_at)
        seller = self.person(str(order.shop_id))
        is_self = order.customer_id == order.shop_id
        return Snapshot(seller, tuple(uplines), is_self, order_cap_ppm=self.plan.order_cap_ppm)


def read_order(order: dict[str, Any]) -> Order:
    values = {"currency": "CNY", **order}
    values["paid_at"] = datetime.fromisoformat(order.get("paid_at", DEFAULT_PAID_AT))
    values["lines"] = tuple(OrderLine(**line) for line in order["lines"])
    return Order(**values)


def with_rooms(world: World, order: Order, snapshot: Snapshot) -> Snapshot:
    """The snapshot with the room that earlier orders of the customer left, and this order counted."""
    customer, rooms = str(order.customer_id), []
    for rule_index, shop_no in counted(world.plan, settle(world.plan, order, snapshot)):
        cap = world.plan.book.counted[rule_index].per_customer_minor
        assert cap is not None
        rooms.append(Room(rule_index, shop_no, None, cap - world.of_customer[rule_index, shop_no, customer]))
    snapshot = snapshot._replace(rooms=tuple(rooms))
    for commission in settle(world.plan, order, snapshot):
        world.of_customer[commission.rule_index, commission.shop_no, customer] += commission.amount_minor
    return snapshot


def stands(case: dict[str, Any], world: World, order: Order) -> list[Commission]:
    """What stands after the case's refunds, worked out again after each of them."""
    snapshot = with_rooms(world, order, world.snapshot(order))
    standing = settle(world.plan, order, snapshot)
    posted = {commission.key: commission.amount_minor for commission in standing}
    left = [line.paid_minor for line in order.lines]
    for refund in case["refunds"]:
        if refund["order_id"] == order.id:
            for line in refund["lines"]:
                left[[own.id for own in order.lines].index(line["line_id"])] -= line["amount_minor"]
            standing = settle_left(world.plan, order, snapshot, left, posted)
    return standing


@pytest.mark.parametrize("case", [case for case in CASES if case["name"] != BY_MONTH], ids=lambda case: case["name"])
def test_the_engine_pays_what_the_source_says(case: dict[str, Any]) -> None:
    world = World(case, compile_plan(case["plan"]))
    paid: Counter[str] = Counter()
    for document in case["orders"]:
        of_order: Counter[str] = Counter()
        for commission in stands(case, world, read_order(document)):
            of_order[world.names[commission.shop_no]] += commission.amount_minor
        assert of_order == Counter(case.get("expect_orders", {}).get(document["id"], of_order))
        paid += of_order
    assert {name: paid[name] for name in case["expect"]} == case["expect"]
    assert paid.total() == sum(case["expect"].values())


def test_the_published_pool_is_shared_by_weight_to_the_unit() -> None:
    case = next(case for case in CASES if case["name"] == BY_MONTH)
    plan = compile_plan(case["plan"])
    base = sum(line.paid_minor for order in case["orders"] for line in read_order(order).lines)
    (pool,) = plan.pools
    assert share_pool(base, pool, case["ranks"]) == case["expect"]
