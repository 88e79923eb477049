"""The arithmetic of the benchmarks: rates, medians and ratios of interleaved rounds. No clock and no I/O may enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Rounds:
    """What the rounds of one side took, and how much was done in each."""

    units: int
    seconds: Sequence[float]

    @property
    def rate(self) -> float:
        """Units a second, of the median round.

        >>> Rounds(100, [4.0, 1.0, 2.0]).rate
        50.0
        """
        return self.units / median(self.seconds)


def ratio(ours: Rounds, limit: Rounds) -> float:
    """Which part of the limit's speed was reached, by the medians of both sides.

    >>> ratio(Rounds(100, [4.0, 5.0, 4.0]), Rounds(100, [2.0, 2.0, 9.0]))
    0.5
    """
    return ours.rate / limit.rate


def growth(first: int, last: int) -> float:
    """By which part a figure grew, 0.0 where it did not.

    >>> growth(200, 210), growth(200, 150)
    (0.05, 0.0)
    """
    return max(last - first, 0) / first
