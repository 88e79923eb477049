"""The limit of ``bench engine``: the same multiplications, divisions and roundings, over figures laid out beforehand.

What a bare loop in Python can do at best on these plans. Plans and people are read by ``figures_of`` alone, before
the clock starts; in the loops there are integers in tuples and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from distrib.domain.events import Order
from distrib.domain.money import PPM
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.commission import walk
from distrib.domain.settlement.snapshot import Snapshot

Line: TypeAlias = tuple[int, int, dict[tuple[int, int], int]]
"""base, quantity, and the rate of each (rule index, tier) that is paid; 0 where there is none."""
Figures: TypeAlias = tuple[int, list[Any]]
"""The order's cap, and what its lines are computed from."""

HALF, UNIT = PPM // 2, PPM**2
HALF_UNIT = UNIT // 2
PIECE, UP_2, LOW, HIGH, EDGE = 50, 100_000, 10_000, 20_000, 50_000 * UNIT


def figures_of(plan: Plan, order: Order, snapshot: Snapshot) -> Figures:
    """An order as figures: for plans of rates (base, rate) a payee, for mixed plans eleven figures a line."""
    cap = (snapshot.order_cap_ppm or 0) * order.paid_minor // PPM
    is_flat = all(plan.book.choose(order.channel, line.category, line.sku).is_flat for line in order.lines)
    paid = walk(plan, order, snapshot)
    if is_flat:
        return cap, [(commission.base_minor, commission.rate_ppm) for commission in paid]
    payees = {
        (commission.line_index, commission.rule_index, commission.tier): commission.rate_ppm or 1 for commission in paid
    }
    return cap, [_mixed_line(line.paid_minor, line.quantity, index, payees) for index, line in enumerate(order.lines)]


def _mixed_line(base: int, quantity: int, index: int, payees: dict[tuple[int, int, int], int]) -> tuple[int, ...]:
    def rate(rule: int, tier: int) -> int:
        return payees.get((index, rule, tier), 0)

    has_piece, has_up_2, has_up_3 = rate(1, 0) > 0, rate(3, 2) > 0, rate(4, 3) > 0
    career = [rate(5, tier) for tier in range(4)]
    return (base, quantity * has_piece, rate(0, 0), rate(2, 1), has_up_2, has_up_3, *career)


def rates_only(orders: Sequence[Figures]) -> int:
    """What rates of the base come to: one multiplication, one rounding a payee, one look at the cap an order."""
    total = 0
    for cap, payees in orders:
        paid = 0
        for base, rate in payees:
            paid += (base * rate + HALF) // PPM
        total += min(paid, cap)
    return total


def mixed(orders: Sequence[Figures]) -> int:
    """What the mixed plan comes to, in units of 1 / PPM**2, each amount rounded once."""
    total = 0
    for cap, lines in orders:
        paid = 0
        for base, pieces, seller, up_1, up_2, up_3, career_0, career_1, career_2, career_3 in lines:
            basis = base * UNIT
            exact = basis * seller // PPM
            piece = PIECE * pieces * UNIT
            own = basis * career_0 // PPM
            first = max(basis - exact - piece - own, 0) * up_1 // PPM
            second = first * UP_2 // PPM if up_2 else 0
            third = 0
            if up_3:
                third = min(basis, EDGE) * LOW // PPM + max(basis - EDGE, 0) * HIGH // PPM
            paid += (exact + HALF_UNIT) // UNIT + (piece + HALF_UNIT) // UNIT + (own + HALF_UNIT) // UNIT
            paid += (first + HALF_UNIT) // UNIT + (second + HALF_UNIT) // UNIT + (third + HALF_UNIT) // UNIT
            for rate in (career_1, career_2, career_3):
                if rate:
                    paid += (basis * rate // PPM + HALF_UNIT) // UNIT
        total += min(paid, cap)
    return total
