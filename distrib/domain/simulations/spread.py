"""How a change of plan spreads over shops: who gains, who loses, quantiles, and what the first hundredth gets.

Whole minor units and parts per million, rounded down; no shop is known here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from distrib.domain.money import PPM, show_ratio

QUANTILES = (0, 10_000, 100_000, 250_000, 500_000, 750_000, 900_000, 990_000, 1_000_000)
"""In parts per million: the least, the hundredth, the tenth, the quarters, and so on to the most."""
HUNDREDTH, TENTH = 10_000, 100_000


class Spread(NamedTuple):
    """How the differences of all shops concerned lie, each shop once.

    ``quantiles`` are pairs of a share of the shops and the difference that so many have at most.
    """

    shops: int
    gaining: int
    losing: int
    unchanged: int
    to_zero: int
    gained_minor: int
    lost_minor: int
    quantiles: Sequence[tuple[int, int]]
    top_hundredth_ppm: int
    top_tenth_ppm: int


def spread_of(differences: Sequence[int], to_zero: int) -> Spread:
    """Computes the spread of what shops have now over what they had then.

    The top hundredth (and tenth) are so many of the shops, rounded up, that gain most; their share is of all gains.

    Args:
        differences: what each shop has now less what it had then, ascending.
        to_zero: how many shops had something then and have nothing now.

    >>> spread = spread_of([-50, -10, 100, 300], 1)
    >>> spread.gaining, spread.losing, spread.to_zero, spread.gained_minor, spread.lost_minor
    (2, 2, 1, 400, -60)
    >>> show_ratio(spread.top_tenth_ppm), spread.quantiles[4]
    ('0.75', (500000, -10))
    """
    count = len(differences)
    losing, first_gain = bisect_left(differences, 0), bisect_right(differences, 0)
    gains = differences[first_gain:]
    gained = sum(gains)
    return Spread(
        count,
        len(gains),
        losing,
        first_gain - losing,
        to_zero,
        gained,
        sum(differences[:losing]),
        [(share, differences[_place(count, share)]) for share in QUANTILES] if count else [],
        _top_share(gains, _up(count, HUNDREDTH), gained),
        _top_share(gains, _up(count, TENTH), gained),
    )


def share_of(part_minor: int, whole_minor: int) -> str | None:
    """A part of a whole as a decimal of at most six places, rounded towards zero; None of nothing.

    >>> share_of(1, 3), share_of(-1, 3), share_of(1, 0)
    ('0.333333', '-0.333333', None)
    """
    if whole_minor <= 0:
        return None
    ratio = abs(part_minor) * PPM // whole_minor
    return f"{'-' if part_minor < 0 and ratio else ''}{show_ratio(ratio)}"


def _place(count: int, share_ppm: int) -> int:
    """The place of a quantile in ascending order: so many of the shops stand there or before."""
    return max(_up(count, share_ppm), 1) - 1


def _up(count: int, share_ppm: int) -> int:
    return -(-count * share_ppm // PPM)


def _top_share(gains: Sequence[int], shops: int, gained: int) -> int:
    top = sum(gains[max(len(gains) - shops, 0) :]) if shops else 0
    return top * PPM // gained if gained else 0
