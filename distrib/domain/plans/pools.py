"""A pool: a share of a month's base, divided among the holders of some ranks by weight, to the minor unit.

What the base comes to and who holds which rank is handed in; months, shops' standing and postings must not enter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from distrib.domain.money import PPM, scale_down


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool of a plan: its share of the base in parts per million, and the weight of each rank."""

    id: str
    rate_ppm: int
    weights: Mapping[str, int]

    def amount_of(self, base_minor: int | Fraction) -> int:
        """Computes what there is to share of a month's base: ``floor(rate × base)``, never below 0 (plan.md, Pools)."""
        return self.rate_ppm * max(base_minor, 0) // PPM


def sum_in_pairs(parts: Iterable[Fraction]) -> Fraction:
    """Adds fractions up in pairs, so that large divisors meet late.

    >>> sum_in_pairs([Fraction(1, 3), Fraction(1, 6), Fraction(2)])
    Fraction(5, 2)
    """
    sums = list(parts)
    while len(sums) > 1:
        sums = [sum(sums[place : place + 2], Fraction()) for place in range(0, len(sums), 2)]
    return sums[0] if sums else Fraction()


def share_pool(base_minor: int, pool: Pool, holders: Mapping[str, str]) -> dict[str, int]:
    """Divides a pool among its holders by weight; the shares, by shop id, add up to the pool exactly.

    Shared by weight and largest remainder; of equal remainders the smaller shop id comes first, compared by code
    points (plan.md, Pools). Without anyone who takes part nothing is paid.

    Args:
        base_minor: the month's base; below 0 it counts as 0.
        holders: rank by shop id, of the shops that are active at the month's last instant.

    Returns:
        A share, possibly 0, for every shop whose rank has a weight above 0, in the order of the ids.

    >>> share_pool(1000, Pool("p", 10_000, {"gold": 2, "silver": 1}), {"b": "gold", "a": "gold", "c": "silver"})
    {'a': 4, 'b': 4, 'c': 2}
    """
    weights = {shop: weight for shop in sorted(holders) if (weight := pool.weights.get(holders[shop], 0)) > 0}
    if not weights:
        return {}
    shares = scale_down(list(weights.values()), pool.amount_of(base_minor), [(place,) for place in range(len(weights))])
    return dict(zip(weights, shares, strict=True))


class PoolSharing:
    """Divides a pool as ``share_pool`` does, one holder at a time by id, given how many hold each weight.

    Holders of one weight have the same share and the same remainder, so that nobody has to be kept in memory.

    Args:
        amount_minor: what there is to share.
        holders: how many shops hold each weight above 0.

    >>> sharing = PoolSharing(10, {2: 2, 1: 1})
    >>> [sharing.next_share(weight) for weight in (2, 2, 1)]
    [4, 4, 2]
    """

    def __init__(self, amount_minor: int, holders: Mapping[int, int]) -> None:
        self.weight = sum(weight * count for weight, count in holders.items())
        self._amount = amount_minor
        counts: dict[int, int] = {}
        for weight, count in holders.items():
            rest = weight * amount_minor % self.weight
            counts[rest] = counts.get(rest, 0) + count
        left = amount_minor - sum(count * (weight * amount_minor // self.weight) for weight, count in holders.items())
        self._units: dict[int, int] = {}
        for rest in sorted(counts, reverse=True):
            self._units[rest] = min(left, counts[rest])
            left -= self._units[rest]

    def next_share(self, weight: int) -> int:
        """Computes the next holder's share by its weight; of equal remainders the first ids get the units left."""
        share, rest = divmod(weight * self._amount, self.weight)
        if self._units[rest] == 0:
            return share
        self._units[rest] -= 1
        return share + 1
