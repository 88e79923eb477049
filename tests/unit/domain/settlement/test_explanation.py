"""The explanation: everyone looked at, with a reason, and never another story than the engine's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.plan import compile_plan
from distrib.domain.settlement.commission import Person, Snapshot, settle, settle_left
from distrib.domain.settlement.explanation import Look, explain
from distrib.domain.settlement.snapshot import Room

RULES: list[dict[str, Any]] = [
    {"id": "seller", "pay": "seller", "rate": {"member": "0.10"}},
    {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.05"},
    {"id": "up-2", "pay": "upline", "tier": 2, "rate": "0.02"},
]
CHAIN = {"id": "diff", "pay": "chain", "differential": True, "rate": {"member": "0.05", "gold": "0.10"}}
ORDER = Order("o", "CNY", datetime(2026, 3, 1, tzinfo=UTC), (OrderLine("1", "A", 1, 10_000),), shop_id="s")
MEMBER = Person(0, "member", True)


def looks(snapshot: Snapshot, order: Order = ORDER, *, rules: list[dict[str, Any]] = RULES, **keys: Any) -> list[Look]:
    ranks = [{"code": "member"}, {"code": "gold"}]
    plan = compile_plan({"code": "p", "currency": "CNY", "tiers": 2, "ranks": ranks, "rules": rules, **keys})
    return explain(plan, order, snapshot)


def reasons(rows: list[Look]) -> list[tuple[str, int, int | None, str]]:
    return [(look.rule_id, look.tier, look.shop_no, look.reason) for look in rows]


def test_everyone_looked_at_is_listed_paid_or_not() -> None:
    rows = looks(Snapshot(Person(7, "gold", True), (Person(8, "member", False),)))
    assert reasons(rows) == [
        ("seller", 0, 7, "rank_not_in_rate"),
        ("up-1", 1, 8, "inactive"),
        ("up-2", 2, None, "no_upline"),
    ]


def test_a_paid_look_says_base_rate_rank_and_amount() -> None:
    assert looks(Snapshot(MEMBER))[0] == Look("1", "seller", 0, 0, "member", 10_000, "0.1", 1_000, 1_000, "paid")


def test_a_compressed_chain_lists_those_it_passed_over() -> None:
    uplines = (Person(1, "member", False), Person(2, "member", True), Person(3, "member", False))
    rows = looks(Snapshot(MEMBER, uplines), inactive_upline="compress")
    assert reasons(rows)[1:] == [
        ("up-1", 1, 1, "inactive"),
        ("up-1", 1, 2, "paid"),
        ("up-2", 2, 3, "inactive"),
        ("up-2", 2, None, "no_upline"),
    ]
    assert [(look.rate, look.amount_before_cap_minor) for look in rows[1:]] == [
        ("0", 0),
        ("0.05", 500),
        ("0", 0),
        ("0", 0),
    ]


def test_a_shifted_chain_lists_the_buyer_it_passed() -> None:
    people = Snapshot(MEMBER, (Person(1, "member", True),), is_self_purchase=True)
    for inactive_upline in ("keep", "compress"):
        assert reasons(looks(people, self_purchase="shift", inactive_upline=inactive_upline)) == [
            ("seller", 0, 0, "self_purchase"),
            ("seller", 0, 1, "paid"),
            ("up-1", 1, None, "no_upline"),
            ("up-2", 2, None, "no_upline"),
        ]
    assert reasons(looks(people, self_purchase="skip"))[0] == ("seller", 0, 0, "self_purchase")


def test_a_rank_without_a_rate_and_a_buyer_passed_over_earn_nothing_of_the_largest_order_either() -> None:
    largest = Order("o", "CNY", ORDER.paid_at, (OrderLine("1", "A", 1, 10**12),))
    rules = [{"id": "seller", "pay": "seller", "rate": {"gold": "0.2"}}]
    people = Snapshot(Person(0, "gold", True), (Person(1, "member", True),), is_self_purchase=True)
    assert [
        (look.shop_no, look.rate, look.amount_minor, look.reason)
        for look in looks(people, largest, rules=rules, self_purchase="shift")
    ] == [(0, "0", 0, "self_purchase"), (1, "0", 0, "rank_not_in_rate")]


def test_someone_who_adds_no_difference_is_told_so() -> None:
    uplines = (Person(1, "member", True), Person(2, "gold", True))
    rows = looks(Snapshot(MEMBER, uplines), rules=[CHAIN])
    assert [(look.tier, look.shop_no, look.reason, look.rate) for look in rows] == [
        (0, 0, "paid", "0.05"),
        (1, 1, "no_difference", "0"),
        (2, 2, "paid", "0.05"),
    ]


def test_the_cap_shows_both_amounts_and_the_pack_its_own_reasons() -> None:
    rows = looks(Snapshot(MEMBER, (Person(1, "member", True),), order_cap_ppm=30_000, max_tiers=1))
    assert [(look.amount_before_cap_minor, look.amount_minor, look.reason) for look in rows] == [
        (1_000, 200, "order_cap"),
        (500, 100, "order_cap"),
        (0, 0, "tier_cap"),
    ]
    entry = Order("o", "CNY", ORDER.paid_at, (OrderLine("1", "A", 1, 10_000, entry=True),))
    barred = looks(Snapshot(MEMBER, (Person(1, "member", True),), entry_pays_seller=False), entry)
    assert [look.reason for look in barred] == ["policy", "entry_sku", "no_upline"]


def test_after_a_refund_the_explanation_is_of_what_is_left() -> None:
    plan = compile_plan({"code": "p", "currency": "CNY", "tiers": 2, "rules": RULES, "ranks": [{"code": "member"}]})
    rows = explain(plan, ORDER, Snapshot(MEMBER, (Person(1, "member", True),)), [4_000])
    assert [(look.base_minor, look.amount_minor, look.reason) for look in rows] == [
        (4_000, 400, "paid"),
        (4_000, 200, "paid"),
        (4_000, 0, "no_upline"),
    ]


TWO_LINES = Order("o", "CNY", ORDER.paid_at, (OrderLine("1", "A", 1, 1_000), OrderLine("2", "A", 1, 500)))


def left_of(rule: dict[str, Any], left: list[int], **more: Any) -> list[tuple[int, int, str]]:
    """(before caps, after caps, reason) of each line of ``TWO_LINES`` after a refund."""
    plan = compile_plan({"code": "p", "currency": "CNY", "rules": [{"id": "s", "pay": "seller", **rule}]})
    rows = explain(plan, TWO_LINES, Snapshot(MEMBER, **more), left)
    return [(look.amount_before_cap_minor, look.amount_minor, look.reason) for look in rows]


def test_a_line_that_a_refund_does_not_touch_is_paid_as_it_was() -> None:
    assert left_of({"rate": "0.1"}, [1_000, 250]) == [(100, 100, "paid"), (25, 25, "paid")]
    assert left_of({"rate": "0.1"}, [1_000, 500]) == [(100, 100, "paid"), (50, 50, "paid")]


def test_a_line_takes_up_what_a_rules_cap_had_denied_it_when_a_refund_makes_room() -> None:
    capped = {"rate": "0.1", "cap": {"per_month_minor": 500}}
    room = (Room(0, 0, 110, None),)
    assert left_of(capped, [1_000, 500], rooms=room) == [(100, 100, "paid"), (50, 10, "rule_cap")]
    assert left_of(capped, [0, 500], rooms=room) == [(0, 0, "paid"), (50, 50, "paid")]


def test_commissions_that_would_rise_by_a_refund_share_what_they_were_first_and_do_not_say_paid() -> None:
    falling = {"slabs": [{"from_minor": 0, "rate": "0.5"}, {"from_minor": 1_000, "rate": "0.1"}]}
    assert left_of(falling, [900, 500]) == [(450, 225, "order_cap"), (250, 125, "order_cap")]


def test_a_commission_of_one_unit_that_a_cap_takes_says_which() -> None:
    nothing = {"rate": "0.001", "cap": {"per_order_minor": 0}}
    assert left_of(nothing, [1_000, 0]) == [(1, 0, "rule_cap"), (0, 0, "paid")]


def test_an_order_without_a_shop_looks_at_nobody() -> None:
    assert looks(Snapshot(None)) == []


def test_a_seat_above_the_plans_tiers_is_shown_and_never_paid() -> None:
    beyond = {"id": "far", "pay": "upline", "tier": 3, "rate": "0.1"}
    uplines = tuple(Person(number, "member", True) for number in (1, 2, 3))
    rows = looks(Snapshot(MEMBER, uplines), rules=[beyond])
    assert [(look.rule_id, look.amount_minor, look.reason) for look in rows] == [("far", 0, "tier_cap")]


def test_whoever_is_passed_over_below_the_highest_tier_is_listed_where_nobody_sits_there() -> None:
    third = {"id": "up-3", "pay": "upline", "tier": 3, "rate": "0.05"}
    uplines = tuple(Person(number, "member", number < 3) for number in (1, 2, 3))
    assert reasons(looks(Snapshot(MEMBER, uplines), rules=[third], inactive_upline="compress", tiers=3)) == [
        ("up-3", 3, 3, "inactive"),
        ("up-3", 3, None, "no_upline"),
    ]


@pytest.mark.parametrize(
    ("asleep", "inactive_upline", "who"),
    [
        ((), "keep", 3),
        ((2,), "keep", 3),
        ((2,), "compress", 4),
        ((1, 2), "compress", None),
        ((3,), "compress", 4),
        ((3, 4), "compress", None),
    ],
)
def test_whom_the_tiers_leave_out_is_named(asleep: tuple[int, ...], inactive_upline: str, who: int | None) -> None:
    beyond = {"id": "far", "pay": "upline", "tier": 3, "rate": {"member": "0.1"}}
    uplines = tuple(Person(number, "member", number not in asleep) for number in (1, 2, 3, 4))
    (look,) = looks(Snapshot(MEMBER, uplines), rules=[beyond], inactive_upline=inactive_upline)
    assert (look.shop_no, look.amount_minor, look.reason) == (who, 0, "tier_cap")


def test_while_a_case_holds_what_those_above_the_seller_earn_the_amount_stands_and_the_reason_is_the_pack() -> None:
    people = Snapshot(Person(7, "member", True), (Person(8, "member", True), Person(9, "member", False)))
    free, held = looks(people), looks(people._replace(frozen_case=1))
    assert [look.amount_minor for look in held] == [look.amount_minor for look in free] == [1_000, 500, 0]
    assert [look.reason for look in free] == ["paid", "paid", "inactive"]
    assert [look.reason for look in held] == ["paid", "policy", "inactive"]


def test_a_line_that_rose_by_a_refund_takes_room_from_the_next_and_the_explanation_tells_what_stands() -> None:
    falling = [{"from_minor": 0, "rate": "0.5"}, {"from_minor": 1_000, "rate": "0"}]
    rule = {"id": "s", "pay": "seller", "slabs": falling, "cap": {"per_month_minor": 50}}
    plan = compile_plan({"code": "p", "currency": "CNY", "rules": [rule]})
    order = Order("o", "CNY", ORDER.paid_at, (OrderLine("1", "A", 1, 1_000), OrderLine("2", "A", 1, 200)))
    people = Snapshot(MEMBER, rooms=(Room(0, 0, 50, None),))
    posted = {commission.key: commission.amount_minor for commission in settle(plan, order, people)}
    assert list(posted.values()) == [50]
    assert [commission.amount_minor for commission in settle_left(plan, order, people, [90, 200], posted)] == [45, 5]
    assert [look.amount_minor for look in explain(plan, order, people, [90, 200])] == [45, 5]
    assert [look.amount_minor for look in explain(plan, order, people, [2, 200])] == [1, 49]


def test_who_is_barred_from_a_differential_chain_is_told_with_a_rate_of_nothing() -> None:
    people = Snapshot(Person(7, "member", True), (Person(8, "gold", False), Person(9, "member", True)))
    assert [(look.tier, look.shop_no, look.rate, look.reason) for look in looks(people, rules=[CHAIN])] == [
        (0, 7, "0.05", "paid"),
        (1, 8, "0", "inactive"),
        (2, 9, "0", "no_difference"),
    ]


def test_a_case_holds_what_a_shifted_chain_pays_at_every_tier_and_nobody_beside_the_chain() -> None:
    rules: list[dict[str, Any]] = [
        {"id": "own", "pay": "seller", "rate": "0.10"},
        {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05"},
        {"id": "lead", "pay": "leader", "rate": "0.01"},
    ]
    people = Snapshot(
        MEMBER,
        tuple(Person(number, "member", True) for number in (1, 2)),
        leader=Person(9, "member", True),
        frozen_case=7,
    )
    shifted = looks(people._replace(is_self_purchase=True), rules=rules, self_purchase="shift")
    assert reasons(shifted) == [
        ("own", 0, 0, "self_purchase"),
        ("own", 0, 1, "policy"),
        ("up", 1, 2, "policy"),
        ("lead", 0, 9, "paid"),
    ]
    for snapshot, choice in ((people, "shift"), (people._replace(is_self_purchase=True), "earn")):
        shown_reasons = [look.reason for look in looks(snapshot, rules=rules, self_purchase=choice)]
        assert shown_reasons == ["paid", "policy", "paid"]


DELIVERY = {"id": "delivery", "pay": "seller", "amount_minor": {"member": 500}, "per": "order"}


@pytest.mark.parametrize("left", [None, [0, 1]])
def test_every_line_of_one_amount_for_the_order_names_the_line_that_has_it(left: list[int] | None) -> None:
    piece: dict[str, Any] = {"id": "piece", "pay": "upline", "tier": 1, "amount_minor": 7}
    ranks = [{"code": "member"}, {"code": "gold"}]
    plan = compile_plan({"code": "p", "currency": "CNY", "ranks": ranks, "rules": [DELIVERY, piece]})
    rows = explain(plan, TWO_LINES, Snapshot(MEMBER), left)
    assert [(look.rule_id, look.line_id, look.amount_minor, look.reason, look.amount_line_id) for look in rows] == [
        ("delivery", "1", 500, "paid", "1"),
        ("piece", "1", 0, "no_upline", None),
        ("delivery", "2", 0, "paid", "1"),
        ("piece", "2", 0, "no_upline", None),
    ]
    unpaid = explain(plan, TWO_LINES, Snapshot(Person(0, "gold", True)), left)
    assert [(look.reason, look.amount_line_id) for look in unpaid[::2]] == [("rank_not_in_rate", None)] * 2


def test_one_amount_for_the_order_stands_on_the_first_line_that_pays_the_earner() -> None:
    rule: dict[str, Any] = {"id": "up", "pay": "upline", "tier": 1, "amount_minor": 500, "per": "order"}
    plan = compile_plan({"code": "p", "currency": "CNY", "rules": [rule]})
    order = Order("o", "CNY", ORDER.paid_at, (OrderLine("1", "A", 1, 1_000, entry=True), *TWO_LINES.lines[1:]))
    rows = explain(plan, order, Snapshot(MEMBER, (Person(1, "member", True),)))
    assert [(look.line_id, look.amount_minor, look.reason, look.amount_line_id) for look in rows] == [
        ("1", 0, "entry_sku", None),
        ("2", 500, "paid", "2"),
    ]
