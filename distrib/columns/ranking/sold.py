"""What shops sold in a month, in the order of shop and time, so that any span of any shop is found by two searches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distrib.columns.tree import Integers, Truths, places_of

WIDEST = 2**63 - 1
"""The highest key: of a whole month some three million shops that sold in it."""


@dataclass(frozen=True, slots=True)
class SoldMonth:
    """Orders that settled in a month and count for ranks.

    Attributes:
        start: the instant of the earliest, in microseconds since 1970 as all instants here.
        width: of a shop's part of the keys, in microseconds.
        shops: who sold, ascending.
        keys: the place of the shop times the width, and when the order settled, counted from ``start``; ascending.
        sums: what was sold, in minor units, of all orders before each.
        buyers: the number of each order's customer, -1 where it names none; nothing where nobody asks.
    """

    start: int
    width: int
    shops: Integers
    keys: Integers
    sums: Integers
    buyers: Integers

    @property
    def last(self) -> int:
        """The instant of the latest order."""
        return self.start + self.width - 2

    def rows(self, shops: Integers, since: Integers, until: Integers) -> tuple[Integers, Integers]:
        """Where the orders of each of those shops begin and end that settled from an instant to another, included."""
        place = places_of(self.shops, shops)
        first = place * self.width
        begins = np.searchsorted(self.keys, first + np.clip(since - self.start, 0, self.width - 1), "left")
        ends = np.searchsorted(self.keys, first + np.clip(until - self.start + 1, 0, self.width - 1), "left")
        is_known = place >= 0
        return np.where(is_known, begins, 0), np.where(is_known, np.maximum(begins, ends), 0)

    def minor_of(self, rows: Integers) -> Integers:
        """What was sold by each of some orders, by their places."""
        return self.sums[rows + 1] - self.sums[rows]

    def settled_at(self, rows: Integers) -> Integers:
        """When each of some orders settled."""
        return self.keys[rows] % self.width + self.start

    def sellers(self, rows: Integers) -> Integers:
        """Who sold each of some orders."""
        return self.shops[self.keys[rows] // self.width]


def halves(sellers: Integers, settled_at: Integers) -> tuple[Truths, Truths] | None:
    """Which orders come before the middle of their time and which after, where more shops sold than keys tell apart."""
    width = _width(settled_at) if sellers.size else 0
    if sellers.size * width <= WIDEST or np.unique(sellers).size * width <= WIDEST:
        return None
    is_early = settled_at < int(settled_at.min()) + width // 2
    return is_early, ~is_early


def sold_month(
    sellers: Integers, settled_at: Integers, minor: Integers, buyers: Integers
) -> tuple[SoldMonth, Integers] | None:
    """Sorts the orders of a month; None of no order.

    Args:
        minor: what counts of each, above 0.

    Returns:
        The month, and at which of its places each of the orders stands.

    Raises:
        OverflowError: ``halves`` would have parted them.
    """
    if not sellers.size:
        return None
    start = int(settled_at.min())
    width = _width(settled_at)
    shops, of = np.unique(sellers, return_inverse=True)
    if shops.size * width > WIDEST:
        raise OverflowError("more shops sold in this time than keys of 64 bits tell apart")
    keys = of * width + (settled_at - start)
    turns = np.argsort(keys, kind="stable")
    places = np.empty(turns.size, np.int64)
    places[turns] = np.arange(turns.size)
    sums = np.append(0, np.cumsum(minor[turns]))
    return SoldMonth(start, width, shops, keys[turns], sums, buyers[turns] if buyers.size else buyers), places


def _width(settled_at: Integers) -> int:
    return int(settled_at.max()) - int(settled_at.min()) + 2
