"""One amount for an order and one rounding for an order: where they stand, and what refunds leave of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.plan import compile_plan
from distrib.domain.settlement.commission import settle, settle_left
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.settlement.whole_order import Exact, round_over_order

DELIVERY: dict[str, Any] = {"id": "delivery", "pay": "seller", "amount_minor": 500, "per": "order"}
TO_UPLINE: dict[str, Any] = {"id": "up", "pay": "upline", "tier": 1, "amount_minor": 300, "per": "order"}
FIVE_PERCENT: dict[str, Any] = {"id": "five", "pay": "seller", "rate": "0.05", "group": "five"}
PEOPLE = Snapshot(Person(7, "member", True), (Person(8, "member", True),))


def sold(*paid: int, entries: tuple[int, ...] = ()) -> Order:
    """An order with a line of two pieces for each amount; those of ``entries`` are entry lines."""
    lines = [OrderLine(str(n), "A", 2, minor, entry=n in entries) for n, minor in enumerate(paid)]
    return Order("o", "CNY", datetime(2026, 3, 1, tzinfo=UTC), tuple(lines))


def earned(
    order: Order, *rules: dict[str, Any], left: list[int] | None = None, people: Snapshot = PEOPLE, **keys: Any
) -> list[tuple[int, int]]:
    """(line, amount) of each commission, on the whole order or on what is left of it."""
    plan = compile_plan({"code": "p", "currency": "CNY", "rules": list(rules), **keys})
    first = settle(plan, order, people)
    posted = {commission.key: commission.amount_minor for commission in first}
    rows = first if left is None else settle_left(plan, order, people, left, posted)
    return [(commission.line_index, commission.amount_minor) for commission in rows]


def test_an_amount_per_order_is_paid_once_whatever_the_pieces() -> None:
    assert earned(sold(1_000, 2_000), DELIVERY) == [(0, 500)]
    assert earned(sold(1_000, 2_000), DELIVERY | {"per": "unit"}) == [(0, 1_000), (1, 1_000)]


@pytest.mark.parametrize(
    ("left", "expected"),
    [([1_000, 1_999], [(0, 500)]), ([0, 1], [(0, 500)]), ([1, 0], [(0, 500)]), ([0, 0], [])],
)
def test_an_amount_per_order_stays_whole_until_nothing_is_left(
    left: list[int], expected: list[tuple[int, int]]
) -> None:
    assert earned(sold(1_000, 2_000), DELIVERY, left=left) == expected


def test_an_amount_per_order_of_a_free_line_stays_while_anything_of_the_order_does() -> None:
    first_line = DELIVERY | {"where": {"not": {"sku": ["B"]}}}
    order = sold(0, 900)
    order = Order(order.id, "CNY", order.paid_at, (order.lines[0], OrderLine("1", "B", 1, 900)))
    assert earned(order, first_line, left=[0, 1]) == [(0, 500)]
    assert earned(order, first_line, left=[0, 0]) == []


def test_an_amount_per_order_for_an_upline_passes_over_entry_lines() -> None:
    assert earned(sold(1_000, 2_000, entries=(0,)), TO_UPLINE) == [(1, 300)]
    assert earned(sold(1_000, 2_000, entries=(0, 1)), TO_UPLINE) == []


def test_what_is_taken_of_the_rest_finds_the_amount_on_its_line_alone() -> None:
    rest = {"id": "rest", "pay": "upline", "tier": 1, "rate": "0.1", "of": "remaining"}
    assert earned(sold(1_000, 2_000), DELIVERY, rest) == [(0, 500), (0, 50), (1, 200)]


def test_an_amount_per_order_is_bounded_by_caps_as_any_other() -> None:
    assert earned(sold(1_000, 2_000), DELIVERY | {"cap": {"per_order_minor": 400}}) == [(0, 400)]
    capped = PEOPLE._replace(order_cap_ppm=100_000)
    assert earned(sold(1_000, 2_000), DELIVERY, people=capped) == [(0, 300)]
    assert earned(sold(1_000, 2_000), DELIVERY, people=capped, left=[0, 2_000]) == [(0, 200)]


def test_one_rounding_for_the_order_is_shared_by_largest_remainder_in_line_order() -> None:
    assert earned(sold(50, 50, 50), FIVE_PERCENT) == [(0, 3), (1, 3), (2, 3)]
    assert earned(sold(50, 50, 50), FIVE_PERCENT, round_per="order") == [(0, 3), (1, 3), (2, 2)]
    assert earned(sold(50, 50, 50), FIVE_PERCENT, round_per="order", rounding="down") == [(0, 3), (1, 2), (2, 2)]
    assert earned(sold(10, 50), FIVE_PERCENT, round_per="order") == [(0, 1), (1, 2)]


def test_a_refund_rounds_once_for_the_order_too() -> None:
    assert earned(sold(50, 50, 50), FIVE_PERCENT, round_per="order", left=[50, 50, 0]) == [(0, 3), (1, 2)]
    assert earned(sold(50, 50, 50), FIVE_PERCENT, round_per="order", left=[0, 0, 0]) == []


def test_figures_of_unlike_scales_are_rounded_together_and_others_apart() -> None:
    figures = [Exact("a", 1, 3), Exact("b", 1, 2), Exact("a", 1, 6), Exact("b", 0, 5)]
    assert round_over_order(figures, "half_up") == [1, 1, 0, 0]
    assert round_over_order(figures, "half_even") == [0, 0, 0, 0]


RANKED = DELIVERY | {"amount_minor": {"member": 500, "gold": 700}}
GOLD_AND_PLAIN: dict[str, Any] = {"ranks": [{"code": "member"}, {"code": "gold"}, {"code": "plain"}]}


@pytest.mark.parametrize(("rank", "amount"), [("member", [(0, 500)]), ("gold", [(0, 700)]), ("plain", [])])
def test_an_amount_per_order_goes_by_the_earners_rank(rank: str, amount: list[tuple[int, int]]) -> None:
    people = Snapshot(Person(7, rank, True))
    assert earned(sold(1_000, 2_000), RANKED, people=people, **GOLD_AND_PLAIN) == amount


@pytest.mark.parametrize("slot", ["leader", "opener"])
def test_leader_and_opener_have_one_amount_per_order_on_a_line_that_pays_them(slot: str) -> None:
    rule = DELIVERY | {"pay": slot}
    named: dict[str, Any] = {slot: Person(9, "member", True)}
    beside = PEOPLE._replace(**named)
    assert earned(sold(1_000, 2_000, entries=(0,)), rule, people=beside) == [(1, 500)]
    assert earned(sold(1_000, 2_000), rule, people=beside, left=[0, 1]) == [(0, 500)]
    assert earned(sold(1_000, 2_000), rule) == []


def test_each_rule_and_tier_has_an_amount_of_its_own_for_the_order() -> None:
    assert earned(sold(1_000, 2_000), DELIVERY, TO_UPLINE) == [(0, 500), (0, 300)]
    second_line = TO_UPLINE | {"where": {"not": {"sku": ["A"]}}}
    assert earned(sold(1_000, 2_000), DELIVERY, second_line) == [(0, 500)]


def test_order_cap_scales_amounts_per_order_with_all_else_nearer_tiers_first() -> None:
    capped = PEOPLE._replace(order_cap_ppm=100_000)
    assert earned(sold(1_000, 2_000), DELIVERY, TO_UPLINE, people=capped) == [(0, 188), (0, 112)]
    assert earned(sold(1_000, 2_000), DELIVERY, TO_UPLINE, people=capped, left=[1_000, 0]) == [(0, 63), (0, 37)]


def test_one_rounding_for_the_order_to_even() -> None:
    assert earned(sold(50, 50, 50), FIVE_PERCENT, rounding="half_even") == [(0, 2), (1, 2), (2, 2)]
    assert earned(sold(50, 40), FIVE_PERCENT, round_per="order", rounding="half_even") == [(0, 2), (1, 2)]
    assert earned(sold(50, 60), FIVE_PERCENT, round_per="order", rounding="half_even") == [(0, 3), (1, 3)]
    assert earned(sold(50), FIVE_PERCENT, round_per="order", rounding="half_even") == [(0, 2)]


def test_one_rounding_for_the_order_is_one_for_each_rule_and_each_tier() -> None:
    uplines = PEOPLE._replace(uplines=(Person(8, "member", True), Person(9, "member", True)))
    rules = [FIVE_PERCENT | {"id": f"up-{tier}", "pay": "upline", "tier": tier, "group": f"{tier}"} for tier in (1, 2)]
    together = earned(sold(50, 50), FIVE_PERCENT, *rules, people=uplines, round_per="order", tiers=2)
    assert together == [(0, 3), (0, 3), (0, 3), (1, 2), (1, 2), (1, 2)]


def test_a_cap_on_the_order_fills_up_with_what_one_rounding_shared() -> None:
    capped = FIVE_PERCENT | {"cap": {"per_order_minor": 7}}
    assert earned(sold(50, 50, 50), capped, round_per="order") == [(0, 3), (1, 3), (2, 1)]
    assert earned(sold(50, 50, 50), capped, round_per="order", left=[50, 50, 0]) == [(0, 3), (1, 2)]
