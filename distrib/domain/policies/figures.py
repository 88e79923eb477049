"""What a pack measured and what it measured it against: values, worded where people read them.

As plain text a value reads ``persons 119, levels 3`` or ``persons ≥ 30``: so it is answered and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from distrib.domain.money import parse_ratio, show_ratio

RATIOS = frozenset(
    {
        "indirect_share",
        "retail_share",
        "deep_share",
        "entry_share",
        "recruits_per_buyer",
        "share_at_rank_threshold",
        "month_retail_share",
    }
)
"""Measures in parts per million; as text they are decimal strings."""
SIGNS = {"at_least": "≥", "above": ">", "below": "<"}
"""The kinds of threshold, and how each is written."""
_KINDS = {sign: kind for kind, sign in SIGNS.items()}
_EACH = " (each: "


class Threshold(NamedTuple):
    """A measure and the figure it must reach; ``kind`` is ``at_least``, ``above`` or ``below``."""

    measure: str
    kind: str
    figure: int

    def is_reached(self, measured: int | None) -> bool:
        """Whether a figure lies beyond the threshold; what cannot be measured does not.

        >>> Threshold("persons", "at_least", 30).is_reached(30), Threshold("persons", "below", 30).is_reached(None)
        (True, False)
        """
        if measured is None:
            return False
        if self.kind == "below":
            return measured < self.figure
        return measured >= self.figure if self.kind == "at_least" else measured > self.figure

    def __str__(self) -> str:
        """The threshold as plain text: ``persons ≥ 30``."""
        return f"{self.measure} {SIGNS[self.kind]} {show_figure(self.measure, self.figure)}"


class Measured:
    """What was measured, by the name of the measure.

    >>> str(Measured({"persons": 119, "retail_share": 812_500}))
    'persons 119, retail_share 0.8125'
    """

    __slots__ = ("figures",)

    def __init__(self, figures: Mapping[str, int]) -> None:
        self.figures = dict(figures)

    def __str__(self) -> str:
        """The figures as plain text."""
        return ", ".join(f"{measure} {show_figure(measure, figure)}" for measure, figure in self.figures.items())

    def __eq__(self, other: object) -> bool:
        """Whether the same figures were measured."""
        return isinstance(other, Measured) and self.figures == other.figures

    def __hash__(self) -> int:
        """Of the figures."""
        return hash(tuple(self.figures.items()))


class Thresholds:
    """The thresholds of a monitor, all of which must be reached.

    ``each`` is the figure of one shop that the measures which count shops count by; 0: none does.

    >>> str(Thresholds((Threshold("month_earners", "at_least", 1),), 10_000_000))
    'month_earners ≥ 1 (each: 10000000)'
    """

    __slots__ = ("bounds", "each")

    def __init__(self, bounds: tuple[Threshold, ...], each: int = 0) -> None:
        self.bounds, self.each = bounds, each

    def __str__(self) -> str:
        """The thresholds as plain text."""
        return ", ".join(str(bound) for bound in self.bounds) + (f"{_EACH}{self.each})" if self.each else "")

    def __eq__(self, other: object) -> bool:
        """Whether the thresholds are the same."""
        return isinstance(other, Thresholds) and (self.bounds, self.each) == (other.bounds, other.each)

    def __hash__(self) -> int:
        """Of the thresholds."""
        return hash((self.bounds, self.each))


def read_thresholds(text: str) -> Thresholds:
    """Reads the thresholds that are kept as this text.

    Raises:
        ValueError, KeyError: no thresholds are written so.

    >>> read_thresholds("persons ≥ 30, retail_share < 0.8").bounds[1]
    Threshold(measure='retail_share', kind='below', figure=800000)
    """
    bounds, _, each = text.removesuffix(")").partition(_EACH)
    return Thresholds(tuple(map(_read_bound, bounds.split(", "))), int(each or 0))


def _read_bound(text: str) -> Threshold:
    measure, sign, figure = text.split(" ")
    return Threshold(measure, _KINDS[sign], parse_ratio(figure) if measure in RATIOS else int(figure))


def show_figure(measure: str, figure: int) -> str:
    """Shows a figure or threshold as plain text.

    >>> show_figure("retail_share", 812_500), show_figure("persons", 30)
    ('0.8125', '30')
    """
    return show_ratio(figure) if measure in RATIOS else str(figure)
