"""Exact arithmetic on money: ratios, rounding, sharing out.

Amounts are integers of a currency's minor unit, ratios integers in parts per million. A binary float must never enter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from distrib.domain.texts import Text

PPM = 1_000_000
MAX_MINOR = 10**12
"""The largest single amount the service takes (api.md, Bounds)."""
MAX_SUM_MINOR = 10**15
"""The largest sum of amounts the service takes (api.md, Bounds)."""
ROUNDINGS = ("half_up", "half_even", "down")

RATIO = r"0(?:\.[0-9]{1,6})?|1(?:\.0{1,6})?"
"""What a ratio from 0 to 1 looks like, as a regular expression."""

_RATIO = re.compile(RATIO, re.ASCII)
_DECIMAL = re.compile(r"[0-9](?:\.[0-9]{1,6})?", re.ASCII)


class RatioInvalid(ValueError):
    """A value that is no ratio; ``right`` says what one looks like."""

    def __init__(self, right: Text) -> None:
        self.right = right
        super().__init__(str(right))


def parse_ratio(text: object) -> int:
    """Parses a ratio from 0 to 1, written as a decimal string, into parts per million.

    Raises:
        RatioInvalid: not a string, more than six decimals, or outside 0 to 1.

    >>> parse_ratio("0.125"), parse_ratio("1"), parse_ratio("0")
    (125000, 1000000, 0)
    """
    if not isinstance(text, str):
        raise RatioInvalid(Text('must be a decimal string such as "0.125"'))
    if _RATIO.fullmatch(text) is None:
        if _DECIMAL.fullmatch(text) is not None:
            raise RatioInvalid(Text("must be from 0 to 1"))
        raise RatioInvalid(Text('must look like "0.125", with at most six decimals'))
    whole, _, part = text.partition(".")
    return int(whole) * PPM + int(part.ljust(6, "0"))


def show_ratio(rate_ppm: int) -> str:
    """Shows parts per million as the shortest decimal string.

    >>> show_ratio(125000), show_ratio(1000000), show_ratio(0)
    ('0.125', '1', '0')
    """
    whole, part = divmod(rate_ppm, PPM)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")


def round_ratio(numerator: int, denominator: int, rounding: str) -> int:
    """Rounds ``numerator / denominator`` (0 or more) to a whole number.

    Args:
        rounding: ``half_up``, ``half_even`` or ``down`` (plan.md, ``rounding``).

    >>> [round_ratio(5, 2, rounding) for rounding in ("half_up", "half_even", "down")]
    [3, 2, 2]
    """
    if rounding == "half_up":
        return (2 * numerator + denominator) // (2 * denominator)
    whole, rest = divmod(numerator, denominator)
    if rounding == "down":
        return whole
    if rounding == "half_even":
        return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))
    raise ValueError(f"unknown rounding {rounding}")


def half_of(denominator: int, rounding: str) -> int | None:
    """Computes what to add to a numerator so that dividing down rounds it as ``round_ratio`` does; None: nothing.

    >>> half_of(10, "half_up"), half_of(10, "down"), half_of(10, "half_even"), half_of(5, "half_up")
    (5, 0, None, None)
    """
    if rounding == "down":
        return 0
    return denominator // 2 if rounding == "half_up" and denominator % 2 == 0 else None


def scale_down(amounts: Sequence[int], total: int, ties: Sequence[tuple[int, ...]]) -> list[int]:
    """Shares ``total`` out in proportion to ``amounts`` by largest remainder.

    Every share is rounded down; the units that are left go, one each, to the largest
    remainders, those with the smaller key in ``ties`` first. The shares add up to ``total``.

    Args:
        amounts: what each would get, 0 or more, not all 0 unless ``total`` is 0.
        ties: one key for each amount.

    >>> scale_down([1000, 500], 500, [(0,), (1,)])
    [333, 167]
    """
    whole = sum(amounts)
    if whole == 0:
        return [0] * len(amounts)
    shares = [amount * total // whole for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda i: (-(amounts[i] * total % whole), ties[i]))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares
