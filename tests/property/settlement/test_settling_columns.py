"""Orders that are settled all at once pay to the unit what the engine of one order pays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from distrib.columns.settling import Earnings, KindOfLine, OrderedLines, is_plain, settle_orders
from distrib.columns.tree import Truths
from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.commission import Commission, Person, Snapshot, settle
from distrib.domain.settlement.earners import find_earners, numbers_of
from distrib.domain.settlement.figures import base_of
from tests.property.draws import PAID_AT, orders, plans, snapshots

Sold = tuple[Order, Snapshot]

HUGE = 10**12


def plain(plan: Plan) -> Plan:
    """The same plan without what asks for more than a line and its people."""
    document: dict[str, Any] = json.loads(json.dumps(plan.document))
    document["round_per"] = "line"
    for rule in document["rules"]:
        rule.pop("cap", None)
        rule.pop("per", None)
        if "min_personal_sales_minor" in rule.get("requires", {}):
            del rule["requires"]
        for part in (rule.get("where") or {}, (rule.get("where") or {}).get("not") or {}):
            part.pop("customer", None)
    return compile_plan(document)


@st.composite
def huge_orders(draw: st.DrawFn) -> Order:
    """Orders whose figures lie about where an int64 can carry no more of them."""
    minor = st.sampled_from((0, 1, 9_223_371, 9_223_372, HUGE - 1, HUGE)) | st.integers(0, HUGE)
    lines = [
        OrderLine(str(index), "A", draw(st.sampled_from((1, 7, 10**6))), draw(minor), draw(minor), draw(minor))
        for index in range(draw(st.integers(1, 3)))
    ]
    return Order("o", "CNY", PAID_AT, tuple(lines))


@st.composite
def sales(draw: st.DrawFn, order: st.SearchStrategy[Order]) -> tuple[Plan, list[Sold]]:
    """A plain plan with orders under the same limits, each with people of its own."""
    first = draw(snapshots())
    first = first._replace(order_cap_ppm=draw(st.sampled_from((first.order_cap_ppm, 50_000))), earlier_orders=None)
    sold = [(draw(order), first)]
    for snapshot in draw(st.lists(snapshots(), max_size=4)):
        seller, uplines, is_self_purchase, leader, opener, *_ = snapshot
        people = first._replace(seller=seller, uplines=uplines, is_self_purchase=is_self_purchase)
        sold.append((draw(order), people._replace(leader=leader, opener=opener)))
    return plain(draw(plans())), sold


def settled_at_once(plan: Plan, sold: Sequence[Sold]) -> tuple[Earnings, Truths]:
    kinds: list[KindOfLine] = []
    rows: list[tuple[int, int, int, int]] = []
    for place, (order, snapshot) in enumerate(sold):
        for line in order.lines:
            chosen = plan.book.choose(order.channel, line.category, line.sku)
            kinds.append(KindOfLine(find_earners(plan, snapshot, {}, (chosen, line.entry)), chosen.depth))
            rows.append((place, len(rows), base_of(plan, line), line.quantity))
    paid = np.array([order.paid_minor for order, _ in sold], np.int64)
    return settle_orders(
        plan.rounding, kinds, OrderedLines(*np.array(rows, np.int64).T), paid, sold[0][1].order_cap_ppm
    )


def commissions_of(sold: Sequence[Sold], earned: Earnings) -> list[list[Commission]]:
    """The commissions by order, as the engine writes them."""
    first = np.cumsum([0, *[len(order.lines) for order, _ in sold]]).tolist()
    by_order: list[list[Commission]] = [[] for _ in sold]
    figures = (earned.rule, earned.tier, earned.place, earned.base_minor, earned.rate_ppm, earned.amount_minor)
    columns = (earned.order, earned.line, earned.seq, *figures)
    for order, line, seq, rule, tier, place, base, rate, amount in zip(*(c.tolist() for c in columns), strict=True):
        shop_no = numbers_of(sold[order][1])[place]
        commission = Commission(line - first[order], rule, tier, shop_no, base, None if rate < 0 else rate, amount)
        by_order[order].append(commission)
        assert seq == len(by_order[order])
    return by_order


@given(sales(orders()))
def test_orders_settled_all_at_once_pay_as_each_by_itself(world: tuple[Plan, list[Sold]]) -> None:
    plan, sold = world
    assert is_plain(plan)
    earned, unsure = settled_at_once(plan, sold)
    paid = commissions_of(sold, earned)
    for (order, snapshot), is_unsure, commissions in zip(sold, unsure.tolist(), paid, strict=True):
        depth = max(plan.book.choose(order.channel, line.category, line.sku).depth for line in order.lines)
        assert not is_unsure or depth > 2
        assert commissions == ([] if is_unsure else settle(plan, order, snapshot))


@given(sales(huge_orders()))
def test_what_an_int64_cannot_carry_is_left_to_the_engine(world: tuple[Plan, list[Sold]]) -> None:
    plan, sold = world
    earned, unsure = settled_at_once(plan, sold)
    for (order, snapshot), is_unsure, paid in zip(sold, unsure.tolist(), commissions_of(sold, earned), strict=True):
        assert paid == ([] if is_unsure else settle(plan, order, snapshot))


def ten_percent(rounding: str, paid_minor: int) -> tuple[Plan, list[Sold]]:
    rules = [{"id": "seller", "pay": "seller", "rate": "0.1"}]
    plan = compile_plan({"code": "p", "currency": "CNY", "rounding": rounding, "rules": rules})
    line = OrderLine("1", "A", 1, paid_minor)
    return plan, [(Order("o", "CNY", PAID_AT, (line,)), Snapshot(Person(1, "member", True)))]


@given(st.sampled_from(("half_up", "half_even", "down")), st.integers(0, HUGE))
@example("half_up", 5)
@example("half_even", 5)
@example("half_even", 15)
@example("down", 19)
def test_a_half_is_rounded_as_the_plan_says(rounding: str, paid_minor: int) -> None:
    plan, sold = ten_percent(rounding, paid_minor)
    earned, unsure = settled_at_once(plan, sold)
    assert not unsure.any()
    assert commissions_of(sold, earned) == [settle(plan, *sold[0])]
