"""What a rule requires of its earner and how much one earner may get by it: worked examples, and why in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.events import Order, OrderLine
from distrib.domain.plans import rules as plan_rules
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.caps import check_payable
from distrib.domain.settlement.commission import Commission, Person, Snapshot, settle, settle_left
from distrib.domain.settlement.explanation import explain
from distrib.domain.settlement.snapshot import Room

RANKS = [{"code": "member"}, {"code": "gold"}, {"code": "top"}]
GOLD: dict[str, Any] = {"min_rank": "gold"}
SALES: dict[str, Any] = {"min_personal_sales_minor": 1_000}


def plan(*rules: dict[str, Any], **keys: Any) -> Plan:
    return compile_plan({"code": "p", "currency": "CNY", "tiers": 2, "ranks": RANKS, "rules": list(rules), **keys})


def rule(pay: str = "seller", rate: Any = "0.10", **keys: Any) -> dict[str, Any]:
    return {"id": pay, "pay": pay, "rate": rate} | keys


def named(name: str, **keys: Any) -> dict[str, Any]:
    return {**rule(), "id": name, **keys}


def order(*paid: int) -> Order:
    lines = tuple(OrderLine(str(number), "A", 1, minor) for number, minor in enumerate(paid, 1))
    return Order("o", "CNY", datetime(2026, 3, 1, tzinfo=UTC), lines)


def people(*ranks: str, **more: Any) -> Snapshot:
    persons = [Person(number, rank, is_active=True) for number, rank in enumerate(ranks)]
    return Snapshot(persons[0], tuple(persons[1:]), **more)


def amounts(plan: Plan, order: Order, snapshot: Snapshot) -> list[tuple[str, str, int, int]]:
    """(line, rule, shop, amount) of every commission."""
    return [
        (
            order.lines[commission.line_index].id,
            plan.rules[commission.rule_index].id,
            commission.shop_no,
            commission.amount_minor,
        )
        for commission in settle(plan, order, snapshot)
    ]


def explained(
    plan: Plan, order: Order, snapshot: Snapshot, left: list[int] | None = None
) -> list[tuple[int, int, str]]:
    """(before caps, after caps, reason) of everyone looked at."""
    looks = explain(plan, order, snapshot, left)
    return [(look.amount_before_cap_minor, look.amount_minor, look.reason) for look in looks]


@pytest.mark.parametrize(("rank", "earned"), [("member", []), ("gold", [100]), ("top", [100])])
def test_a_rank_or_a_higher_one_is_required_by_the_order_of_the_ranks(rank: str, earned: list[int]) -> None:
    strict = plan(rule(requires=GOLD))
    assert [amount for *_, amount in amounts(strict, order(1_000), people(rank))] == earned


def test_whose_sales_are_not_enough_the_snapshot_says_rule_by_rule() -> None:
    both = plan(rule(requires=SALES), rule("opener", requires=SALES), rule("leader"))
    lacking = Person(7, "member", is_active=True, unmet=(0, 1, 2))
    snapshot = Snapshot(lacking, leader=lacking, opener=lacking._replace(shop_no=8, unmet=(0,)))
    assert amounts(both, order(1_000), snapshot) == [("1", "opener", 8, 100), ("1", "leader", 7, 100)]
    assert explained(both, order(1_000), snapshot)[0] == (0, 0, "requires_not_met")


def test_a_share_that_is_not_earned_stays_with_the_platform_and_does_not_pass_up() -> None:
    rates = {"member": "0.05", "gold": "0.10", "top": "0.20"}
    chain = plan({"id": "d", "pay": "chain", "differential": True, "rate": rates, "requires": SALES})
    snapshot = people("member", "gold", "top")
    assert [amount for *_, amount in amounts(chain, order(1_000), snapshot)] == [50, 50, 100]
    middle = snapshot.uplines[0]._replace(unmet=(0,))
    lacking = snapshot._replace(uplines=(middle, snapshot.uplines[1]))
    assert [amount for *_, amount in amounts(chain, order(1_000), lacking)] == [50, 100]


def test_of_what_another_rule_paid_there_is_nothing_where_nobody_met_its_requirements() -> None:
    of_seller = plan(rule(requires=GOLD), rule("upline", tier=1, of={"rule": "seller"}))
    assert amounts(of_seller, order(1_000), people("member", "member")) == []


def test_a_requirement_speaks_last_so_that_what_bars_an_earner_anyway_is_told() -> None:
    strict = plan(rule(rate={"top": "0.1"}, requires=GOLD), rule("upline", tier=1, requires=GOLD))
    asleep = Person(1, "member", is_active=False)
    snapshot = Snapshot(Person(0, "member", is_active=True), (asleep,))
    assert [reason for *_, reason in explained(strict, order(1_000), snapshot)] == ["rank_not_in_rate", "inactive"]


def test_an_orders_cap_fills_up_over_the_lines_in_order_after_rounding() -> None:
    capped = plan(rule(cap={"per_order_minor": 150}), rule("upline", tier=1, rate="0.05"))
    assert amounts(capped, order(1_000, 1_005, 1_000), people("member", "member")) == [
        ("1", "seller", 0, 100),
        ("1", "upline", 1, 50),
        ("2", "seller", 0, 50),
        ("2", "upline", 1, 50),
        ("3", "upline", 1, 50),
    ]
    assert explained(capped, order(1_000, 1_005), people("member", "member")) == [
        (100, 100, "paid"),
        (50, 50, "paid"),
        (101, 50, "rule_cap"),
        (50, 50, "paid"),
    ]


def test_a_commission_may_be_as_large_as_a_sum_may_be_and_no_larger() -> None:
    rules = plan({"id": "seller", "pay": "seller", "amount_minor": 10**9})
    most = Commission(0, 0, 0, 0, 10**12, None, 10**15)
    check_payable(rules, [most])
    with pytest.raises(Refusal) as refused:
        check_payable(rules, [most, most._replace(amount_minor=10**15 + 1)])
    assert (refused.value.code, refused.value.params) == (
        "commission_too_large",
        {"rule": "seller", "most": 10**15},
    )


def test_each_earner_has_an_orders_cap_of_its_own() -> None:
    rates = {"member": "0.05", "gold": "0.10"}
    capped = {"id": "d", "pay": "chain", "differential": True, "rate": rates, "cap": {"per_order_minor": 40}}
    assert amounts(plan(capped), order(1_000), people("member", "gold")) == [("1", "d", 0, 40), ("1", "d", 1, 40)]


def test_what_is_taken_of_a_capped_commission_is_taken_of_its_exact_amount_before_the_cap() -> None:
    capped = plan(rule(cap={"per_order_minor": 10}), rule("upline", tier=1, of={"rule": "seller"}, rate="0.50"))
    assert amounts(capped, order(1_000), people("member", "member")) == [("1", "seller", 0, 10), ("1", "upline", 1, 50)]
    remaining = plan(rule(cap={"per_order_minor": 10}), rule("upline", tier=1, of="remaining", rate="0.50"))
    assert amounts(remaining, order(1_000), people("member", "member"))[1] == ("1", "upline", 1, 450)


def test_an_orders_cap_of_a_rule_comes_before_the_cap_of_the_order() -> None:
    capped = plan(rule(cap={"per_order_minor": 50}), rule("upline", tier=1, rate="0.10"))
    snapshot = people("member", "member", order_cap_ppm=75_000)
    assert amounts(capped, order(1_000), snapshot) == [("1", "seller", 0, 25), ("1", "upline", 1, 50)]
    assert explained(capped, order(1_000), snapshot) == [(100, 25, "order_cap"), (100, 50, "order_cap")]


def test_month_and_customer_caps_come_after_the_cap_of_the_order_and_the_lesser_room_counts() -> None:
    capped = plan(rule(cap={"per_month_minor": 500, "per_customer_minor": 90}))
    snapshot = people("member", order_cap_ppm=100_000, rooms=(Room(0, 0, 130, 120),))
    assert amounts(capped, order(1_000, 1_000), snapshot) == [("1", "seller", 0, 100), ("2", "seller", 0, 20)]
    assert explained(capped, order(1_000, 1_000), snapshot) == [(100, 100, "paid"), (100, 20, "rule_cap")]


def test_the_last_cap_that_took_something_is_the_reason() -> None:
    capped = plan(rule(cap={"per_order_minor": 80, "per_month_minor": 500}))
    all_three = people("member", order_cap_ppm=70_000, rooms=(Room(0, 0, 60, None),))
    assert explained(capped, order(1_000), all_three) == [(100, 60, "rule_cap")]
    assert explained(capped, order(1_000), all_three._replace(rooms=())) == [(100, 70, "order_cap")]


def test_on_what_a_refund_leaves_the_orders_cap_applies_again_and_the_rooms_are_those_of_the_first_work() -> None:
    capped = plan(rule(cap={"per_order_minor": 150, "per_month_minor": 500}))
    snapshot = people("member", rooms=(Room(0, 0, 120, None),))
    posted = {commission.key: commission.amount_minor for commission in settle(capped, order(1_000, 1_000), snapshot)}
    assert list(posted.values()) == [100, 20]
    stands = settle_left(capped, order(1_000, 1_000), snapshot, [500, 1_000], posted)
    assert [commission.amount_minor for commission in stands] == [50, 70]
    assert explained(capped, order(1_000, 1_000), snapshot, [500, 1_000]) == [(50, 50, "paid"), (100, 70, "rule_cap")]


def test_what_a_case_took_back_neither_comes_again_nor_makes_room_for_others() -> None:
    capped, sold, snapshot = plan(rule(cap={"per_order_minor": 150})), order(1_000, 1_000), people("member")
    posted = {commission.key: commission.amount_minor for commission in settle(capped, sold, snapshot)}
    first, second = posted
    assert list(posted.values()) == [100, 50]
    assert [row.amount_minor for row in settle_left(capped, sold, snapshot, [0, 1_000], posted)] == [100]
    stands = settle_left(capped, sold, snapshot, [0, 1_000], {**posted, first: None})
    assert [(row.key, row.amount_minor) for row in stands] == [(second, 50)]


def test_a_commission_that_was_first_lowered_by_a_cap_says_so_after_a_refund_too() -> None:
    dear = plan(rule(rate="0.50", where={"sku": ["dear"]}), {**rule(rate="0.05"), "id": "rest"})
    lines = (OrderLine("1", "dear", 1, 1_000), OrderLine("2", "A", 1, 1_000))
    sold = Order("o", "CNY", datetime(2026, 3, 1, tzinfo=UTC), lines)
    snapshot = people("member", order_cap_ppm=200_000)
    assert explained(dear, sold, snapshot) == [(500, 364, "order_cap"), (50, 36, "order_cap")]
    assert explained(dear, sold, snapshot, [0, 1_000]) == [(0, 0, "paid"), (50, 36, "order_cap")]


def test_a_snapshot_keeps_verdicts_and_rooms_by_name_and_leaves_out_what_is_not_there() -> None:
    snapshot = Snapshot(Person(7, "member", True, (0, 3)), (Person(8, "gold", True),), rooms=(Room(0, 7, 5, None),))
    assert snapshot.to_json() == (
        '{"v":2,"seller":{"shop_no":7,"rank":"member","unmet":[0,3]},"uplines":[{"shop_no":8,"rank":"gold"}],'
        '"rooms":[{"rule_index":0,"shop_no":7,"month_minor":5,"customer_minor":null}]}'
    )
    assert Snapshot.from_json(snapshot.to_json()) == snapshot


def test_a_rule_book_knows_which_rules_bound_an_order_a_month_or_a_customer_and_which_ask_for_sales() -> None:
    caps: list[dict[str, Any]] = [
        {"per_order_minor": 5},
        {"per_month_minor": 6},
        {"per_customer_minor": 7},
        {"per_order_minor": 0, "per_month_minor": 0},
    ]
    capped = [named(f"c{index}", group=f"c{index}", cap=cap) for index, cap in enumerate(caps)]
    asking = [named("rank", group="r", requires=GOLD), named("sales", group="s", requires=SALES | GOLD)]
    book = plan(*capped, *asking, rule()).book
    assert book.per_order == {0: 5, 3: 0}
    assert {index: tuple(cap) for index, cap in book.counted.items()} == {
        1: (None, 6, None),
        2: (None, None, 7),
        3: (0, 0, None),
    }
    assert {index: tuple(asks) for index, asks in book.on_sales.items()} == {5: ("gold", 1_000, None)}


def test_what_is_remembered_is_forgotten_when_it_grows_too_large_and_worked_out_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan_rules, "_MAX_CHOICES", 2)
    remembered = plan_rules.Remembered()
    for number in (1, 2):
        remembered.keep(remembered.known(f"people {number}"), "kind", number)
    assert [remembered.known(f"people {number}") for number in (1, 2, 3)] == [{"kind": 1}, {"kind": 2}, {}]
    remembered.keep(remembered.known("people 3"), "kind", 3)
    assert [remembered.known(f"people {number}") for number in (1, 2, 3)] == [{}, {}, {}]
    remembered.keep(remembered.known("people 1"), "kind", 4)
    remembered.keep(remembered.known("people 2"), "kind", 5)
    assert [remembered.known(f"people {number}") for number in (1, 2)] == [{"kind": 4}, {"kind": 5}]
    remembered.keep(remembered.known("people 2"), "other", 6)
    assert remembered.known("people 1") == {}


def test_a_rule_book_forgets_its_choices_when_there_are_too_many_and_makes_them_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan_rules, "_MAX_CHOICES", 2)
    book = plan(named("a", where={"sku": ["A", "B", "C"]}), rule()).book
    first = [book.choose("retail", None, sku) for sku in ("A", "B")]
    assert [book.choose("retail", None, sku) for sku in ("A", "B")] == first
    assert [step.id for _, step in book.choose("retail", None, "C").steps] == ["a"]
    again = book.choose("retail", None, "A")
    assert again is not first[0]
    assert again.steps == first[0].steps
    assert book.choose("retail", None, "other") is book.choose("community", "any", "another")


def test_the_depth_of_a_line_is_how_many_rates_are_multiplied_with_each_other_at_most() -> None:
    upline = {"tier": 1, "of": {"rule": "seller"}}
    twice = named("twice", group="g", of={"rule": "upline"}) | {"pay": "leader"}
    second = named("second", of="remaining", tier=2) | {"pay": "upline"}
    elsewhere = rule(where={"sku": ["B"]})
    plans = {
        "base": [rule()],
        "fixed": [{"id": "f", "pay": "seller", "amount_minor": 5}],
        "of a rule": [rule(), rule("upline", **upline)],
        "of one taken of a rule": [rule(), rule("upline", **upline), twice],
        "of a rule that is not chosen": [elsewhere, rule("upline", **upline)],
        "remaining": [rule(), rule("upline", tier=1, of="remaining")],
        "remaining of nothing below": [rule("upline", tier=1, of="remaining"), rule("leader", of="remaining")],
        "remaining twice": [rule(), rule("upline", tier=1, of="remaining"), second],
        "remaining beside another": [rule("upline", tier=1), rule("upline", tier=1, of="remaining", group="g", id="r")],
        "nothing chosen": [elsewhere],
    }
    depths = {what: plan(*rules).book.choose("retail", None, "A").depth for what, rules in plans.items()}
    assert depths == {
        "base": 1,
        "fixed": 1,
        "of a rule": 2,
        "of one taken of a rule": 3,
        "of a rule that is not chosen": 1,
        "remaining": 2,
        "remaining of nothing below": 1,
        "remaining twice": 3,
        "remaining beside another": 1,
        "nothing chosen": 1,
    }
