"""Adds up what was paid and what candidates would have paid: by month, rule, tier, rank, channel, shop and release.

Sums are exact: by shop 64-bit integers, and wider ones before those would not suffice. No order is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import NamedTuple

from distrib.columns.history.calendar import Calendar
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.pools import sum_in_pairs
from distrib.domain.simulations.bases import base_parts
from distrib.domain.simulations.candidates import rank_under, ranks_of
from distrib.services.context import Program
from distrib.services.simulations.candidates import Simulated
from distrib.services.simulations.figures import OrderFigures
from distrib.services.simulations.histories import PastOrder
from distrib.services.simulations.shop_sums import ShopSums

AS_IT_WAS = 0
"""The side of the ledger; candidates come after it, from 1 on."""


class CostCell(NamedTuple):
    """Where an amount is counted; tier, rank and channel are None of pools."""

    period: int
    rule: str
    tier: int | None
    rank: str | None
    channel: str | None


class Breakdown(NamedTuple):
    """What a side costs by each field of its cells."""

    period: dict[int, int]
    rule: dict[str, int]
    tier: dict[int | None, int]
    rank: dict[str | None, int]
    channel: dict[str | None, int]


@dataclass(slots=True)
class Count:
    """How many orders, what was paid for them, and an amount: what a cap took, or what they pay as it was."""

    orders: int = 0
    paid_minor: int = 0
    amount_minor: int = 0

    def add(self, paid_minor: int, amount_minor: int, orders: int = 1) -> None:
        """Counts so many orders more."""
        self.orders += orders
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
    sales_more_minor: int = 0
    """What is sold more than as it was: by orders that failed then and settle here, less by those that fail here."""
    base_more: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    """The same of the bases of pools, by month and by what the part is to be divided by."""

    @property
    def cost_minor(self) -> int:
        """What the platform pays: earned, less what came back, and pools."""
        return self.earned_minor + self.reversed_minor + self.pools_minor

    def add(self, other: Side) -> None:
        """Adds what the same side comes to elsewhere."""
        self.earned_minor += other.earned_minor
        self.reversed_minor += other.reversed_minor
        self.pools_minor += other.pools_minor
        for cell, minor in other.cells.items():
            self.cells[cell] += minor
        for day, minor in other.releases.items():
            self.releases[day] += minor
        self.sales_more_minor += other.sales_more_minor
        for part, minor in other.base_more.items():
            self.base_more[part] += minor
        for into, counts in ((self.caps, other.caps), (self.failures, other.failures)):
            for code, count in counts.items():
                into[code].add(count.paid_minor, count.amount_minor, count.orders)

    def base_more_of(self, period: int) -> Fraction:
        """What the base of a month's pools is more than as it was."""
        return sum_in_pairs(
            Fraction(minor, divisor) for (month, divisor), minor in sorted(self.base_more.items()) if month == period
        )

    def breakdown(self) -> Breakdown:
        """The cost by each field of the cells."""
        cost = Breakdown(defaultdict(int), defaultdict(int), defaultdict(int), defaultdict(int), defaultdict(int))
        for cell, minor in self.cells.items():
            cost.period[cell.period] += minor
            cost.rule[cell.rule] += minor
            cost.tier[cell.tier] += minor
            cost.rank[cell.rank] += minor
            cost.channel[cell.channel] += minor
        return cost


class Tally:
    """Adds up orders on all sides.

    Args:
        with_refunds: whether what came back counts.
    """

    def __init__(self, program: Program, plans: Sequence[Plan], *, with_refunds: bool) -> None:
        self._program, self.with_refunds, self.plans = program, with_refunds, plans
        self.calendar = Calendar(program.zone)
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

    def add_sums(self, other: Tally) -> None:
        """Adds what the same candidates come to on other orders; these have to come after those that are in already."""
        for side, more in zip(self.sides, other.sides, strict=True):
            side.add(more)
        self.shops.add_sums(other.shops)
        self.orders += other.orders
        self.failed_orders += other.failed_orders
        self.paid_minor += other.paid_minor
        self.refunded_minor += other.refunded_minor

    def _figures(self, past: PastOrder, simulated: Sequence[Simulated]) -> OrderFigures:
        if past.has_failed:
            self.failed_orders += 1
        else:
            self.orders += 1
            self.paid_minor += past.order.paid_minor
            self.refunded_minor += past.order.paid_minor - past.left_minor if self.with_refunds else 0
        amounts: defaultdict[tuple[int, str, int], int] = defaultdict(int)
        self._add_posted(past, amounts)
        then_minor = sum(amounts.values())
        figures = OrderFigures(past.order_no, amounts, {}, {})
        for side, outcome in enumerate(simulated, 1):
            self.add_outcome(side, past, outcome, then_minor, figures)
        return figures

    def add_outcome(
        self, side: int, past: PastOrder, outcome: Simulated, then_minor: int, figures: OrderFigures
    ) -> None:
        """Adds what an order comes to under a candidate, to its own figures too."""
        if outcome.failure is not None:
            self.sides[side].failures[outcome.failure].add(past.order.paid_minor, then_minor)
            figures.reasons[side] = [outcome.failure]
            if not past.has_failed:
                self.add_sales(side, self._left_minor(past), -1)
                self.add_base(side, past, -1)
        elif outcome.settlement is not None:
            self._add_simulated(side, past, outcome, figures.amounts)
            if past.has_failed:
                self.add_sales(side, self._left_minor(past), 1)
                self.add_base(side, past, 1)
            if outcome.caps:
                figures.reasons[side] = list(outcome.caps)
            if outcome.settlement.snapshot.rooms:
                figures.rooms[side] = outcome.settlement.snapshot.rooms

    def add_sales(self, side: int, sales_minor: int, sign: int) -> None:
        """Adds sales of orders that only the candidate pays (``sign`` 1), or that only the plan of then did (-1)."""
        self.sides[side].sales_more_minor += sign * sales_minor

    def add_base(self, side: int, past: PastOrder, sign: int) -> None:
        """Adds the base of such an order to that of the candidate's pools, where it has any."""
        plan, into = self.plans[side - 1], self.sides[side].base_more
        if not plan.pools:
            return
        setbacks = [setback for setback in past.setbacks if setback.refund_id]
        for part, minor in base_parts(plan.base, past.order, past.settled_at, setbacks, self._period).items():
            into[part] += sign * minor
            if not into[part]:
                del into[part]

    def _left_minor(self, past: PastOrder) -> int:
        return past.left_minor if self.with_refunds else past.order.paid_minor

    def _add_posted(self, past: PastOrder, amounts: defaultdict[tuple[int, str, int], int]) -> None:
        side, channel = self.sides[AS_IT_WAS], past.order.channel
        ranks = ranks_of(past.snapshot)
        for row in past.posted:
            if row.is_earned:
                side.earned_minor += row.amount_minor
            elif self.with_refunds:
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
        side, plan, channel = self.sides[number], self.plans[number - 1], past.order.channel
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
