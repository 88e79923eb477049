"""What a shop has of a condition and what it takes, part by part, with ``all`` and ``any`` as the plan nests them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from distrib.domain.plans.conditions import AllOf, AtLeast, Condition, Metric

FIGURE, ALL, ANY = "figure", "all", "any"
KINDS: Final = (FIGURE, ALL, ANY)
MINOR, ORDERS, CUSTOMERS, SHOPS = "minor", "orders", "customers", "shops"
UNITS: Final = {
    "personal_sales_minor": MINOR,
    "team_sales_minor": MINOR,
    "earned_minor": MINOR,
    "personal_orders": ORDERS,
    "customers": CUSTOMERS,
    "direct_recruits": SHOPS,
    "active_recruits": SHOPS,
}
"""What each metric counts."""


@dataclass(frozen=True, slots=True)
class RankProgress:
    """A condition beside what a shop has of it.

    Args:
        kind: ``figure`` is one threshold; ``all`` and ``any`` have parts.
        is_met: None where that hangs on a figure that is not known.
        have: None where the figure is not known.
    """

    kind: str
    is_met: bool | None
    metric: Metric | None = None
    have: int | None = None
    need: int | None = None
    parts: tuple[RankProgress, ...] = ()


def progress_of(condition: Condition, figures: Mapping[Metric, int | None]) -> RankProgress:
    """Holds a condition against a shop's figures; one that is None is not known.

    >>> orders, sales = Metric("personal_orders", 0, "ever"), Metric("personal_sales_minor", 0, "month")
    >>> progress_of(AllOf((AtLeast(orders, 3), AtLeast(sales, 900))), {orders: 5, sales: 899}).is_met
    False
    >>> progress_of(AllOf((AtLeast(orders, 3), AtLeast(sales, 900))), {orders: 5, sales: None}).is_met is None
    True
    """
    if isinstance(condition, AtLeast):
        have = figures.get(condition.metric)
        is_met = None if have is None else have >= condition.at_least
        return RankProgress(FIGURE, is_met, condition.metric, have, condition.at_least)
    parts = tuple(progress_of(part, figures) for part in condition.parts)
    if isinstance(condition, AllOf):
        return RankProgress(ALL, _verdict(parts, decisive=False), parts=parts)
    return RankProgress(ANY, _verdict(parts, decisive=True), parts=parts)


def _verdict(parts: Sequence[RankProgress], *, decisive: bool) -> bool | None:
    """One part that is ``decisive`` decides; else one that is not known leaves it open."""
    verdicts = [part.is_met for part in parts]
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive
