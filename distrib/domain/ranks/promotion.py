"""Resolves the rank that a shop's figures carry it to, the windows of those figures, and from when a rank holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from distrib.domain.plans.conditions import (
    EARNINGS,
    HEAD_COUNTS,
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    Metric,
    Rank,
    holds,
    leaves,
)
from distrib.domain.plans.plan import Plan

__all__ = [
    "EARNINGS",
    "HEAD_COUNTS",
    "AllOf",
    "AnyOf",
    "AtLeast",
    "Condition",
    "Metric",
    "Rank",
    "decisive_figures",
    "highest_rank",
    "holds",
    "keep_metrics",
    "leaves",
    "promotion_effective_at",
    "promotion_metrics",
    "window_start",
]


def promotion_metrics(plan: Plan) -> frozenset[Metric]:
    """Lists every figure that a promotion of the plan reads."""
    return frozenset(leaf.metric for rank in plan.ranks if rank.promote is not None for leaf in leaves(rank.promote))


def keep_metrics(plan: Plan) -> frozenset[Metric]:
    """Lists every figure that a ``keep`` of the plan reads."""
    return frozenset(leaf.metric for rank in plan.ranks if rank.keep is not None for leaf in leaves(rank.keep))


def window_start(window: str, as_of: datetime, zone: tzinfo) -> datetime | None:
    """Computes the first instant of a condition's window that ends ``as_of``; None: it has no beginning.

    ``Nd`` is half open: what happened after ``as_of`` - N times 24 hours, up to and including ``as_of``.
    ``month`` is the calendar month of ``as_of`` in the program's time zone, its first instant included.

    >>> as_of = datetime(2026, 3, 9, 10, tzinfo=UTC)
    >>> window_start("7d", as_of, UTC).isoformat(), window_start("month", as_of, UTC).isoformat()
    ('2026-03-02T10:00:00+00:00', '2026-03-01T00:00:00+00:00')
    """
    if window == "ever":
        return None
    if window == "month":
        return _local_midnight(as_of.astimezone(zone).replace(day=1), zone)
    return as_of.astimezone(UTC) - timedelta(days=int(window.removesuffix("d")))


def includes_start(window: str) -> bool:
    """Whether the first instant of a window belongs to it: of a month it does, of ``Nd`` it does not."""
    return window == "month"


def promotion_effective_at(earned_at: datetime, zone: tzinfo) -> datetime:
    """Computes from when a promotion holds: the start of the next day in the program's time zone, in UTC.

    >>> promotion_effective_at(datetime(2026, 3, 9, 10, tzinfo=UTC), UTC).isoformat()
    '2026-03-10T00:00:00+00:00'
    """
    return _local_midnight(earned_at.astimezone(zone) + timedelta(days=1), zone)


def _local_midnight(day: datetime, zone: tzinfo) -> datetime:
    return datetime.combine(day.date(), time(), tzinfo=zone).astimezone(UTC)


def highest_rank(plan: Plan, current: str, figures: Mapping[Metric, int]) -> tuple[str, dict[str, Any]] | None:
    """Resolves the highest rank above ``current`` whose ``promote`` holds, with the figures that decided it.

    A shop rises as far as its conditions carry it, past ranks whose own conditions do not hold. A rank
    without ``promote`` is reached by hand alone.

    Args:
        current: a rank of the plan.
        figures: by metric; one that is missing counts as 0.

    Raises:
        Refusal: ``rank_unknown`` for a rank that is not in the plan.
    """
    for rank in reversed(plan.ranks[plan.rank_index(current) + 1 :]):
        if rank.promote is not None and holds(rank.promote, figures):
            return rank.code, {"from": current, "conditions": decisive_figures(rank.promote, figures)}
    return None


def decisive_figures(condition: Condition, figures: Mapping[Metric, int]) -> list[dict[str, Any]]:
    """Lists the figures that decided a condition, threshold by threshold, as the history of a rank keeps them."""
    return [_shown(leaf, figures.get(leaf.metric, 0)) for leaf in leaves(condition)]


def _shown(leaf: AtLeast, figure: int) -> dict[str, Any]:
    metric = leaf.metric
    shown: dict[str, Any] = {
        "metric": metric.name,
        "window": metric.window,
        "at_least": leaf.at_least,
        "figure": figure,
    }
    if metric.levels:
        shown["levels"] = metric.levels
    if metric.min_rank:
        shown["min_rank"] = metric.min_rank
    shown["holds"] = figure >= leaf.at_least
    return shown
