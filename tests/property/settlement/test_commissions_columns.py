"""A plan as a kernel over arrays pays to the unit what the engine of one order pays, refunds and wide figures too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from distrib.columns.commissions.chunk import Chunk
from distrib.columns.commissions.earnings import Earnings
from distrib.columns.commissions.gathering import GrowingCodes, Sold, chunk_of
from distrib.columns.commissions.kernel import compile_kernel
from distrib.domain.errors import Refusal
from distrib.domain.events import Order, OrderLine
from distrib.domain.money import ROUNDINGS
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.caps import after_caps, check_payable
from distrib.domain.settlement.commission import Commission, Person, Snapshot, settle, settle_left, walk
from tests.property.draws import PAID_AT, orders, plans, snapshots

HUGE = 10**12

History = tuple[Plan, list[Sold], list[list[int]]]
"""A plan, orders with their snapshots, and what refunds left of the lines of each."""


def edited(plan: Plan, *, sales: bool, month_cap: int | None = None, channel: str | None = None) -> Plan:
    """The same plan, without what asks for sales, with a month's cap on its first rule, or with one for a channel."""
    document: dict[str, Any] = json.loads(json.dumps(plan.document))
    for rule in document["rules"]:
        if not sales and "min_personal_sales_minor" in rule.get("requires", {}):
            del rule["requires"]
    first = document["rules"][0]
    if month_cap is not None:
        first["cap"] = {**first.get("cap", {}), "per_month_minor": month_cap}
    if channel is not None:
        first["where"] = {**(first["where"] or {}), "channel": [channel]}
    return compile_plan(document)


@st.composite
def large_orders(draw: st.DrawFn) -> Order:
    """Orders whose figures lie about where 64 bits carry no more of them, and beyond."""
    minor = st.sampled_from((0, 1, 9_223_371, 9_223_372, HUGE - 1, HUGE)) | st.integers(0, HUGE)
    lines = [
        OrderLine(str(index), "A", draw(st.sampled_from((1, 7, 10**6))), draw(minor), draw(minor), draw(minor))
        for index in range(draw(st.integers(1, 3)))
    ]
    return Order("o", "CNY", PAID_AT, tuple(lines))


@st.composite
def some_orders(draw: st.DrawFn) -> Order:
    """Orders of some channel, now and then with a line that names no cost, or too large for 64 bits."""
    order = draw(orders() | orders() | large_orders())
    channel = draw(st.sampled_from(("retail", "community")))
    lines = order.lines
    if draw(st.integers(0, 9)) == 0:
        first = lines[0]
        lines = (OrderLine("0", first.sku, first.quantity, first.paid_minor, category="beauty"), *lines[1:])
    return Order("o", "CNY", PAID_AT, lines, channel)


@st.composite
def histories(draw: st.DrawFn, *, sales: bool = False, month_cap: int | None = None) -> History:
    """A plan with orders of all kinds, each with people and limits of its own, and refunds of some."""
    plan = edited(draw(plans()), sales=sales, month_cap=month_cap, channel=draw(st.sampled_from((None, "community"))))
    sold = []
    for _ in range(draw(st.integers(1, 5))):
        snapshot = asked_of(plan, draw(snapshots()))
        sold.append((draw(some_orders()), snapshot._replace(seller=None) if draw(st.integers(0, 9)) == 0 else snapshot))
    left = [[draw(st.integers(0, line.paid_minor) | st.just(line.paid_minor)) for line in o.lines] for o, _ in sold]
    return plan, sold, left


def asked_of(plan: Plan, snapshot: Snapshot) -> Snapshot:
    """The same people, who lack what rules ask of their sales and nothing else."""

    def asked(person: Person | None) -> Person | None:
        return person and person._replace(unmet=tuple(index for index in person.unmet if index in plan.book.on_sales))

    uplines = tuple(upline for upline in map(asked, snapshot.uplines) if upline is not None)
    leader, opener = asked(snapshot.leader), asked(snapshot.opener)
    return snapshot._replace(seller=asked(snapshot.seller), uplines=uplines, leader=leader, opener=opener)


def by_order(chunk: Chunk, earned: Earnings) -> list[list[Commission]]:
    """The commissions by order, as the engine of one order answers them."""
    by_order: list[list[Commission]] = [[] for _ in range(len(chunk))]
    lines = earned.line - chunk.starts[earned.order]
    figures = (earned.rule, earned.tier, earned.shop_no, earned.base_minor, earned.rate_ppm, earned.amount_minor)
    columns = (earned.order, lines, *figures)
    for order, line, rule, tier, shop_no, base, rate, amount in zip(*(c.tolist() for c in columns), strict=True):
        by_order[order].append(Commission(line, rule, tier, shop_no, base, None if rate < 0 else rate, amount))
    return by_order


def judged(plan: Plan, sold: Sold, left: Sequence[int] | None) -> tuple[str | None, list[Commission]]:
    """What the engine of one order says: the code of its refusal, or what stands."""
    try:
        first = settle(plan, *sold)
        check_payable(plan, first)
    except Refusal as refusal:
        return refusal.code, []
    if left is None:
        return None, first
    return None, settle_left(plan, *sold, left, {commission.key: commission.amount_minor for commission in first})


def caps_of(plan: Plan, sold: Sold) -> dict[str, int]:
    """What caps by order took, as the engine of one order has it."""
    walked = walk(plan, *sold)
    stages = after_caps(plan, sold[1], walked, sold[0].paid_minor)
    before, rule, order = (sum(c.amount_minor for c in paid) for paid in (walked, stages.per_order, stages.order))
    return {"rule_cap": before - rule, "order_cap": rule - order}


def check(history: History, *, is_refunded: bool, knows_sales: bool = True) -> list[bool]:
    """Holds a kernel to the engine of one order; answers which orders it left to it."""
    plan, sold, left = history
    chunk = chunk_of(sold, GrowingCodes(), plan.book.on_sales if knows_sales else ())
    left_minor = np.array([minor for lines in left for minor in lines], np.int64) if is_refunded else None
    outcome = compile_kernel(plan).run(chunk, left_minor)
    left_out: list[bool] = outcome.left_out.tolist()
    for place, (paid, is_left_out) in enumerate(zip(by_order(chunk, outcome.earned), left_out, strict=True)):
        code, expected = judged(plan, sold[place], left[place] if is_refunded else None)
        assert paid == ([] if is_left_out else expected)
        said = [word for word, failing in outcome.failing.items() if failing[place]]
        assert is_left_out or said == ([] if code is None else [code])
        if not (is_left_out or said or is_refunded):
            taken = {cap: int(minor[place]) for cap, minor in outcome.cap_minor.items()}
            assert {"rule_cap": 0, "order_cap": 0} | taken == caps_of(plan, sold[place])
    return left_out


@given(histories(sales=True))
def test_every_order_of_a_chunk_pays_as_by_itself(history: History) -> None:
    assert not any(check(history, is_refunded=False))


@given(histories(sales=True))
def test_what_stands_after_refunds_is_what_stands_of_each_order_by_itself(history: History) -> None:
    assert not any(check(history, is_refunded=True))


@given(histories(sales=True, month_cap=1_000), st.booleans())
def test_only_orders_that_others_decide_about_are_left_to_the_engine(history: History, is_refunded: bool) -> None:
    plan, sold, _ = history
    for (order, snapshot), is_left_out in zip(
        sold, check(history, is_refunded=is_refunded, knows_sales=False), strict=True
    ):
        pays = {commission.rule_index for commission in judged(plan, (order, snapshot), None)[1]}
        assert is_left_out or 0 not in pays


def ten_percent(rounding: str, round_per: str, paid_minor: int) -> History:
    rules = [{"id": "seller", "pay": "seller", "rate": "0.1"}]
    document = {"code": "p", "currency": "CNY", "rounding": rounding, "round_per": round_per, "rules": rules}
    order = Order("o", "CNY", PAID_AT, (OrderLine("1", "A", 1, paid_minor), OrderLine("2", "A", 1, paid_minor)))
    return compile_plan(document), [(order, Snapshot(Person(1, "member", True)))], [[paid_minor // 2, paid_minor]]


@given(st.sampled_from(ROUNDINGS), st.sampled_from(("line", "order")), st.integers(0, HUGE), st.booleans())
@example("half_up", "line", 5, False)
@example("half_even", "line", 5, False)
@example("half_even", "line", 15, False)
@example("down", "line", 19, False)
@example("half_even", "order", 15, True)
def test_a_half_is_rounded_as_the_plan_says(rounding: str, round_per: str, paid_minor: int, is_refunded: bool) -> None:
    assert not any(check(ten_percent(rounding, round_per, paid_minor), is_refunded=is_refunded))


@settings(max_examples=20)
@given(histories(), st.data())
def test_orders_taken_from_a_chunk_pay_as_in_it_however_often(history: History, data: st.DataObject) -> None:
    plan, sold, left = history
    places = data.draw(st.lists(st.integers(0, len(sold) - 1), min_size=1, max_size=6))
    kernel, chunk = compile_kernel(plan), chunk_of(sold, GrowingCodes())
    taken = chunk.take(np.array(places))
    left_minor = np.array([minor for place in places for minor in left[place]], np.int64)
    paid = by_order(taken, kernel.run(taken, left_minor).earned)
    again = chunk_of([sold[place] for place in places], GrowingCodes())
    assert paid == by_order(again, kernel.run(again, left_minor).earned)
