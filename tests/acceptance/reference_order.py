"""The arithmetic of plan.md on one order, read on its own: rules, figures, rounding and cap, in fractions.

Part of ``reference``; people, plans and events over time must not enter, nor anything of ``distrib``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

Document = dict[str, Any]


class Person(NamedTuple):
    """A shop as it stood when an order was paid."""

    shop: str
    rank: str
    is_active: bool


class Seats(NamedTuple):
    """The people of an order: those at tier 0, 1, 2, 3, and those beside the chain."""

    seller: Person | None
    tiers: Sequence[Person | None]
    leader: Person | None
    opener: Person | None
    is_own: bool
    is_shifted: bool


class Key(NamedTuple):
    """What identifies a commission within its order; line and rule by their place."""

    line: int
    rule: int
    tier: int
    shop: str


class Limits(NamedTuple):
    """What bounded an order when it was first worked on, and ever after.

    ``unmet``: (place of the rule, shop) that lacked the sales it requires. ``rooms``: what month and customer caps
    left, the lesser of both, by place of the rule and shop.
    """

    unmet: frozenset[tuple[int, str]] = frozenset()
    rooms: Mapping[tuple[int, str], int] = {}


NO_LIMITS = Limits()


class Paid(NamedTuple):
    """What one rule comes to for one earner on one line: of what, at which rate, rounded once."""

    base: Fraction
    rate: Fraction | None
    amount: int


def compute(
    plan: Document, order: Document, seats: Seats, left: Sequence[int], limits: Limits = NO_LIMITS
) -> dict[Key, Paid]:
    """The commissions on what is left of each line, before any cap."""
    payments: dict[Key, Paid] = {}
    if seats.seller is None:
        return payments
    paid = sum(line["paid_minor"] for line in order["lines"])
    whole = Fraction(sum(left), paid) if paid else Fraction(order.get("is_untouched", True))
    for index, line in enumerate(order["lines"]):
        share = Fraction(left[index], line["paid_minor"]) if line["paid_minor"] else whole
        _compute_line(plan, order, seats, index, share, limits, payments)
    return payments


def _compute_line(
    plan: Document,
    order: Document,
    seats: Seats,
    index: int,
    share: Fraction,
    limits: Limits,
    payments: dict[Key, Paid],
) -> None:
    line = order["lines"][index]
    base, pieces = base_of(plan, line) * share, line["quantity"] * share
    by_rule: defaultdict[str, Fraction] = defaultdict(Fraction)
    by_tier: defaultdict[int, Fraction] = defaultdict(Fraction)
    reached: dict[str, Fraction] = {}
    for tier, place in _steps(plan, order["channel"], line):
        rule = plan["rules"][place]
        person, earns = _earner(plan, rule, tier, seats, bool(line.get("entry")))
        if person is None:
            continue
        earns = earns and _has_rank(plan, rule, person) and (place, person.shop) not in limits.unmet
        of = rule.get("of", "base")
        basis = Fraction(base)
        if of == "remaining":
            basis = max(base - sum(by_tier[below] for below in range(tier)), Fraction(0))
        elif of != "base":
            basis = by_rule[of["rule"]]
        rate, exact = _figure(rule, person, basis, pieces, earns, reached)
        if not earns or exact is None:
            continue
        by_rule[rule["id"]] += exact
        by_tier[tier] += exact
        amount = rounded(exact, plan.get("rounding", "half_up"))
        payments[Key(index, place, tier, person.shop)] = Paid(basis, rate, amount)


def _steps(plan: Document, channel: str, line: Document) -> list[tuple[int, int]]:
    """(tier, place of the rule): tier by tier, within a tier as the document goes, leader and opener last."""
    chosen: dict[str, int] = {}
    for place, rule in enumerate(plan["rules"]):
        slot = f"upline-{rule['tier']}" if rule["pay"] == "upline" else rule["pay"]
        if matches(rule.get("where", {}), channel, line):
            chosen.setdefault(rule.get("group", slot), place)
    steps = []
    for place in chosen.values():
        rule = plan["rules"][place]
        is_last = rule["pay"] in ("leader", "opener")
        steps += [(is_last, tier, place) for tier in _tiers_of(rule, plan.get("tiers", 1))]
    return [(tier, place) for _, tier, place in sorted(steps)]


def _tiers_of(rule: Document, tiers: int) -> Iterator[int]:
    if rule["pay"] == "chain":
        yield from range(tiers + 1)
    elif rule["pay"] != "upline":
        yield 0
    elif rule["tier"] <= tiers:
        yield rule["tier"]


def matches(where: Document, channel: str, line: Document) -> bool:
    """All named keys must match; ``not`` leaves out a line that matches any of its keys."""
    has = {"channel": channel, "category": line.get("category"), "sku": line["sku"]}
    if any(has[key] in values for key, values in where.get("not", {}).items()):
        return False
    return all(has[key] in values for key, values in where.items() if key != "not")


def _earner(plan: Document, rule: Document, tier: int, seats: Seats, is_entry: bool) -> tuple[Person | None, bool]:
    """Who the rule looks at, and whether anything can be earned; somebody not there for a rate is None."""
    if rule["pay"] in ("leader", "opener"):
        person = seats.leader if rule["pay"] == "leader" else seats.opener
        return (person, True) if person is not None and person.is_active and not is_entry else (None, False)
    person = seats.tiers[tier] if tier < len(seats.tiers) else None
    if person is None or not person.is_active:
        return None, False
    if is_entry and (tier > 0 or seats.is_shifted):
        return None, False
    is_skipped = seats.is_own and tier == 0 and plan.get("self_purchase") == "skip"
    return person, not is_skipped


def _has_rank(plan: Document, rule: Document, person: Person) -> bool:
    needed = rule.get("requires", {}).get("min_rank")
    codes = [rank["code"] for rank in plan.get("ranks", [{"code": "member"}])]
    return needed is None or codes.index(person.rank) >= codes.index(needed)


def _figure(
    rule: Document, person: Person, basis: Fraction, pieces: Fraction, earns: bool, reached: dict[str, Fraction]
) -> tuple[Fraction | None, Fraction | None]:
    """The rate, where there is one, and the exact amount; None for who earns nothing by this rule."""
    if "slabs" in rule:
        return _by_slabs(rule, basis)
    key = "rate" if "rate" in rule else "amount_minor"
    given = rule[key]
    if isinstance(given, dict):
        given = given.get(person.rank, given.get("default"))
    if given is None:
        return None, None
    if key == "amount_minor":
        return None, given * pieces
    rate = Fraction(given)
    if rule.get("differential"):
        below = reached.get(rule["id"], Fraction(0))
        reached[rule["id"]] = max(below, rate)
        if not earns or rate <= below:
            return None, None
        rate -= below
    return rate, rate * basis


def _by_slabs(rule: Document, basis: Fraction) -> tuple[Fraction | None, Fraction]:
    slabs = [(slab["from_minor"], Fraction(slab["rate"])) for slab in rule["slabs"]]
    if rule.get("slab_mode", "whole") == "whole":
        rate = [Fraction(0), *(rate for start, rate in slabs if start <= basis)][-1]
        return rate, rate * basis
    ends = [start for start, _ in slabs[1:]] + [None]
    total = Fraction(0)
    for (start, rate), end in zip(slabs, ends, strict=True):
        top = basis if end is None else min(basis, Fraction(end))
        total += max(top - start, Fraction(0)) * rate
    return None, total


def base_of(plan: Document, line: Document) -> int:
    """What the rates of a line apply to; raises KeyError where a margin has no cost."""
    paid: int = line["paid_minor"]
    if plan.get("base") == "list":
        listed: int = line.get("list_minor", paid)
        return listed
    if plan.get("base") == "margin":
        return max(paid - int(line["cost_minor"]), 0)
    return paid


def rounded(exact: Fraction, how: str) -> int:
    """Once, to the minor unit."""
    low = floor(exact)
    over = exact - low
    if how == "down" or over < Fraction(1, 2):
        return low
    if over == Fraction(1, 2) and how == "half_even":
        return low + low % 2
    return low + 1


def capped(plan: Document, payments: Mapping[Key, Paid], paid: int, limits: Limits = NO_LIMITS) -> dict[Key, int]:
    """After all caps: those of rules on one order, ``order_cap``, and the rooms that months and customers left."""
    per_order = {
        (key.rule, key.shop): cap["per_order_minor"]
        for key in payments
        if (cap := plan["rules"][key.rule].get("cap", {})).get("per_order_minor") is not None
    }
    amounts = filled({key: payment.amount for key, payment in payments.items()}, per_order)
    return filled(_scaled(plan, amounts, paid), limits.rooms)


def filled(amounts: Mapping[Key, int], rooms: Mapping[tuple[int, str], int]) -> dict[Key, int]:
    """The amounts one after the other, as far as there is room for their rule and earner; none of 0."""
    left, taken = dict(rooms), {}
    for key, amount in amounts.items():
        bound = left.get((key.rule, key.shop), amount)
        taken[key] = min(amount, bound)
        if (key.rule, key.shop) in left:
            left[key.rule, key.shop] -= taken[key]
    return {key: amount for key, amount in taken.items() if amount}


def _scaled(plan: Document, amounts: dict[Key, int], paid: int) -> dict[Key, int]:
    """``order_cap``: all scaled down pro rata by largest remainder; ties: nearer tier, rule order, line order."""
    total = sum(amounts.values())
    limit = total if plan.get("order_cap") is None else floor(Fraction(plan["order_cap"]) * paid)
    if total > limit:
        exact = {key: Fraction(amount * limit, total) for key, amount in amounts.items()}
        amounts = {key: floor(share) for key, share in exact.items()}
        order = sorted(exact, key=lambda key: (amounts[key] - exact[key], key.tier, key.rule, key.line))
        for key in order[: limit - sum(amounts.values())]:
            amounts[key] += 1
    return {key: amount for key, amount in amounts.items() if amount}
