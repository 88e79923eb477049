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
    """Which part of the limit's speed was reached: the median of the rounds, each against the one run right after it.

    What else the machine does comes and goes; two neighbours meet with the same of it.

    >>> ratio(Rounds(100, [4.0, 40.0, 4.0]), Rounds(100, [2.0, 20.0, 1.0]))
    0.5
    """
    shares = [theirs / own for own, theirs in zip(ours.seconds, limit.seconds, strict=True)]
    return median(shares) * ours.units / limit.units


def growth(first: int, last: int) -> float:
    """By which part a figure grew, 0.0 where it did not.

    >>> growth(200, 210), growth(200, 150)
    (0.05, 0.0)
    """
    return max(last - first, 0) / first


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many of a hundred are not above, by the nearest rank.

    >>> percentile([4.0, 1.0, 3.0, 2.0], 50), percentile([4.0, 1.0, 3.0, 2.0], 99)
    (2.0, 4.0)
    """
    return sorted(values)[max(-(-len(values) * percent // 100), 1) - 1]
