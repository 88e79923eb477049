"""Working an order out again: what agrees is empty, and every way of disagreeing is told with both figures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.plan import compile_plan
from distrib.domain.settlement.commission import settle, settle_left
from distrib.domain.settlement.recomputing import (
    Difference,
    PostedCommission,
    PostedKey,
    PostedOrder,
    differences,
    left_of_lines,
    named,
)
from distrib.domain.settlement.snapshot import Person, Snapshot

DOCUMENT: dict[str, Any] = {
    "code": "plan",
    "currency": "CNY",
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.2"},
        {"id": "up", "pay": "upline", "tier": 1, "rate": "0.1"},
    ],
}
PLAN = compile_plan(DOCUMENT)
ORDER = Order(
    "o", "CNY", datetime(2026, 3, 1, tzinfo=UTC), (OrderLine("x", "sku", 1, 1_000), OrderLine("y", "sku", 1, 500))
)
SNAPSHOT = Snapshot(Person(7, "member", True), (Person(3, "member", True),))
FIRST = named(PLAN, ORDER, settle(PLAN, ORDER, SNAPSHOT))


def test_commissions_go_by_the_ids_of_their_lines_and_rules() -> None:
    commissions = named(PLAN, ORDER, settle(PLAN, ORDER, SNAPSHOT))
    assert commissions == [
        PostedCommission("x", "seller", 0, 7, 1_000, 200_000, 200),
        PostedCommission("x", "up", 1, 3, 1_000, 100_000, 100),
        PostedCommission("y", "seller", 0, 7, 500, 200_000, 100),
        PostedCommission("y", "up", 1, 3, 500, 100_000, 50),
    ]


def test_what_was_posted_right_does_not_differ_in_whatever_order() -> None:
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder(FIRST, {})) == []
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder(FIRST[::-1], {})) == []


def test_a_refund_is_held_against_what_is_left() -> None:
    left = left_of_lines(ORDER, {"x": 400})
    assert left == [600, 500]
    changes = {PostedKey("x", "seller", 0, 7): -80, PostedKey("x", "up", 1, 3): -40}
    assert differences(PLAN, ORDER, SNAPSHOT, left, PostedOrder(FIRST, changes)) == []
    first = {commission.key: commission.amount_minor for commission in settle(PLAN, ORDER, SNAPSHOT)}
    assert sum(commission.amount_minor for commission in settle_left(PLAN, ORDER, SNAPSHOT, left, first)) == 330


def test_a_reversal_that_is_missing_or_too_many_is_told() -> None:
    place = PostedKey("y", "up", 1, 3)
    assert differences(
        PLAN, ORDER, SNAPSHOT, [1_000, 0], PostedOrder(FIRST, {PostedKey("y", "seller", 0, 7): -100})
    ) == [Difference("standing", place, 0, 50)]
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder(FIRST, {place: -1})) == [
        Difference("standing", place, 50, 49)
    ]


def test_a_commission_that_is_missing_wrong_or_invented_is_told() -> None:
    invented = PostedCommission("x", "up", 1, 4, 1_000, 100_000, 100)
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder([*FIRST, invented], {})) == [
        Difference("earned", PostedKey("x", "up", 1, 4), 0, 100),
        Difference("standing", PostedKey("x", "up", 1, 4), 0, 100),
    ]
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder(FIRST[1:], {})) == [
        Difference("earned", PostedKey("x", "seller", 0, 7), 200, 0),
        Difference("standing", PostedKey("x", "seller", 0, 7), 200, 0),
    ]
    wrong_base = FIRST[0]._replace(base_minor=999)
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder([wrong_base, *FIRST[1:]], {})) == [
        Difference("earned", PostedKey("x", "seller", 0, 7), 0, 200),
        Difference("earned", PostedKey("x", "seller", 0, 7), 200, 0),
    ]


def test_the_same_commission_posted_twice_is_told() -> None:
    place = PostedKey("x", "seller", 0, 7)
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder([FIRST[0], *FIRST], {})) == [
        Difference("earned", place, 0, 200),
        Difference("standing", place, 200, 400),
    ]


def test_orders_refunded_before_the_bound_over_the_order_are_worked_out_by_the_bound_of_their_time() -> None:
    rule = {"id": "s", "pay": "seller", "rate": "0.1", "cap": {"per_order_minor": 3_000}}
    plan = compile_plan({"code": "p", "currency": "CNY", "rules": [rule]})
    lines = (OrderLine("1", "A", 1, 30_000), OrderLine("2", "B", 1, 20_000))
    order = Order("o", "CNY", ORDER.paid_at, lines)
    people = Snapshot(Person(1, "member", True))
    first = [PostedCommission("1", "s", 0, 1, 30_000, 100_000, 3_000)]
    nothing_stands = PostedOrder(first, {first[0].key: -3_000})
    assert differences(plan, order, people, [0, 20_000], nothing_stands._replace(is_bound_by_line=True)) == []
    of_today = differences(plan, order, people, [0, 20_000], nothing_stands)
    assert of_today == [Difference("standing", PostedKey("2", "s", 0, 1), 2_000, 0)]
    two_thousand = PostedOrder(first, {first[0].key: -3_000, PostedKey("2", "s", 0, 1): 2_000})
    assert differences(plan, order, people, [0, 20_000], two_thousand) == []


def test_what_a_case_took_back_stands_for_nothing_whatever_the_refunds_left() -> None:
    taken = frozenset({PostedKey("y", "up", 1, 3)})
    changes = {PostedKey("x", "seller", 0, 7): -80, PostedKey("x", "up", 1, 3): -40, PostedKey("y", "up", 1, 3): -50}
    assert differences(PLAN, ORDER, SNAPSHOT, [600, 500], PostedOrder(FIRST, changes, taken)) == []
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder(FIRST, {PostedKey("y", "up", 1, 3): -50}, taken)) == []
    assert differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder(FIRST, {}, taken)) == [
        Difference("standing", PostedKey("y", "up", 1, 3), 0, 50)
    ]


def test_what_a_case_took_back_leaves_no_room_that_others_of_its_rule_could_take() -> None:
    rules = [{"id": "up", "pay": "upline", "tier": 1, "rate": "0.1", "cap": {"per_order_minor": 100}}]
    plan = compile_plan({"code": "p", "currency": "CNY", "rules": rules})
    first = named(plan, ORDER, settle(plan, ORDER, SNAPSHOT))
    assert [(row.line_id, row.amount_minor) for row in first] == [("x", 100)]
    gone = frozenset({first[0].key})
    assert differences(plan, ORDER, SNAPSHOT, [1_000, 500], PostedOrder(first, {first[0].key: -100}, gone)) == []


def test_what_a_case_took_back_keeps_its_room_when_its_line_comes_back_too() -> None:
    rules = [{"id": "up", "pay": "upline", "tier": 1, "rate": "0.1", "cap": {"per_order_minor": 100}}]
    plan = compile_plan({"code": "p", "currency": "CNY", "rules": rules})
    first = named(plan, ORDER, settle(plan, ORDER, SNAPSHOT))
    changes = {first[0].key: -100}
    by_case = PostedOrder(first, changes, frozenset({first[0].key}))
    others = Difference("standing", PostedKey("y", "up", 1, 3), 50, 0)
    for is_bound_by_line, by_refund_alone in ((False, [others]), (True, [])):
        told = [
            differences(plan, ORDER, SNAPSHOT, [0, 500], posted._replace(is_bound_by_line=is_bound_by_line))
            for posted in (by_case, PostedOrder(first, changes))
        ]
        assert told == [[], by_refund_alone]


def test_by_the_bound_of_their_time_each_commission_is_worked_out_for_itself() -> None:
    changes = {PostedKey("x", "seller", 0, 7): -80, PostedKey("x", "up", 1, 3): -40}
    posted = PostedOrder(FIRST, changes)
    assert differences(PLAN, ORDER, SNAPSHOT, [600, 500], posted._replace(is_bound_by_line=True)) == []
    of_nothing = differences(PLAN, ORDER, SNAPSHOT, [600, 500], PostedOrder(FIRST, {}, is_bound_by_line=True))
    assert [(found.key.rule_id, found.expected_minor, found.posted_minor) for found in of_nothing] == [
        ("seller", 120, 200),
        ("up", 60, 100),
    ]


def test_a_single_unit_that_nobody_posted_is_told() -> None:
    order = Order("o", "CNY", ORDER.paid_at, (OrderLine("x", "sku", 1, 5),))
    place = PostedKey("x", "seller", 0, 7)
    assert Difference("standing", place, 1, 0) in differences(PLAN, order, SNAPSHOT, None, PostedOrder([], {}))


def test_differences_are_told_in_the_order_of_what_and_of_their_places() -> None:
    unlike = differences(PLAN, ORDER, SNAPSHOT, None, PostedOrder([], {}))
    assert unlike == sorted(unlike)
    assert [(found.what, found.key.line_id, found.key.rule_id) for found in unlike] == [
        (what, line, rule) for what in ("earned", "standing") for line in "xy" for rule in ("seller", "up")
    ]
    assert {found.posted_minor for found in unlike} == {0}
