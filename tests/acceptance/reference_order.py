"""The arithmetic of plan.md on one order, read on its own: which rules pay whom how much, in fractions.

Part of ``reference``; people, plans and events over time must not enter, nor anything of ``distrib``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from tests.acceptance.reference_figures import NO_LIMITS, Buyer, Document, Key, Limits, Paid, Person, Seats, rounded_per


class Look(NamedTuple):
    """What one rule comes to for one earner on one line, before rounding."""

    base: Fraction
    rate: Fraction | None
    exact: Fraction


def compute(
    plan: Document, order: Document, seats: Seats, left: Sequence[int], limits: Limits = NO_LIMITS
) -> dict[Key, Paid]:
    """The commissions on what is left of each line, before any cap."""
    if seats.seller is None:
        return {}
    paid = sum(line["paid_minor"] for line in order["lines"])
    whole = Fraction(sum(left), paid) if paid else Fraction(order.get("is_untouched", True))
    shares = [
        Fraction(left[index], line["paid_minor"]) if line["paid_minor"] else whole
        for index, line in enumerate(order["lines"])
    ]
    fixed = _fixed_per_order(plan, order, seats, shares)
    looks: dict[Key, Look] = {}
    for index, share in enumerate(shares):
        _compute_line(plan, order, seats, index, share, limits, fixed, looks)
    amounts = rounded_per(plan, {key: look.exact for key, look in looks.items()})
    return {key: Paid(look.base, look.rate, amounts[key]) for key, look in looks.items()}


def _fixed_per_order(
    plan: Document, order: Document, seats: Seats, shares: Sequence[Fraction]
) -> dict[int, tuple[int, bool]]:
    """By place of a rule with ``per: order``: the first line it chooses, and whether anything of its lines is left.

    A line that pays nobody by the rule (an entry line, for all but the seller) is none of its lines.
    """
    fixed: dict[int, tuple[int, bool]] = {}
    for index, line in enumerate(order["lines"]):
        for tier, place in _steps(plan, order, seats, line):
            if plan["rules"][place].get("per") == "order" and not _is_barred(plan["rules"][place], tier, seats, line):
                first, stands = fixed.get(place, (index, False))
                fixed[place] = (first, stands or shares[index] > 0)
    return fixed


def _compute_line(
    plan: Document,
    order: Document,
    seats: Seats,
    index: int,
    share: Fraction,
    limits: Limits,
    fixed: dict[int, tuple[int, bool]],
    looks: dict[Key, Look],
) -> None:
    line = order["lines"][index]
    base = base_of(plan, line) * share
    by_rule: defaultdict[str, Fraction] = defaultdict(Fraction)
    by_tier: defaultdict[int, Fraction] = defaultdict(Fraction)
    reached: dict[str, Fraction] = {}
    for tier, place in _steps(plan, order, seats, line):
        rule = plan["rules"][place]
        person, earns = _earner(plan, rule, tier, seats, line)
        if person is None:
            continue
        pieces = line["quantity"] * share
        if rule.get("per") == "order":
            first, stands = fixed[place]
            if index != first:
                continue
            pieces = Fraction(stands)
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
        looks[Key(index, place, tier, person.shop)] = Look(basis, rate, exact)


def _steps(plan: Document, order: Document, seats: Seats, line: Document) -> list[tuple[int, int]]:
    """(tier, place of the rule): tier by tier, within a tier as the document goes, leader and opener last."""
    chosen: dict[str, int] = {}
    for place, rule in enumerate(plan["rules"]):
        slot = f"upline-{rule['tier']}" if rule["pay"] == "upline" else rule["pay"]
        if matches(rule.get("where", {}), order["channel"], line, seats.buyer):
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


def matches(where: Document, channel: str, line: Document, buyer: Buyer | None) -> bool:
    """All named keys must match; ``not`` leaves out a line that matches any of its keys."""

    def has(key: str, values: Any) -> bool:
        if key == "customer":
            return is_such(values, buyer)
        return {"channel": channel, "category": line.get("category"), "sku": line["sku"]}[key] in values

    if any(has(key, values) for key, values in where.get("not", {}).items()):
        return False
    return all(has(key, values) for key, values in where.items() if key != "not")


def is_such(condition: Any, buyer: Buyer | None) -> bool:
    """Whether who buys is new, or is not and known; an order without a customer is neither."""
    if buyer is None:
        return False
    wanted = condition if isinstance(condition, dict) else {"is": condition}
    fewer = wanted.get("within_orders", buyer.earlier + 1 if "within_days" in wanted else 1)
    is_new: bool = buyer.earlier < fewer
    if "within_days" in wanted and buyer.since_first is not None:
        is_new = is_new and buyer.since_first < timedelta(hours=24 * wanted["within_days"])
    return is_new is (wanted["is"] == "new")


def _is_barred(rule: Document, tier: int, seats: Seats, line: Document) -> bool:
    """Entry lines pay nobody but the order's own selling shop."""
    return bool(line.get("entry")) and (rule["pay"] in ("leader", "opener") or tier > 0 or seats.is_shifted)


def _earner(plan: Document, rule: Document, tier: int, seats: Seats, line: Document) -> tuple[Person | None, bool]:
    """Who the rule looks at, and whether anything can be earned; somebody not there for a rate is None."""
    beside = {"leader": seats.leader, "opener": seats.opener}
    on_chain = seats.tiers[tier] if tier < len(seats.tiers) else None
    person = beside.get(rule["pay"], on_chain)
    if person is None or not person.is_active or _is_barred(rule, tier, seats, line):
        return None, False
    is_skipped = rule["pay"] not in beside and seats.is_own and tier == 0 and plan.get("self_purchase") == "skip"
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
