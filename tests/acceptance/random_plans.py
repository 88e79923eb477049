"""Plans by lot: valid ones, with every key that is built, for the random programs. Nothing of ``distrib`` may enter."""

from __future__ import annotations

from random import Random
from typing import Any

Document = dict[str, Any]

RATES = ("0", "0.01", "0.029", "0.05", "0.1", "0.125", "0.2", "0.333333", "0.5", "1")
RANKS = ("member", "owner", "经理")
CHANNELS = ("retail", "group_buy", "community")
CATEGORIES = ("beauty", "茶", "food")
SKUS = ("A-1", "A-2", "B 9", "店,“3”")
PAYS = ("seller", "upline", "upline", "chain", "leader", "opener")
METRICS = ("personal_sales_minor", "personal_orders", "direct_recruits", "team_sales_minor")


def draw_plan(random: Random, code: str, has_promotions: bool) -> Document:
    """A plan with some of everything."""
    plan: Document = {"code": code, "currency": "CNY", "tiers": random.randint(0, 3)}
    choices = {
        "base": ("paid", "paid", "list", "margin"),
        "rounding": ("half_up", "half_even", "down"),
        "inactive_upline": ("keep", "compress"),
        "self_purchase": ("earn", "skip", "shift"),
        "hold_days": (0, 7, 45, 180),
        "order_cap": ("0", "0.05", "0.1", "0.25", "0.3"),
    }
    for key, known in choices.items():
        if random.random() < (0.4 if key == "order_cap" else 0.7):
            plan[key] = random.choice(known)
    plan["ranks"] = [{"code": rank} for rank in RANKS]
    if has_promotions:
        for rank in plan["ranks"][1:]:
            rank["promote"] = _condition(random, 0)
    plan["rules"] = _rules(random, plan["tiers"])
    return plan


def draw_limits(random: Random, plan: Document, is_in_order: bool) -> None:
    """Adds conditions and caps to some rules, and now and then a pool.

    Args:
        is_in_order: whether the events will be worked on one by one, so that sales and caps over orders can be told.
    """
    for rule in plan["rules"]:
        if random.random() < 0.25:
            rule["requires"] = {"min_rank": random.choice(RANKS)}
            if is_in_order and random.random() < 0.7:
                rule["requires"] |= {"min_personal_sales_minor": random.choice((0, 1, 3_000, 25_000))}
                if random.random() < 0.5:
                    rule["requires"]["window_days"] = random.choice((1, 10, 40))
                if random.random() < 0.6:
                    del rule["requires"]["min_rank"]
        bounds = ("per_order_minor", "per_month_minor", "per_customer_minor") if is_in_order else ("per_order_minor",)
        if random.random() < 0.35:
            named = random.sample(bounds, random.randint(1, len(bounds)))
            rule["cap"] = {bound: random.choice((0, 1, 150, 1_000, 7_000)) for bound in named}
    if random.random() < 0.3:
        ranks = random.sample(RANKS, random.randint(1, len(RANKS)))
        weights = {rank: random.randint(1, 3) for rank in ranks}
        plan["pools"] = [{"id": "pool", "rate": random.choice(RATES), "weights": weights}]


def _condition(random: Random, depth: int) -> Document:
    if depth < 2 and random.random() < 0.35:
        parts = [_condition(random, depth + 1) for _ in range(random.randint(1, 3))]
        return {random.choice(("all", "any")): parts}
    metric = random.choice(METRICS)
    leaf: Document = {"metric": metric, "at_least": random.randint(1, 3)}
    if metric.endswith("_minor"):
        leaf["at_least"] = random.choice((1, 5_000, 20_000, 60_000, 150_000))
    if metric == "team_sales_minor":
        leaf["levels"] = random.randint(1, 3)
    if random.random() < 0.7:
        leaf["window"] = random.choice(("1d", "7d", "30d", "month", "ever"))
    return leaf


def _rules(random: Random, tiers: int) -> list[Document]:
    """Rules whose ``of`` names only what is worked on before them."""
    rules: list[Document] = []
    places: list[int] = []
    for index in range(random.randint(2, 7)):
        rule: Document = {"id": f"r{index}", "pay": random.choice(PAYS)}
        if rule["pay"] == "upline":
            rule["tier"] = random.randint(1, 3)
        places.append(4 if rule["pay"] in ("leader", "opener") else rule.get("tier", 0))
        if rule["pay"] == "chain":
            rule |= {"differential": True, "rate": _by_rank(random, RATES)}
        else:
            _draw_figure(random, rule)
            _draw_of(
                random, rule, [known["id"] for known, place in zip(rules, places, strict=False) if place <= places[-1]]
            )
        if random.random() < 0.4:
            rule["where"] = _where(random)
        if random.random() < 0.3:
            rule["group"] = random.choice(("extra", "seller", "upline-1", "加奖"))
        rules.append(rule)
    return rules


def _draw_figure(random: Random, rule: Document) -> None:
    lot = random.random()
    if lot < 0.25:
        higher = random.sample((1, 1_000, 3_000, 10_000, 60_000), random.randint(0, 3))
        starts = sorted({random.choice((0, 0, 0, 500)), *higher})
        rule["slabs"] = [{"from_minor": start, "rate": random.choice(RATES)} for start in starts]
        if random.random() < 0.7:
            rule["slab_mode"] = random.choice(("whole", "marginal"))
    elif lot < 0.45:
        amounts = (0, 1, 88, 500)
        rule["amount_minor"] = random.choice(amounts) if random.random() < 0.6 else _by_rank(random, amounts)
    else:
        rule["rate"] = random.choice(RATES) if random.random() < 0.5 else _by_rank(random, RATES)


def _draw_of(random: Random, rule: Document, before: list[str]) -> None:
    if "amount_minor" in rule or random.random() < 0.5:
        return
    rule["of"] = random.choice(("base", "remaining", *({"rule": known} for known in before)))


def _by_rank(random: Random, figures: tuple[Any, ...]) -> Document:
    ranks = random.sample(RANKS, random.randint(1, len(RANKS)))
    if random.random() < 0.4:
        ranks.append("default")
    return {rank: random.choice(figures) for rank in ranks}


def _where(random: Random) -> Document:
    where = _draw_values(random)
    if random.random() < 0.4:
        where["not"] = _draw_values(random)
    return where


def _draw_values(random: Random) -> Document:
    known = {"channel": CHANNELS, "category": CATEGORIES, "sku": SKUS}
    keys = random.sample(sorted(known), random.randint(1, 2))
    return {key: random.sample(known[key], random.randint(1, 2)) for key in keys}
