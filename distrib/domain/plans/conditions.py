"""Ranks and the conditions that lead to them, as frozen values.

What a condition means stands here; whose figures are looked at, and when, does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

METRICS = (
    "personal_sales_minor",
    "personal_orders",
    "customers",
    "team_sales_minor",
    "direct_recruits",
    "active_recruits",
    "earned_minor",
)
WITH_LEVELS = "team_sales_minor"
WITH_MIN_RANK = "active_recruits"
EARNINGS = "earned_minor"
HEAD_COUNTS = ("direct_recruits", "active_recruits")
"""Metrics that count people rather than sales (compliance.md, CN-P06)."""


class Metric(NamedTuple):
    """A figure of a shop: its name, how many levels below it a team reads, its window.

    ``min_rank`` is the rank from which on a recruit counts; "" counts all.
    """

    name: str
    levels: int
    window: str
    min_rank: str = ""

    @property
    def reach(self) -> int:
        """How many levels below a shop the orders stand that the metric reads; 0 is the shop itself.

        >>> Metric("active_recruits", 0, "ever").reach, Metric("team_sales_minor", 3, "ever").reach
        (1, 3)
        """
        return 1 if self.name == WITH_MIN_RANK else self.levels


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A figure that must reach a threshold."""

    metric: Metric
    at_least: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Conditions that must hold together."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Conditions of which one is enough."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = AtLeast | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Rank:
    """A rank and what promotes to it; without ``promote`` it is given by hand alone.

    ``keep`` is looked at by the monthly evaluation; failing it more than ``grace`` times in a row costs the rank.
    """

    code: str
    promote: Condition | None = None
    keep: Condition | None = None
    grace: int = 0


def leaves(condition: Condition) -> Iterator[AtLeast]:
    """Lists every threshold in a condition, in document order."""
    if isinstance(condition, AtLeast):
        yield condition
    else:
        for part in condition.parts:
            yield from leaves(part)


def holds(condition: Condition, figures: Mapping[Metric, int]) -> bool:
    """Whether a condition holds for these values by metric; a missing value counts as 0.

    >>> few = AtLeast(Metric("personal_orders", 0, "ever"), 3)
    >>> many = AtLeast(Metric("personal_orders", 0, "ever"), 9)
    >>> figures = {Metric("personal_orders", 0, "ever"): 5}
    >>> holds(AnyOf((many, few)), figures), holds(AllOf((many, few)), figures)
    (True, False)
    """
    if isinstance(condition, AtLeast):
        return figures.get(condition.metric, 0) >= condition.at_least
    verdicts = (holds(part, figures) for part in condition.parts)
    return all(verdicts) if isinstance(condition, AllOf) else any(verdicts)
