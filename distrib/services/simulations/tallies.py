"""Adds up what was paid and what candidates would have paid: by month, rule, tier, rank, channel, shop and release.

Sums are exact: by shop 64-bit integers, and wider ones before those would not suffice. No order is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np

from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.snapshot import Room
from distrib.domain.simulations.candidates import rank_under, ranks_of
from distrib.services.context import Program
from distrib.services.simulations.candidates import Simulated
from distrib.services.simulations.histories import PastOrder

AS_IT_WAS = 0
"""The side of the ledger; candidates come after it, from 1 on."""
_MOST_INT64 = 2**62
SHOPS_A_PAGE = 10_000


class CostCell(NamedTuple):
    """Where an amount is counted; tier, rank and channel are None of pools."""

    period: int
    rule: str
    tier: int | None
    rank: str | None
    channel: str | None


@dataclass(slots=True)
class Count:
    """How many orders, what was paid for them, and an amount: what a cap took, or what they pay as it was."""

    orders: int = 0
    paid_minor: int = 0
    amount_minor: int = 0

    def add(self, paid_minor: int, amount_minor: int) -> None:
        """Counts one order more."""
        self.orders += 1
        self.paid_minor += paid_minor
        self.amount_minor += amount_minor


@dataclass(slots=True)
class Side:
    """What one side comes to: the ledger, or a candidate."""

    earned_minor: int = 0
    reversed_minor: int = 0
    pools_minor: int = 0
    cells: defaultdict[CostCell, int] = field(default_factory=lambda: defaultdict(int))
    releases: defaultdict[date, int] = field(default_factory=lambda: defaultdict(int))
    caps: defaultdict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    failures: defaultdict[str, Count] = field(default_factory=lambda: defaultdict(Count))

    @property
    def cost_minor(self) -> int:
        """What the platform pays: earned, less what came back, and pools."""
        return self.earned_minor + self.reversed_minor + self.pools_minor

    def by(self, name: str) -> dict[Any, int]:
        """The cost by one field of the cells."""
        sums: defaultdict[Any, int] = defaultdict(int)
        place = CostCell._fields.index(name)
        for cell, minor in self.cells.items():
            sums[cell[place]] += minor
        return dict(sums)


class ShopSums:
    """What each shop has on each side; a row a shop, by the store's number."""

    def __init__(self, sides: int) -> None:
        self._places: dict[int, int] = {}
        self._sums = np.zeros((1_024, sides), np.int64)

    def add(self, amounts: Mapping[tuple[int, int], int]) -> None:
        """Adds amounts by side and shop."""
        if not amounts:
            return
        places = [self._place(shop_no) for _, shop_no in amounts]
        self._grow()
        sides = [side for side, _ in amounts]
        most = max(map(abs, amounts.values()))
        if self._sums.dtype == np.int64 and most >= _MOST_INT64:
            self._sums = self._sums.astype(object)
        values = np.array(list(amounts.values()), self._sums.dtype)
        np.add.at(self._sums, (places, sides), values)
        if self._sums.dtype == np.int64 and np.abs(self._sums[places]).max() >= _MOST_INT64:
            self._sums = self._sums.astype(object)

    def shops(self) -> list[int]:
        """The numbers of all shops that had anything on any side."""
        return list(self._places)

    def side(self, side: int) -> list[int]:
        """What the shops have on a side, in the order of ``shops``."""
        return [int(minor) for minor in self._sums[: len(self._places), side]]

    def pages(self) -> Iterator[list[list[int]]]:
        """Yields the shops, some at a time: the number of each, and what it has on each side."""
        numbers = self.shops()
        for start in range(0, len(numbers), SHOPS_A_PAGE):
            rows = self._sums[start : min(start + SHOPS_A_PAGE, len(numbers))].tolist()
            yield [
                [shop_no, *map(int, sums)]
                for shop_no, sums in zip(numbers[start : start + SHOPS_A_PAGE], rows, strict=True)
                if any(sums)
            ]

    def _place(self, shop_no: int) -> int:
        return self._places.setdefault(shop_no, len(self._places))

    def _grow(self) -> None:
        if len(self._places) > len(self._sums):
            grown = np.zeros((2 * len(self._places), self._sums.shape[1]), self._sums.dtype)
            grown[: len(self._sums)] = self._sums
            self._sums = grown


class OrderFigures(NamedTuple):
    """What an order comes to on all sides: amounts by side, rule and shop.

    By candidate why it fails or which caps it meets, and the room that month and customer caps had left for it.
    """

    order_no: int
    amounts: Mapping[tuple[int, str, int], int]
    reasons: Mapping[int, Sequence[str]]
    rooms: Mapping[int, tuple[Room, ...]]


class Tally:
    """Adds up orders on all sides.

    Args:
        with_refunds: whether what came back counts.
    """

    def __init__(self, program: Program, plans: Sequence[Plan], *, with_refunds: bool) -> None:
        self._program, self._with_refunds, self._plans = program, with_refunds, plans
        self.sides = [Side() for _ in range(len(plans) + 1)]
        self.shops = ShopSums(len(plans) + 1)
        self.orders = self.failed_orders = 0
        self.paid_minor = self.refunded_minor = 0
        self._days: dict[datetime, date] = {}
        self._periods: dict[date, int] = {}

    def add(self, orders: Sequence[PastOrder], simulated: Sequence[Sequence[Simulated]]) -> list[OrderFigures]:
        """Adds a chunk of orders, and answers what each comes to.

        Args:
            simulated: by candidate, order by order.
        """
        figures = [
            self._figures(past, of_order) for past, of_order in zip(orders, zip(*simulated, strict=True), strict=True)
        ]
        by_shop: defaultdict[tuple[int, int], int] = defaultdict(int)
        for row in figures:
            for (side, _, shop_no), minor in row.amounts.items():
                by_shop[side, shop_no] += minor
        self.shops.add(by_shop)
        self._days.clear()
        return figures

    def add_pool(self, side: int, period: int, rule: str, shares: Iterable[tuple[int, int]], released: date) -> None:
        """Adds the shares of a pool, by shop."""
        into = self.sides[side]
        by_shop: defaultdict[tuple[int, int], int] = defaultdict(int)
        for shop_no, minor in shares:
            by_shop[side, shop_no] += minor
        total = sum(by_shop.values())
        into.pools_minor += total
        into.cells[CostCell(period, rule, None, None, None)] += total
        into.releases[released] += total
        self.shops.add(by_shop)

    def _figures(self, past: PastOrder, simulated: Sequence[Simulated]) -> OrderFigures:
        if past.has_failed:
            self.failed_orders += 1
        else:
            self.orders += 1
            self.paid_minor += past.order.paid_minor
            self.refunded_minor += past.order.paid_minor - past.left_minor if self._with_refunds else 0
        amounts: defaultdict[tuple[int, str, int], int] = defaultdict(int)
        self._add_posted(past, amounts)
        then_minor = sum(amounts.values())
        reasons: dict[int, Sequence[str]] = {}
        rooms: dict[int, tuple[Room, ...]] = {}
        for side, outcome in enumerate(simulated, 1):
            if outcome.failure is not None:
                self.sides[side].failures[outcome.failure].add(past.order.paid_minor, then_minor)
                reasons[side] = [outcome.failure]
            elif outcome.settlement is not None:
                self._add_simulated(side, past, outcome, amounts)
                if outcome.caps:
                    reasons[side] = list(outcome.caps)
                if outcome.settlement.snapshot.rooms:
                    rooms[side] = outcome.settlement.snapshot.rooms
        return OrderFigures(past.order_no, amounts, reasons, rooms)

    def _add_posted(self, past: PastOrder, amounts: defaultdict[tuple[int, str, int], int]) -> None:
        side, channel = self.sides[AS_IT_WAS], past.order.channel
        ranks = ranks_of(past.snapshot)
        for row in past.posted:
            if row.is_earned:
                side.earned_minor += row.amount_minor
            elif self._with_refunds:
                side.reversed_minor += row.amount_minor
            else:
                continue
            period = self._period(row.occurred_at)
            cell = CostCell(period, row.rule_id, row.tier, ranks.get(row.shop_no), channel)
            side.cells[cell] += row.amount_minor
            side.releases[self._day(row.available_at)] += row.amount_minor
            amounts[AS_IT_WAS, row.rule_id, row.shop_no] += row.amount_minor

    def _add_simulated(
        self, number: int, past: PastOrder, outcome: Simulated, amounts: defaultdict[tuple[int, str, int], int]
    ) -> None:
        if outcome.settlement is None:
            return
        side, plan, channel = self.sides[number], self._plans[number - 1], past.order.channel
        order, terms, snapshot, commissions, counts_from = outcome.settlement
        if commissions:
            ranks = {shop_no: rank_under(plan, rank) for shop_no, rank in ranks_of(snapshot).items()}
            period, released = self._period(counts_from), self._day(counts_from + terms.hold)
            for commission in commissions:
                minor, shop_no = commission.amount_minor, commission.shop_no
                rule = plan.rules[commission.rule_index].id
                side.earned_minor += minor
                side.cells[CostCell(period, rule, commission.tier, ranks.get(shop_no), channel)] += minor
                side.releases[released] += minor
                amounts[number, rule, shop_no] += minor
            for change in outcome.changes:
                minor, commission = change.amount_minor, change.commission
                rule, shop_no = plan.rules[commission.rule_index].id, commission.shop_no
                side.reversed_minor += minor
                period = self._period(change.occurred_at)
                side.cells[CostCell(period, rule, commission.tier, ranks.get(shop_no), channel)] += minor
                side.releases[self._day(change.available_at)] += minor
                amounts[number, rule, shop_no] += minor
        for cap, minor in outcome.caps.items():
            side.caps[cap].add(order.paid_minor, minor)

    def _day(self, instant: datetime) -> date:
        day = self._days.get(instant)
        if day is None:
            day = self._days[instant] = self._program.day_of(instant)
        return day

    def _period(self, instant: datetime) -> int:
        day = self._day(instant)
        return day.year * 100 + day.month
