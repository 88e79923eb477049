"""Laws of the engine on plans, orders and refunds that nobody thought of.

The oracle works in fractions, one person, rule and line at a time, straight from the plan language;
it shares nothing with the engine but the order of its results.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.events import Order, OrderLine
from distrib.domain.money import PPM, round_ratio
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.commission import Commission, Person, Snapshot, settle, settle_left
from distrib.domain.settlement.earned import CommissionKey
from distrib.domain.settlement.explanation import explain
from tests.property.draws import PAID_AT, RANKS, orders, ratios, snapshots, worlds

# The oracle.


def seat_people(plan: Plan, snapshot: Snapshot) -> dict[int, Person]:
    assert snapshot.seller is not None
    chain = [snapshot.seller, *snapshot.uplines]
    if snapshot.is_self_purchase and plan.self_purchase == "shift":
        chain = chain[1:]
    if plan.inactive_upline == "compress":
        chain = chain[:1] + [person for person in chain[1:9] if person.is_active]
    return dict(enumerate(chain[: plan.tiers + 1]))


def chosen_on(plan: Plan, line: OrderLine, snapshot: Snapshot) -> list[Any]:
    taken: dict[str, Any] = {}
    for rule in plan.rules:
        asked = plan.document["rules"][rule.index]["where"] or {}
        left_out = asked.get("not", {})
        if (
            line.sku in asked.get("sku", [line.sku])
            and line.sku not in left_out.get("sku", [])
            and ("customer" not in asked or is_so(asked["customer"], snapshot))
            and not ("customer" in left_out and is_so(left_out["customer"], snapshot))
        ):
            taken.setdefault(rule.group, rule)
    return sorted(taken.values(), key=lambda rule: rule.index)


def is_so(asked: Any, snapshot: Snapshot) -> bool:
    """Whether the customer is as asked; nobody knows of whom an order does not name."""
    if snapshot.earlier_orders is None:
        return False
    asked = {"is": asked} if isinstance(asked, str) else asked
    orders, first_paid_at = snapshot.earlier_orders
    is_new = first_paid_at is None
    if first_paid_at is not None and len(asked) > 1:
        few = "within_orders" not in asked or orders < asked["within_orders"]
        young = "within_days" not in asked or PAID_AT - first_paid_at < timedelta(days=asked["within_days"])
        is_new = few and young
    return is_new is (asked["is"] == "new")


def earns(plan: Plan, snapshot: Snapshot, line: OrderLine, tier: int, person: Person, in_chain: bool) -> bool:
    own = in_chain and person is snapshot.seller
    if line.entry and not (own and snapshot.entry_pays_seller):
        return False
    if snapshot.is_self_purchase and in_chain:
        if own and plan.self_purchase == "skip":
            return False
        if not own and not snapshot.self_purchase_pays_uplines:
            return False
    return person.is_active and tier <= snapshot.max_tiers


def exact(plan: Plan, order: Order, snapshot: Snapshot, shares: Sequence[Fraction]) -> dict[CommissionKey, Fraction]:
    amounts: dict[CommissionKey, Fraction] = {}
    seats = seat_people(plan, snapshot)
    standing = amounts_that_stand(plan, order, snapshot, shares)
    for number, (line, share) in enumerate(zip(order.lines, shares, strict=True)):
        assert line.cost_minor is not None
        bases = {
            "paid": line.paid_minor,
            "list": line.paid_minor if line.list_minor is None else line.list_minor,
            "margin": max(line.paid_minor - line.cost_minor, 0),
        }
        base, rules = bases[plan.base] * share, chosen_on(plan, line, snapshot)
        below = Fraction(0)
        paid: dict[int, Fraction] = {}
        reached: dict[int, int] = {}
        stops = [(tier, tier, seats.get(tier)) for tier in range(4)]
        stops += [(0, 4, snapshot.leader), (0, 5, snapshot.opener)]
        slot_rules = sorted((rule for rule in rules if rule.pay in ("leader", "opener")), key=lambda rule: rule.index)
        steps = [(t, p, rule) for t, stop, p in stops[:4] for rule in rules if pays_at(rule, stop, plan)]
        steps += [(0, snapshot.leader if rule.pay == "leader" else snapshot.opener, rule) for rule in slot_rules]
        tier_now, this_tier = 0, Fraction(0)
        for tier, person, rule in steps:
            if tier != tier_now and rule.pay not in ("leader", "opener"):
                below, this_tier, tier_now = below + this_tier, Fraction(0), tier
            if rule.pay in ("leader", "opener"):
                below, this_tier = Fraction(0), Fraction(0)
            if person is None or rule.figure(person.rank) is None:
                continue
            basis = {
                "base": base,
                "remaining": max(base - below, Fraction(0)),
                "rule": paid.get(rule.of_rule, Fraction(0)),
            }[rule.of]
            has_seat = earns(plan, snapshot, line, tier, person, rule.pay not in ("leader", "opener"))
            can = has_seat and not lacks(rule, person)
            pieces = line.quantity * share if rule.per == "unit" else Fraction(standing.get(rule.index) == number)
            amount = (
                one_amount(rule, person, basis, pieces, reached, can) if can or rule.pay == "chain" else Fraction(0)
            )
            if rule.pay == "chain" and not can and (has_seat or is_skipped_seller(plan, snapshot, person)):
                reached[rule.index] = max(reached.get(rule.index, 0), rule.figure(person.rank))
            paid[rule.index] = paid.get(rule.index, Fraction(0)) + amount
            this_tier += amount
            amounts[CommissionKey(number, rule.index, tier, person.shop_no)] = amount
    return amounts


def amounts_that_stand(plan: Plan, order: Order, snapshot: Snapshot, shares: Sequence[Fraction]) -> dict[int, int]:
    """By rule the line of its one amount for the order: the first that pays anybody, if anything of those is left."""
    seats = seat_people(plan, snapshot)
    stands: dict[int, int] = {}
    for rule in plan.rules:
        person = {"leader": snapshot.leader, "opener": snapshot.opener}.get(rule.pay, seats.get(rule.tier))
        if rule.per != "order" or person is None or lacks(rule, person):
            continue
        lines = [
            number
            for number, line in enumerate(order.lines)
            if rule in chosen_on(plan, line, snapshot)
            and earns(plan, snapshot, line, rule.tier, person, rule.pay not in ("leader", "opener"))
        ]
        if any(shares[number] for number in lines):
            stands[rule.index] = lines[0]
    return stands


def lacks(rule: Any, person: Person) -> bool:
    if rule.requires is None:
        return False
    needed = rule.requires.min_rank
    return (needed is not None and RANKS.index(person.rank) < RANKS.index(needed)) or rule.index in person.unmet


def pays_at(rule: Any, tier: int, plan: Plan) -> bool:
    return bool(
        (rule.pay == "seller" and tier == 0)
        or (rule.pay == "upline" and rule.tier == tier)
        or (rule.pay == "chain" and tier <= plan.tiers)
    )


def is_skipped_seller(plan: Plan, snapshot: Snapshot, person: Person) -> bool:
    return person is snapshot.seller and person.is_active and snapshot.is_self_purchase and plan.self_purchase == "skip"


def one_amount(
    rule: Any, person: Person, basis: Fraction, pieces: Fraction, reached: dict[int, int], can: bool
) -> Fraction:
    figure: int = rule.figure(person.rank)
    if rule.pay == "chain":
        if not can:
            return Fraction(0)
        rate = max(figure - reached.get(rule.index, 0), 0)
        reached[rule.index] = max(reached.get(rule.index, 0), figure)
        return basis * rate / PPM
    if rule.kind == "amount":
        return figure * pieces
    if rule.kind == "rate":
        return basis * figure / PPM
    if rule.kind == "whole":
        reached_rate: int = max(((start, rate) for start, rate in rule.slabs if start <= basis), default=(0, 0))[1]
        return basis * reached_rate / PPM
    ends = [start for start, _ in rule.slabs[1:]] + [max(basis, Fraction(rule.slabs[-1][0]))]
    return sum(
        (
            max(min(basis, Fraction(end)) - start, Fraction(0)) * rate / PPM
            for (start, rate), end in zip(rule.slabs, ends, strict=True)
        ),
        Fraction(0),
    )


def rounded(plan: Plan, amounts: dict[CommissionKey, Fraction]) -> dict[CommissionKey, int]:
    if plan.round_per == "order":
        whole = rounded_over_order(plan, amounts)
    else:
        whole = {key: round_ratio(exact.numerator, exact.denominator, plan.rounding) for key, exact in amounts.items()}
    left: dict[tuple[int, int], int] = {}
    for key, amount in whole.items():
        cap = plan.rules[key.rule_index].cap
        if cap is not None:
            assert cap.per_order_minor is not None
            room = left.setdefault((key.rule_index, key.shop_no), cap.per_order_minor)
            whole[key] = min(amount, room)
            left[key.rule_index, key.shop_no] -= whole[key]
    return {key: amount for key, amount in whole.items() if amount}


def rounded_over_order(plan: Plan, amounts: dict[CommissionKey, Fraction]) -> dict[CommissionKey, int]:
    whole: dict[CommissionKey, int] = {}
    for group in {key[1:] for key in amounts}:
        keys = sorted(key for key in amounts if key[1:] == group)
        exact_sum = sum((amounts[key] for key in keys), Fraction(0))
        total = round_ratio(exact_sum.numerator, exact_sum.denominator, plan.rounding)
        quotas = {key: amounts[key] * total / exact_sum if exact_sum else Fraction(0) for key in keys}
        whole |= {key: quota.numerator // quota.denominator for key, quota in quotas.items()}
        missing = total - sum(whole[key] for key in keys)
        for key in sorted(keys, key=lambda key: (whole[key] - quotas[key], key.line_index))[:missing]:
            whole[key] += 1
    return dict(sorted(whole.items(), key=lambda item: list(amounts).index(item[0])))


def by_key(commissions: list[Commission]) -> dict[CommissionKey, int]:
    amounts = {commission.key: commission.amount_minor for commission in commissions}
    assert len(amounts) == len(commissions)
    return amounts


def refunds_of(order: Order, draw: st.DrawFn) -> list[int]:
    return [draw(st.integers(0, line.paid_minor)) for line in order.lines]


def bounded(amounts: dict[CommissionKey, int], posted: dict[CommissionKey, int]) -> dict[CommissionKey, int]:
    """By rule, tier and earner no more than was first posted over all lines, shared out by largest remainder."""
    within = dict(amounts)
    for group in {key[1:] for key in amounts}:
        keys = sorted(key for key in amounts if key[1:] == group)
        whole, limit = sum(amounts[key] for key in keys), sum(posted[key] for key in posted if key[1:] == group)
        if whole <= limit:
            continue
        quotas = {key: Fraction(amounts[key] * limit, whole) for key in keys}
        within |= {key: quota.numerator // quota.denominator for key, quota in quotas.items()}
        missing = limit - sum(within[key] for key in keys)
        for key in sorted(keys, key=lambda key: (within[key] - quotas[key], key.line_index))[:missing]:
            within[key] += 1
    return within


@given(worlds)
def test_the_engine_agrees_with_fractions(world: tuple[Plan, Order, Snapshot]) -> None:
    plan, order, snapshot = world
    uncapped = snapshot._replace(order_cap_ppm=None)
    whole = [Fraction(1)] * len(order.lines)
    assert by_key(settle(plan, order, uncapped)) == rounded(plan, exact(plan, order, snapshot, whole))


@given(worlds, st.data())
def test_what_stands_after_a_refund_agrees_with_fractions_and_never_rises(
    world: tuple[Plan, Order, Snapshot], data: st.DataObject
) -> None:
    plan, order, snapshot = world
    uncapped = snapshot._replace(order_cap_ppm=None)
    left = [data.draw(st.integers(0, line.paid_minor)) for line in order.lines]
    posted = by_key(settle(plan, order, uncapped))
    ratio = Fraction(sum(left), order.paid_minor) if order.paid_minor else Fraction(0)
    shares = [
        Fraction(minor, line.paid_minor) if line.paid_minor else ratio
        for minor, line in zip(left, order.lines, strict=True)
    ]
    expected = bounded(rounded(plan, exact(plan, order, snapshot, shares)), posted)
    assert by_key(settle_left(plan, order, uncapped, left, posted)) == {k: v for k, v in expected.items() if v}


@given(worlds, st.data())
def test_under_a_cap_commissions_add_up_to_exactly_the_cap_or_are_as_they_were(
    world: tuple[Plan, Order, Snapshot], data: st.DataObject
) -> None:
    plan, order, snapshot = world
    cap = data.draw(st.integers(0, PPM // 3))
    before = sum(by_key(settle(plan, order, snapshot._replace(order_cap_ppm=None))).values())
    after = sum(by_key(settle(plan, order, snapshot._replace(order_cap_ppm=cap))).values())
    assert after == min(before, order.paid_minor * cap // PPM)


@given(worlds, st.data())
def test_a_full_refund_leaves_nothing_and_no_refund_leaves_everything(
    world: tuple[Plan, Order, Snapshot], data: st.DataObject
) -> None:
    plan, order, snapshot = world
    standing = settle(plan, order, snapshot)
    posted = by_key(standing)
    assert settle_left(plan, order, snapshot, [0] * len(order.lines), posted) == []
    if order.paid_minor:
        assert settle_left(plan, order, snapshot, [line.paid_minor for line in order.lines], posted) == standing


@given(worlds, st.lists(st.integers(0, 100), min_size=1, max_size=3))
def test_refunds_add_up_whatever_the_steps(world: tuple[Plan, Order, Snapshot], steps: list[int]) -> None:
    plan, order, snapshot = world
    posted = by_key(settle(plan, order, snapshot))
    balances = []
    for path in (steps, steps[::-1], [sum(steps)]):
        left = [line.paid_minor for line in order.lines]
        stands = posted
        moved = 0
        for step in path:
            left = [max(amount - step, 0) for amount in left]
            target = by_key(settle_left(plan, order, snapshot, left, posted))
            assert target == bounded(target, posted)
            moved += sum(stands.values()) - sum(target.values())
            stands = target
        balances.append((stands, moved))
    assert balances[0] == balances[1] == balances[2]


@given(worlds, st.data())
def test_the_explanation_never_tells_another_story(world: tuple[Plan, Order, Snapshot], data: st.DataObject) -> None:
    plan, order, snapshot = world
    standing = settle(plan, order, snapshot)
    left = data.draw(st.none() | st.just([line.paid_minor // 2 for line in order.lines]))
    if left is not None:
        standing = settle_left(plan, order, snapshot, left, by_key(standing))
    paid_looks = [look for look in explain(plan, order, snapshot, left) if look.amount_minor]
    assert [(look.line_id, look.rule_id, look.tier, look.shop_no, look.amount_minor) for look in paid_looks] == [
        (order.lines[c.line_index].id, plan.rules[c.rule_index].id, c.tier, c.shop_no, c.amount_minor) for c in standing
    ]
    assert [look.base_minor for look in paid_looks] == [commission.base_minor for commission in standing]
    assert all(look.reason in ("paid", "order_cap", "rule_cap") for look in paid_looks)


@given(orders(), snapshots(), st.dictionaries(st.sampled_from(RANKS), ratios, min_size=1))
def test_a_differential_chain_costs_the_highest_rate_reached(
    order: Order, snapshot: Snapshot, rates: dict[str, str]
) -> None:
    rule = {"id": "d", "pay": "chain", "differential": True, "rate": rates}
    ranks = [{"code": code} for code in RANKS]
    document = {"code": "p", "currency": "CNY", "tiers": 3, "ranks": ranks, "rules": [rule], "rounding": "down"}
    people = snapshot._replace(order_cap_ppm=None, is_self_purchase=False, max_tiers=3)
    plan = compile_plan(document)
    plain = Order("o", "CNY", order.paid_at, (OrderLine("1", "A", 1, PPM),))
    assert people.seller is not None
    seated = [people.seller, *people.uplines[:3]]
    reached = [plan.rules[0].figure(person.rank) or 0 for person in seated if person.is_active]
    assert sum(by_key(settle(plan, plain, people)).values()) == max(reached, default=0)


@given(snapshots())
def test_a_snapshot_survives_its_text(snapshot: Snapshot) -> None:
    assert Snapshot.from_json(snapshot.to_json()) == snapshot
