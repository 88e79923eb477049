"""What plan.md says of rounding, sharing and caps on one order, read on its own, and the values it is told in.

Part of ``reference``; rules, plans and events over time must not enter, nor anything of ``distrib``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple, TypeVar

Document = dict[str, Any]
K = TypeVar("K")
V = TypeVar("V")


class Person(NamedTuple):
    """A shop as it stood when an order was paid."""

    shop: str
    rank: str
    is_active: bool


class Buyer(NamedTuple):
    """What is known of a customer when an order is first worked on: earlier settled orders, time since the first."""

    earlier: int
    since_first: timedelta | None


class Seats(NamedTuple):
    """The people of an order: those at tier 0, 1, 2, 3, those beside the chain, and who buys."""

    seller: Person | None
    tiers: Sequence[Person | None]
    leader: Person | None
    opener: Person | None
    is_own: bool
    is_shifted: bool
    buyer: Buyer | None = None


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


def rounded(exact: Fraction, how: str) -> int:
    """Once, to the minor unit."""
    low = floor(exact)
    over = exact - low
    if how == "down" or over < Fraction(1, 2):
        return low
    if over == Fraction(1, 2) and how == "half_even":
        return low + low % 2
    return low + 1


def shared_out(total: int, weights: Mapping[K, Fraction], tie: Callable[[K], Any]) -> dict[K, int]:
    """A total by weight and largest remainder; of equal remainders the smaller ``tie`` first."""
    points = sum(weights.values())
    exact = {key: total * weight / points if points else Fraction() for key, weight in weights.items()}
    shares = {key: floor(share) for key, share in exact.items()}
    for key in sorted(exact, key=lambda key: (shares[key] - exact[key], tie(key)))[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def by_earner(amounts: Mapping[Key, V]) -> dict[tuple[int, int, str], dict[Key, V]]:
    """The amounts of each rule, tier and earner."""
    groups: defaultdict[tuple[int, int, str], dict[Key, V]] = defaultdict(dict)
    for key, amount in amounts.items():
        groups[key.rule, key.tier, key.shop][key] = amount
    return dict(groups)


def rounded_per(plan: Document, exact: Mapping[Key, Fraction]) -> dict[Key, int]:
    """Each commission rounded; with ``round_per: order`` each rule, tier and earner, shared over its lines."""
    how = plan.get("rounding", "half_up")
    amounts = {key: rounded(figure, how) for key, figure in exact.items()}
    if plan.get("round_per") == "order":
        for figures in by_earner(exact).values():
            amounts |= shared_out(rounded(sum(figures.values(), Fraction()), how), figures, lambda key: key.line)
    return amounts


def bounded(amounts: Mapping[Key, int], first: Mapping[Key, int]) -> dict[Key, int]:
    """After a refund: each rule, tier and earner gets over the order at most what was first posted."""
    posted = {earner: sum(of.values()) for earner, of in by_earner(first).items()}
    kept: dict[Key, int] = {}
    for earner, of in by_earner(amounts).items():
        most = posted.get(earner, 0)
        if sum(of.values()) > most:
            kept |= shared_out(most, {key: Fraction(amount) for key, amount in of.items()}, lambda key: key.line)
        else:
            kept |= of
    return {key: amount for key, amount in kept.items() if amount}


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
        weights = {key: Fraction(amount) for key, amount in amounts.items()}
        amounts = shared_out(limit, weights, lambda key: (key.tier, key.rule, key.line))
    return {key: amount for key, amount in amounts.items() if amount}
