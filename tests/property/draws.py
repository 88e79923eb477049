"""Plans, orders and people by lot, for the properties of the engine. No claim may enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from distrib.domain.events import Order, OrderLine
from distrib.domain.money import PPM, show_ratio
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.commission import Person, Snapshot
from distrib.domain.settlement.snapshot import EarlierOrders

RANKS = ("member", "gold", "top")
SKUS = ("A", "B", "C")
MAX_TIERS = 3
MAX_RULES = 6
PAID_AT = datetime(2026, 3, 1, tzinfo=UTC)

ratios = st.integers(0, PPM).map(show_ratio)
small_ratios = st.integers(0, PPM // 4).map(show_ratio)
by_rank = st.dictionaries(st.sampled_from((*RANKS, "default")), small_ratios, min_size=1)
customers = st.sampled_from(("new", "returning")) | st.fixed_dictionaries(
    {"is": st.sampled_from(("new", "returning"))},
    optional={"within_orders": st.integers(1, 3), "within_days": st.integers(1, 3)},
)
wheres = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "sku": st.lists(st.sampled_from(SKUS), min_size=1),
        "customer": customers,
        "not": st.just({"sku": ["C"]}) | st.builds(lambda asked: {"customer": asked}, customers),
    },
)


limits = st.fixed_dictionaries(
    {},
    optional={
        "requires": st.sampled_from(({"min_rank": "gold"}, {"min_rank": "top"}, {"min_personal_sales_minor": 1})),
        "cap": st.builds(lambda most: {"per_order_minor": most}, st.integers(0, 20_000)),
    },
)
"""What a rule asks of its earner; a shop's ``unmet`` says whether its sales are enough."""


@st.composite
def figures(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(("rate", "by_rank", "amount", "slabs")))
    if kind == "rate":
        return {"rate": draw(small_ratios)}
    if kind == "by_rank":
        return {"rate": draw(by_rank)}
    if kind == "amount":
        return {"amount_minor": draw(st.integers(0, 5_000)), "per": draw(st.sampled_from(("unit", "order")))}
    starts = draw(st.lists(st.integers(0, 100_000), min_size=1, max_size=4, unique=True).map(sorted))
    slabs = [{"from_minor": start, "rate": draw(small_ratios)} for start in starts]
    return {"slabs": slabs, "slab_mode": draw(st.sampled_from(("whole", "marginal")))}


@st.composite
def rules_of(draw: st.DrawFn, index: int, earlier: Sequence[tuple[int, str]]) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": f"r{index}",
        "pay": draw(st.sampled_from(("seller", "upline", "chain", "leader", "opener"))),
    }
    rule |= draw(limits)
    rule["where"] = draw(wheres)
    if draw(st.booleans()):
        rule["group"] = draw(st.sampled_from(("x", "y")))
    if rule["pay"] == "chain":
        return {**rule, "differential": True, "rate": draw(by_rank)}
    if rule["pay"] == "upline":
        rule["tier"] = draw(st.integers(1, MAX_TIERS))
    rule |= draw(figures())
    if "amount_minor" not in rule:
        place = {"seller": 0, "upline": rule.get("tier", 0)}.get(rule["pay"], 4)
        named = [name for tier, name in earlier if (tier, name) < (place, rule["id"])]
        choices: list[Any] = ["base", "remaining", *({"rule": name} for name in named)]
        rule["of"] = draw(st.sampled_from(choices))
    return rule


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    rules: list[dict[str, Any]] = []
    places: list[tuple[int, str]] = []
    for index in range(draw(st.integers(1, MAX_RULES))):
        rule = draw(rules_of(index, places))
        rules.append(rule)
        places.append(({"seller": 0, "chain": 0, "upline": rule.get("tier", 0)}.get(rule["pay"], 4), rule["id"]))
    return compile_plan(
        {
            "code": "p",
            "currency": "CNY",
            "tiers": MAX_TIERS,
            "ranks": [{"code": code} for code in RANKS],
            "base": draw(st.sampled_from(("paid", "list", "margin"))),
            "rounding": draw(st.sampled_from(("half_up", "half_even", "down"))),
            "round_per": draw(st.sampled_from(("line", "order"))),
            "inactive_upline": draw(st.sampled_from(("keep", "compress"))),
            "self_purchase": draw(st.sampled_from(("earn", "skip", "shift"))),
            "rules": rules,
        }
    )


@st.composite
def orders(draw: st.DrawFn) -> Order:
    lines = [
        OrderLine(
            str(index),
            draw(st.sampled_from(SKUS)),
            draw(st.integers(1, 3)),
            draw(st.just(0) | st.integers(0, 200_000)),
            draw(st.none() | st.integers(0, 200_000)),
            draw(st.integers(0, 100_000)),
            entry=draw(st.integers(0, 4)) == 0,
        )
        for index in range(draw(st.integers(1, 4)))
    ]
    return Order("o", "CNY", PAID_AT, tuple(lines))


@st.composite
def earlier_orders(draw: st.DrawFn) -> EarlierOrders | None:
    """What a customer had bought by the day of the order: the bounds of the conditions lie among it."""
    count = draw(st.none() | st.integers(0, 4))
    if not count:
        return None if count is None else EarlierOrders(0)
    days = draw(st.integers(0, 3))
    return EarlierOrders(count, PAID_AT - timedelta(days=days, microseconds=draw(st.integers(-1, 1)) * (days > 0)))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    unmet = st.just(()) | st.sets(st.integers(0, MAX_RULES - 1), max_size=3).map(lambda rules: tuple(sorted(rules)))
    people = [Person(no, draw(st.sampled_from(RANKS)), draw(st.integers(0, 3)) > 0, draw(unmet)) for no in range(12)]
    return Snapshot(
        people[0],
        tuple(people[1 : draw(st.integers(1, 10))]),
        draw(st.booleans()),
        draw(st.sampled_from((None, people[10]))),
        draw(st.sampled_from((None, people[11]))),
        draw(st.none() | st.integers(0, PPM)),
        entry_pays_seller=draw(st.booleans()),
        self_purchase_pays_uplines=draw(st.booleans()),
        max_tiers=draw(st.integers(0, 3)),
        earlier_orders=draw(earlier_orders()),
    )


worlds = st.tuples(plans(), orders(), snapshots())
