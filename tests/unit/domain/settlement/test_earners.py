"""A plan remembers who is paid for people who stand alike; nothing that decides may be missing from "alike"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.commission import Commission, Person, Snapshot, settle
from distrib.domain.settlement.earners import find_earners, known_earners, numbers_of
from distrib.domain.settlement.snapshot import Room

BY_RANK = {"member": "0.01", "gold": "0.02", "default": "0.03"}
RULES: list[dict[str, Any]] = [
    {"id": "seller", "pay": "seller", "rate": BY_RANK},
    *({"id": f"up-{tier}", "pay": "upline", "tier": tier, "rate": BY_RANK} for tier in (1, 2, 3)),
    {"id": "leader", "pay": "leader", "rate": BY_RANK},
    {"id": "opener", "pay": "opener", "rate": BY_RANK},
]
LINES = (OrderLine("1", "A", 1, 10_000), OrderLine("2", "B", 1, 10_000, entry=True))
ORDER = Order("o", "CNY", datetime(2026, 3, 1, tzinfo=UTC), LINES)
UPLINES = tuple(Person(no, "member", True) for no in range(1, 10))
LEADER, OPENER = Person(20, "member", True), Person(21, "member", True)
FIRST = Snapshot(Person(0, "member", True), UPLINES, leader=LEADER, opener=OPENER)
GOLD, GONE = Person(30, "gold", True), Person(31, "member", False)

CHANGES: dict[str, dict[str, Any]] = {
    "other seller": {"seller": Person(30, "member", True)},
    "seller's rank": {"seller": GOLD},
    "seller not active": {"seller": GONE},
    **{f"rank of upline {n + 1}": {"uplines": (*UPLINES[:n], GOLD, *UPLINES[n + 1 :])} for n in range(9)},
    **{f"upline {n + 1} not active": {"uplines": (*UPLINES[:n], GONE, *UPLINES[n + 1 :])} for n in range(9)},
    **{f"{n} uplines": {"uplines": UPLINES[:n]} for n in range(9)},
    **{f"first {n} uplines not active": {"uplines": (GONE,) * n + UPLINES[n:]} for n in range(9)},
    "the ninth upline alone": {"uplines": (*(GONE,) * 8, Person(9, "member", True))},
    "the ninth upline alone, of rank": {"uplines": (*(GONE,) * 8, GOLD)},
    "other uplines": {"uplines": tuple(person._replace(shop_no=person.shop_no + 50) for person in UPLINES)},
    "no leader": {"leader": None},
    "leader's rank": {"leader": GOLD},
    "leader not active": {"leader": GONE},
    "no opener": {"opener": None},
    "opener's rank": {"opener": GOLD},
    "leader and opener exchanged": {"leader": OPENER, "opener": LEADER},
    "leader is the seller": {"leader": FIRST.seller},
    "entry pays nobody": {"entry_pays_seller": False},
    **{f"pack pays {n} tiers": {"max_tiers": n} for n in range(3)},
    "order cap": {"order_cap_ppm": 10_000},
    "pack": {"pack": "cn@2005-11-01"},
}


def plan_with(inactive_upline: str, self_purchase: str, tiers: int) -> Plan:
    document = {"code": "p", "currency": "CNY", "ranks": [{"code": "member"}, {"code": "gold"}, {"code": "top"}]}
    keys = {"inactive_upline": inactive_upline, "self_purchase": self_purchase, "tiers": tiers}
    return compile_plan({**document, **keys, "rules": RULES})


def paid_anew(plan: Plan, snapshot: Snapshot) -> list[Commission]:
    """By a plan that remembers nothing."""
    return settle(compile_plan(plan.document), ORDER, snapshot)


@pytest.mark.parametrize("tiers", [1, 3])
@pytest.mark.parametrize("self_purchase", ["earn", "skip", "shift"])
@pytest.mark.parametrize("inactive_upline", ["keep", "compress"])
def test_whatever_changes_among_the_people_an_order_is_paid_as_by_a_plan_that_has_forgotten(
    inactive_upline: str, self_purchase: str, tiers: int
) -> None:
    plan = plan_with(inactive_upline, self_purchase, tiers)
    for is_own, pays_uplines in ((False, True), (True, True), (True, False), (False, False)):
        first = FIRST._replace(is_self_purchase=is_own, self_purchase_pays_uplines=pays_uplines)
        assert settle(plan, ORDER, first) == paid_anew(plan, first)
        for name, change in CHANGES.items():
            changed = first._replace(**change)
            assert settle(plan, ORDER, changed) == paid_anew(plan, changed), name


def test_other_rules_on_other_lines_are_told_apart() -> None:
    rules = [{**RULES[0], "where": {"sku": ["A"]}}, {**RULES[0], "id": "other", "rate": "0.5"}]
    ranks = [{"code": "member"}, {"code": "gold"}]
    plan = compile_plan({"code": "p", "currency": "CNY", "ranks": ranks, "rules": rules})
    assert [commission.amount_minor for commission in settle(plan, ORDER, FIRST)] == [100, 5_000]
    assert [commission.amount_minor for commission in settle(plan, ORDER, FIRST)] == [100, 5_000]


def test_where_each_rule_takes_a_rate_of_the_base_the_rates_are_kept_ready_and_otherwise_not() -> None:
    ranks = [{"code": "member"}, {"code": "gold"}]
    flat = compile_plan({"code": "p", "currency": "CNY", "ranks": ranks, "rules": RULES[:2]})
    chosen = flat.book.choose("retail", None, "A")
    known = known_earners(flat, FIRST)
    earners = find_earners(flat, FIRST, known, (chosen, False))
    assert earners.rates == [(0, 0, 0, 10_000), (1, 1, 1, 10_000)]
    assert known == known_earners(flat, FIRST) == {(chosen, False): earners}
    without = FIRST._replace(uplines=(GONE,))
    assert find_earners(flat, without, known_earners(flat, without), (chosen, False)).rates == [(0, 0, 0, 10_000)]
    fixed = compile_plan({"code": "p", "currency": "CNY", "rules": [{"id": "s", "pay": "seller", "amount_minor": 5}]})
    kind = (fixed.book.choose("retail", None, "A"), False)
    assert find_earners(fixed, FIRST, known_earners(fixed, FIRST), kind).rates is None


def test_shops_that_stand_alike_share_what_is_remembered_whoever_stands_above_the_tiers() -> None:
    moved = FIRST._replace(
        seller=Person(70, "member", True),
        leader=Person(71, "member", True),
        opener=Person(72, "member", True),
        uplines=(Person(73, "member", True), GOLD, GONE),
    )
    one_tier = plan_with("keep", "earn", 1)
    assert known_earners(one_tier, moved) is known_earners(one_tier, FIRST)
    two_tiers = plan_with("keep", "earn", 2)
    assert known_earners(two_tiers, moved) is not known_earners(two_tiers, FIRST)


def test_a_place_where_nobody_stands_has_no_shops_number() -> None:
    assert numbers_of(Snapshot(None)) == [-1, -1, -1]
    assert numbers_of(FIRST) == [*range(10), 20, 21]


def test_what_comes_last_in_a_snapshots_text_is_told_apart_rooms_from_the_case_that_holds() -> None:
    room = Room(0, 7, None, 5)
    for more in ({}, {"rooms": (room,)}, {"frozen_case": 0}, {"rooms": (room, room), "frozen_case": 12}):
        snapshot = FIRST._replace(**more)
        assert Snapshot.from_json(snapshot.to_json()) == snapshot
    lacking = FIRST._replace(seller=Person(7, '店"', False, (0, 2)))
    assert Snapshot.from_json(lacking.to_json()) == lacking
