"""Laws of caps and seats on plans, orders and people by lot; and no binary float anywhere on the way."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import distrib.domain
from distrib.domain.events import Order
from distrib.domain.money import PPM
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.pools import Pool, share_pool
from distrib.domain.settlement.caps import counted, within_rooms
from distrib.domain.settlement.commission import Commission, CommissionKey, Snapshot, settle, settle_left
from distrib.domain.settlement.explanation import explain
from distrib.domain.settlement.snapshot import Room
from tests.property.draws import worlds

DOMAIN = Path(distrib.domain.__file__).parent
World = tuple[Plan, Order, Snapshot]


def by_earner(commissions: list[Commission]) -> Counter[tuple[int, int]]:
    total: Counter[tuple[int, int]] = Counter()
    for commission in commissions:
        total[commission.rule_index, commission.shop_no] += commission.amount_minor
    return total


def rooms_for(commissions: list[Commission], data: st.DataObject) -> tuple[Room, ...]:
    room = st.none() | st.integers(0, 30_000)
    drawn = [(key, data.draw(room), data.draw(room)) for key in by_earner(commissions)]
    return tuple(Room(*key, month, customer) for key, month, customer in drawn if (month, customer) != (None, None))


@given(worlds, st.data())
def test_each_earner_gets_the_lesser_of_what_it_earned_and_its_room_the_earlier_lines_first(
    world: World, data: st.DataObject
) -> None:
    plan, order, snapshot = world
    before = settle(plan, order, snapshot)
    rooms = rooms_for(before, data)
    after = settle(plan, order, snapshot._replace(rooms=rooms))
    most = {(room.rule_index, room.shop_no): room.left_minor for room in rooms}
    assert by_earner(after) == +Counter(
        {key: min(total, most.get(key, total)) for key, total in by_earner(before).items()}
    )
    left = dict(most)
    for commission in before:
        key = (commission.rule_index, commission.shop_no)
        amount = min(commission.amount_minor, left.get(key, commission.amount_minor))
        if key in left:
            left[key] -= amount
        assert sum(two.amount_minor for two in after if two[:4] == commission.key) == amount


def sums_by_slot(amounts: Mapping[CommissionKey, int]) -> Counter[tuple[int, int, int]]:
    """What each rule, tier and earner has over all lines."""
    sums: Counter[tuple[int, int, int]] = Counter()
    for key, amount_minor in amounts.items():
        sums[key.slot] += amount_minor
    return sums


@given(worlds, st.data())
def test_with_the_rooms_it_had_an_order_gives_back_exactly_what_it_earned_and_never_more_stands(
    world: World, data: st.DataObject
) -> None:
    plan, order, snapshot = world
    snapshot = snapshot._replace(rooms=rooms_for(settle(plan, order, snapshot), data))
    first = {commission.key: commission.amount_minor for commission in settle(plan, order, snapshot)}
    left = [data.draw(st.integers(0, line.paid_minor)) for line in order.lines]
    stands = settle_left(plan, order, snapshot, left, first)
    posted, standing = (sums_by_slot(amounts) for amounts in (first, {one.key: one.amount_minor for one in stands}))
    assert all(amount_minor <= posted[slot] for slot, amount_minor in standing.items())
    assert settle_left(plan, order, snapshot, [0] * len(left), first) == []
    if order.paid_minor:
        assert settle_left(plan, order, snapshot, [line.paid_minor for line in order.lines], first) == settle(
            plan, order, snapshot
        )
    paid_looks = [look for look in explain(plan, order, snapshot, left) if look.amount_minor]
    assert [look.amount_minor for look in paid_looks] == [commission.amount_minor for commission in stands]
    lowered = [look for look in paid_looks if look.amount_minor < look.amount_before_cap_minor]
    assert all((look.reason == "paid") is (look not in lowered) for look in paid_looks)
    assert Snapshot.from_json(snapshot.to_json()) == snapshot


@given(worlds)
def test_no_seat_above_the_tiers_of_plan_and_pack_is_ever_paid(world: World) -> None:
    plan, order, snapshot = world
    assert all(commission.tier <= min(plan.tiers, snapshot.max_tiers) for commission in settle(plan, order, snapshot))


@given(worlds)
def test_whoever_lacks_what_a_rule_requires_is_never_paid_by_it(world: World) -> None:
    plan, order, snapshot = world
    people = [snapshot.seller, *snapshot.uplines, snapshot.leader, snapshot.opener]
    by_number = {person.shop_no: person for person in people if person is not None}
    for commission in settle(plan, order, snapshot):
        requires, earner = plan.rules[commission.rule_index].requires, by_number[commission.shop_no]
        if requires is not None:
            assert commission.rule_index not in earner.unmet
            assert requires.min_rank is None or plan.rank_index(earner.rank) >= plan.rank_index(requires.min_rank)


@given(worlds)
def test_only_rules_with_a_month_or_customer_cap_are_counted(world: World) -> None:
    plan, order, snapshot = world
    assert list(counted(plan, settle(plan, order, snapshot))) == []


def test_no_room_pays_nothing_and_whoever_is_not_named_has_no_bound() -> None:
    first_payment, other = Commission(0, 0, 0, 7, 100, 100_000, 10), Commission(0, 1, 0, 7, 100, 100_000, 10)
    assert within_rooms([first_payment, other], [Room(0, 7, None, 0)]) == [other]


# Nothing inexact.

INEXACT_CALLS = {"float", "complex", "round", "sqrt", "fsum", "pow"}


def inexact(tree: ast.AST) -> Iterator[str]:
    """Where a binary float comes from: its literals, its name, true division, and modules that calculate in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield f"line {node.lineno}: {node.value}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield f"line {node.lineno}: /"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in INEXACT_CALLS:
            yield f"line {node.lineno}: {node.func.id}()"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (f"line {node.lineno}: {name}" for name in names if name in ("math", "cmath", "statistics"))


def test_the_domain_has_no_binary_float_in_its_source() -> None:
    inexact_names = {path.name: list(inexact(ast.parse(path.read_text("utf-8")))) for path in DOMAIN.rglob("*.py")}
    assert {name: places for name, places in inexact_names.items() if places} == {}
    assert list(inexact(ast.parse("x = 1 / 2")))


def reachable(value: Any) -> Iterator[Any]:
    """A value and everything inside of it, however deep."""
    yield value
    inside: Any = ()
    if isinstance(value, dict):
        inside = [*value, *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inside = value
    elif hasattr(type(value), "__slots__") and not isinstance(value, str | bytes | int | Fraction):
        inside = [getattr(value, name) for name in type(value).__slots__ if hasattr(value, name)]
    for item in inside:
        yield from reachable(item)


@given(worlds, st.integers(0, PPM), st.integers(0, 10**12))
def test_nothing_reachable_from_a_result_is_a_binary_float(world: World, rate_ppm: int, base_minor: int) -> None:
    plan, order, snapshot = world
    left = [line.paid_minor // 2 for line in order.lines]
    first = settle(plan, order, snapshot)
    stands = settle_left(plan, order, snapshot, left, {commission.key: commission.amount_minor for commission in first})
    shares = share_pool(base_minor, Pool("p", rate_ppm, {"member": 2}), {"a": "member", "b": "member"})
    results = [first, stands, explain(plan, order, snapshot), explain(plan, order, snapshot, left), shares, snapshot]
    kinds = {type(item) for item in reachable([*results, plan.rules, plan.pools, plan.order_cap_ppm])}
    assert kinds & {float, complex} == set()
