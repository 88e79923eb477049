"""What is decided over all lines of an order together: amounts paid once for it, and figures rounded once for it.

Takes lines by their place and exact figures; people, rates and caps must not enter.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from distrib.domain.money import round_ratio, scale_down


class Exact(NamedTuple):
    """An exact figure of one line in units of 1 / ``scale``; those that are ``of`` the same are rounded together."""

    of: Hashable
    units: int
    scale: int


def standing_amounts(chosen: Sequence[Collection[int]], is_left: Sequence[bool]) -> list[Collection[int]]:
    """The rules whose one amount for the order stands on each line (plan.md, ``per: order``).

    An amount stands on the first line that the rule chose, as long as anything is left of any line that it chose.

    Args:
        chosen: line by line, the indexes of the rules that pay an amount for the order and chose the line.
        is_left: line by line, whether anything is left of it.

    >>> standing_amounts([{0}, {0, 1}, {1}], [False, True, False])
    [{0}, {1}, set()]
    >>> standing_amounts([{0}, {0, 1}, {1}], [True, False, False])
    [{0}, set(), set()]
    """
    first: dict[int, int] = {}
    standing: set[int] = set()
    for line_index, (rules, is_any_left) in enumerate(zip(chosen, is_left, strict=True)):
        for rule_index in rules:
            first.setdefault(rule_index, line_index)
        if is_any_left:
            standing.update(rules)
    return [
        {index for index in rules if index in standing and first[index] == line} for line, rules in enumerate(chosen)
    ]


def round_over_order(figures: Sequence[Exact], rounding: str) -> list[int]:
    """Each figure in minor units; those of one rule, tier and earner are rounded once together (``round_per: order``).

    The rounded sum is shared among them in proportion by largest remainder; ties: line order.

    >>> thirds = [Exact("a", 1, 3), Exact("b", 1, 3), Exact("a", 1, 3)]
    >>> round_over_order(thirds, "half_up"), round_over_order(thirds, "down")
    ([1, 0, 0], [0, 0, 0])
    """
    together: dict[Hashable, list[int]] = {}
    for place, figure in enumerate(figures):
        if figure.units:
            together.setdefault(figure.of, []).append(place)
    amounts = [0] * len(figures)
    for places in together.values():
        scale = _common_multiple(figures[place].scale for place in places)
        units = [figures[place].units * (scale // figures[place].scale) for place in places]
        total = round_ratio(sum(units), scale, rounding)
        shares = scale_down(units, total, [(place,) for place in places])
        for place, share in zip(places, shares, strict=True):
            amounts[place] = share
    return amounts


def _common_multiple(scales: Iterable[int]) -> int:
    """The least number that all of these divide.

    >>> _common_multiple([4, 6, 6])
    12
    """
    common = 1
    for scale in scales:
        common *= Fraction(common, scale).denominator
    return common
