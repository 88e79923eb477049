"""What plan.md says of requires, caps over orders, and pools, read on its own. Nothing of ``distrib`` may enter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import floor

from tests.acceptance.reference_figures import Document, Key, Seats


def unmet(plan: Document, seats: Seats, sold: Callable[[str, int | None], int]) -> frozenset[tuple[int, str]]:
    """(place of the rule, shop): who of an order lacks the sales that which rule requires.

    Args:
        sold: a shop's personal sales of the last so many days; None: ever.
    """
    people = {person.shop for person in (*seats.tiers, seats.leader, seats.opener) if person is not None}
    rules = set()
    for place, rule in enumerate(plan["rules"]):
        requires = rule.get("requires", {})
        needed = requires.get("min_personal_sales_minor")
        for shop in people if needed is not None else ():
            if sold(shop, requires.get("window_days")) < needed:
                rules.add((place, shop))
    return frozenset(rules)


def rooms_for(
    plan: Document, keys: Iterable[Key], counted_by: Sequence[str], counted: Mapping[tuple[str, str, str], int]
) -> dict[tuple[int, str], int] | None:
    """What month and customer caps leave for those whom an order pays; None where it would have to name a customer.

    Args:
        counted_by: the month, and the customer where there is one.
        counted: what was earned so far by rule id, shop, and month or customer.
    """
    month, *customer = counted_by
    rooms: dict[tuple[int, str], int] = {}
    for key in keys:
        rule = plan["rules"][key.rule]
        for cap, of in (("per_month_minor", [month]), ("per_customer_minor", customer)):
            if rule.get("cap", {}).get(cap) is None:
                continue
            if not of:
                return None
            left = max(rule["cap"][cap] - counted[rule["id"], key.shop, of[0]], 0)
            rooms[key.rule, key.shop] = min(rooms.get((key.rule, key.shop), left), left)
    return rooms


def shared(pool: Document, base: int, holders: Mapping[str, str]) -> dict[str, int]:
    """A pool among the shops that hold its ranks, by weight and largest remainder; ties: the smaller shop id."""
    weights = {shop: pool["weights"].get(rank, 0) for shop, rank in holders.items()}
    total = floor(Fraction(pool["rate"]) * max(base, 0))
    points = sum(weights.values())
    if not points:
        return {}
    exact = {shop: Fraction(total * weight, points) for shop, weight in weights.items() if weight}
    shares = {shop: floor(share) for shop, share in exact.items()}
    for shop in sorted(exact, key=lambda shop: (shares[shop] - exact[shop], shop))[: total - sum(shares.values())]:
        shares[shop] += 1
    return shares
