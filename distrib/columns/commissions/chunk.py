"""Orders of history as arrays: their lines, the people of their snapshots, and what packs allow. What goes in.

Everything that is a text (channel, category, SKU, rank) is a code, a place in a growing list of texts; nothing here
depends on a plan, so that one chunk serves any number of candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from distrib.columns.tree import Integers, Truths
from distrib.domain.plans.plan import CHAIN_LENGTH

NOBODY: Final = -1
"""A shop number, rank or code where there is none; a figure that is not known."""
LEADER_ROW: Final = CHAIN_LENGTH + 1
OPENER_ROW: Final = CHAIN_LENGTH + 2
PLACES: Final = CHAIN_LENGTH + 3
"""Rows of ``PeopleColumns``: the seller at 0, its uplines from 1 to 9, the nearest first, then leader and opener."""

_Columns = TypeVar("_Columns", "LineColumns", "OrderColumns")


@dataclass(frozen=True, slots=True)
class Codes:
    """The code of each text; a caller keeps one for all its chunks and only adds to it, from 0 on without gaps.

    ``ranks`` are those of the plan that is run: the caller maps what ``rank_map`` renames.
    """

    channels: Mapping[str, int]
    categories: Mapping[str, int]
    skus: Mapping[str, int]
    ranks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LineColumns:
    """The lines of all orders, those of an order together and in its order; one array a field, all of one length.

    ``sku`` and ``category`` are codes (``NOBODY``: no category). Amounts are those of the whole line, 0 or more, in
    minor units; ``list_minor`` and ``cost_minor`` are ``NOBODY`` where the line names none.
    """

    sku: Integers
    category: Integers
    quantity: Integers
    paid_minor: Integers
    list_minor: Integers
    cost_minor: Integers
    is_entry: Truths


@dataclass(frozen=True, slots=True)
class PeopleColumns:
    """Who stood where at ``paid_at``: matrices of ``PLACES`` rows and one column an order.

    ``shop_no`` is int64 (``NOBODY``: the place is empty), ``rank`` a code of any integer type, ``is_active`` bool; the
    last two count only where there is somebody. An order without a seller pays nobody. ``unmet`` says by rule index who
    had not the sales that the rule requires; a rule that is not in it is not judged yet.
    """

    shop_no: Integers
    rank: NDArray[np.signedinteger]
    is_active: Truths
    unmet: Mapping[int, Truths] = field(default_factory=dict)

    def of_orders(self, places: Integers) -> PeopleColumns:
        """The people of the orders at these places."""
        unmet = {rule: lacks[:, places] for rule, lacks in self.unmet.items()}
        return PeopleColumns(self.shop_no[:, places], self.rank[:, places], self.is_active[:, places], unmet)


@dataclass(frozen=True, slots=True)
class OrderColumns:
    """One array a field, all of one length: what decides beside lines and people.

    Attributes:
        lines: how many lines the order has, at least 1.
        channel: code.
        is_self_purchase: whether the buyer is the selling shop.
        paid_at: microseconds since 1970.
        earlier_orders: how many orders of the customer had settled before; ``NOBODY``: the order names no customer.
        first_paid_at: when the first of those was paid, in microseconds since 1970; any value where there is none.
        order_cap_ppm: the lower of the plan's and the packs'; ``NOBODY``: none.
        max_tiers: of the packs.
        entry_pays_seller: of the packs.
        self_purchase_pays_uplines: of the packs.
    """

    lines: Integers
    channel: Integers
    is_self_purchase: Truths
    paid_at: Integers
    earlier_orders: Integers
    first_paid_at: Integers
    order_cap_ppm: Integers
    max_tiers: Integers
    entry_pays_seller: Truths
    self_purchase_pays_uplines: Truths

    @staticmethod
    def under_no_plan(
        *, lines: Integers, channel: Integers, is_self_purchase: Truths, paid_at: Integers
    ) -> OrderColumns:
        """Orders of which nothing is said yet that depends on a plan: its own come by ``Chunk.under``."""
        count = lines.size
        nobody, nothing, truly = np.full(count, NOBODY), np.zeros(count, np.int64), np.ones(count, np.bool_)
        return OrderColumns(lines, channel, is_self_purchase, paid_at, nobody, nothing, nobody, nothing, truly, truly)


@dataclass(frozen=True)
class Chunk:
    """Orders with lines and people. A chunk is bounded by its caller; some 4,000 orders run best."""

    codes: Codes
    orders: OrderColumns
    lines: LineColumns
    people: PeopleColumns

    def __len__(self) -> int:
        return len(self.orders.lines)

    @cached_property
    def starts(self) -> Integers:
        """The place of each order's first line."""
        return np.cumsum(self.orders.lines) - self.orders.lines

    @cached_property
    def order_of_lines(self) -> Integers:
        """The place of each line's order."""
        return np.repeat(np.arange(len(self)), self.orders.lines)

    def sums(self, of_lines: NDArray[Any]) -> NDArray[Any]:
        """Adds up a figure of each line by order."""
        return np.add.reduceat(of_lines, self.starts)

    def take(self, places: Integers) -> Chunk:
        """The orders at these places, in this order; one may be taken several times, as for each of its refunds."""
        lines = taken_lines(self.starts, self.orders.lines, places)
        orders, people = _taken(self.orders, places), self.people.of_orders(places)
        return Chunk(self.codes, orders, _taken(self.lines, lines), people)

    def under(self, **limits: Any) -> Chunk:
        """The same orders under other limits: fields of ``OrderColumns`` by name, an array each."""
        return replace(self, orders=replace(self.orders, **limits))


def taken_lines(starts: Integers, counts: Integers, places: Integers) -> Integers:
    """The places of the lines of the orders at ``places``, one order after the other.

    >>> taken_lines(np.array([0, 2]), np.array([2, 3]), np.array([1, 0])).tolist()
    [2, 3, 4, 0, 1]
    """
    wanted = counts[places]
    ends = np.cumsum(wanted)
    first = np.repeat(starts[places] - (ends - wanted), wanted)
    return first + np.arange(len(first))


def _taken(columns: _Columns, places: Integers) -> _Columns:
    return type(columns)(*(getattr(columns, name.name)[places] for name in fields(columns)))
