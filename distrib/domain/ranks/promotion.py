"""Which rank a shop's figures carry it to, over which windows, and from when.

Pure: the figures, the instant and the time zone are handed in. Reading sales or writing
ranks must not enter.
"""

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
    "decided",
    "highest_rank",
    "holds",
    "leaves",
    "metrics_kept",
    "metrics_needed",
    "promotion_effective_at",
    "window_start",
]


def metrics_needed(plan: Plan) -> frozenset[Metric]:
    """Every figure that some promotion of the plan reads."""
    return frozenset(leaf.metric for rank in plan.ranks if rank.promote is not None for leaf in leaves(rank.promote))


def metrics_kept(plan: Plan) -> frozenset[Metric]:
    """Every figure that some ``keep`` of the plan reads."""
    return frozenset(leaf.metric for rank in plan.ranks if rank.keep is not None for leaf in leaves(rank.keep))


def window_start(window: str, at: datetime, zone: tzinfo) -> datetime | None:
    """Where a condition's window begins that is looked at ``at``; None: it has no beginning.

    ``Nd`` is half open: what happened after ``at`` - N times 24 hours, up to and including ``at``.
    ``month`` is the calendar month of ``at`` in the program's time zone, its first instant included.

    >>> at = datetime(2026, 3, 9, 10, tzinfo=UTC)
    >>> window_start("7d", at, UTC).isoformat(), window_start("month", at, UTC).isoformat()
    ('2026-03-02T10:00:00+00:00', '2026-03-01T00:00:00+00:00')
    """
    if window == "ever":
        return None
    if window == "month":
        return _local_midnight(at.astimezone(zone).replace(day=1), zone)
    return at.astimezone(UTC) - timedelta(days=int(window.removesuffix("d")))


def includes_start(window: str) -> bool:
    """Whether the first instant of a window belongs to it: of a month it does, of ``Nd`` it does not."""
    return window == "month"


def promotion_effective_at(at: datetime, zone: tzinfo) -> datetime:
    """The start of the next day in the program's time zone, in UTC.

    >>> promotion_effective_at(datetime(2026, 3, 9, 10, tzinfo=UTC), UTC).isoformat()
    '2026-03-10T00:00:00+00:00'
    """
    return _local_midnight(at.astimezone(zone) + timedelta(days=1), zone)


def _local_midnight(day: datetime, zone: tzinfo) -> datetime:
    return datetime.combine(day.date(), time(), tzinfo=zone).astimezone(UTC)


def highest_rank(plan: Plan, current: str, figures: Mapping[Metric, int]) -> tuple[str, dict[str, Any]] | None:
    """The highest rank above ``current`` whose ``promote`` holds, and the numbers that decided it.

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
            return rank.code, {"from": current, "conditions": decided(rank.promote, figures)}
    return None


def decided(condition: Condition, figures: Mapping[Metric, int]) -> list[dict[str, Any]]:
    """The numbers that decided a condition, threshold by threshold, as a history keeps them."""
    return [_shown(leaf, figures.get(leaf.metric, 0)) for leaf in leaves(condition)]


def _shown(leaf: AtLeast, figure: int) -> dict[str, Any]:
    name, levels, window, min_rank = leaf.metric
    shown: dict[str, Any] = {"metric": name, "window": window, "at_least": leaf.at_least, "figure": figure}
    if levels:
        shown["levels"] = levels
    if min_rank:
        shown["min_rank"] = min_rank
    shown["holds"] = figure >= leaf.at_least
    return shown
