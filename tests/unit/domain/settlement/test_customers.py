"""Rules about new and returning customers: which are chosen, and what an explanation says of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.customer_conditions import CustomerCondition
from distrib.domain.plans.plan import compile_plan
from distrib.domain.settlement.commission import settle, settle_left
from distrib.domain.settlement.customers import CustomerVerdict, conditions_met, customer_verdicts
from distrib.domain.settlement.snapshot import EarlierOrders, Person, Snapshot

PAID_AT = datetime(2026, 3, 1, tzinfo=UTC)
ORDER = Order("o", "CNY", PAID_AT, (OrderLine("1", "A", 1, 1_000), OrderLine("2", "B", 1, 2_000)))
NEW = EarlierOrders(0)
RETURNING = EarlierOrders(1, PAID_AT - timedelta(days=3))
PLAN = compile_plan(
    {
        "code": "p",
        "currency": "CNY",
        "rules": [
            {"id": "new", "pay": "seller", "rate": "0.3", "where": {"customer": "new", "sku": ["A"]}},
            {"id": "again", "pay": "seller", "rate": "0.2", "where": {"customer": "returning"}},
            {"id": "rest", "pay": "seller", "rate": "0.1"},
            {"id": "not-new", "pay": "opener", "rate": "0.05", "where": {"not": {"customer": "new", "sku": ["B"]}}},
        ],
    }
)


def known(earlier: EarlierOrders | None) -> Snapshot:
    return Snapshot(Person(7, "member", True), opener=Person(9, "member", True), earlier_orders=earlier)


def earned(earlier: EarlierOrders | None, left: list[int] | None = None) -> list[tuple[str, int, int]]:
    """(rule, line, amount) of each commission, on the whole order or on what is left of it."""
    rows = settle(PLAN, ORDER, known(earlier))
    if left is not None:
        rows = settle_left(PLAN, ORDER, known(earlier), left, {row.key: row.amount_minor for row in rows})
    return [(PLAN.rules[row.rule_index].id, row.line_index, row.amount_minor) for row in rows]


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        (NEW, [("new", 0, 300), ("rest", 1, 200)]),
        (RETURNING, [("again", 0, 200), ("not-new", 0, 50), ("again", 1, 400)]),
        (None, [("rest", 0, 100), ("not-new", 0, 50), ("rest", 1, 200)]),
    ],
)
def test_rules_are_chosen_by_the_customer_with_all_other_keys(
    earlier: EarlierOrders | None, expected: list[tuple[str, int, int]]
) -> None:
    assert earned(earlier) == expected
    half = [(rule, line, amount // 2) for rule, line, amount in expected]
    assert earned(earlier, [500, 1_000]) == half


def test_what_is_met_goes_by_what_the_snapshot_keeps_and_by_the_instant_of_payment() -> None:
    young = CustomerCondition("new", None, 3)
    plan = compile_plan(
        {
            "code": "p",
            "currency": "CNY",
            "rules": [
                {"id": "r", "pay": "seller", "rate": "0.1", "where": {"customer": {"is": "new", "within_days": 3}}}
            ],
        }
    )
    assert conditions_met(plan, ORDER, known(RETURNING)) == frozenset()
    assert conditions_met(plan, ORDER, known(EarlierOrders(9, PAID_AT - timedelta(days=2)))) == {young}
    assert conditions_met(plan, ORDER, known(NEW)) == {young}
    assert conditions_met(plan, ORDER, known(None)) == frozenset()


@pytest.mark.parametrize("earlier", [NEW, RETURNING, None])
def test_every_rule_that_asks_has_its_verdict(earlier: EarlierOrders | None) -> None:
    new, returning = CustomerCondition("new"), CustomerCondition("returning")
    assert list(customer_verdicts(PLAN, ORDER, known(earlier))) == [
        CustomerVerdict("new", new, leaves_out=False, is_met=earlier is NEW),
        CustomerVerdict("again", returning, leaves_out=False, is_met=earlier is RETURNING),
        CustomerVerdict("not-new", new, leaves_out=True, is_met=earlier is NEW),
    ]


def test_a_rule_may_ask_and_leave_out_at_once() -> None:
    where: dict[str, Any] = {
        "customer": {"is": "new", "within_orders": 3},
        "not": {"customer": {"is": "new", "within_orders": 1}},
    }
    rule = {"id": "second", "pay": "seller", "rate": "0.1", "where": where}
    plan = compile_plan({"code": "p", "currency": "CNY", "rules": [rule]})
    paid = [len(settle(plan, ORDER, known(EarlierOrders(n, PAID_AT if n else None)))) for n in range(4)]
    assert paid == [0, 2, 2, 0]
