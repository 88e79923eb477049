"""Computes the figures that ranks are decided by, of all shops of a program at one instant: arrays from the store
or from files, sums up the tree in columns.

The same figures as ``promotion.figures_of`` reads check by check; a property test holds both together.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from distrib.columns.tree import Integers, Truths, at_places, counts_below, level_sums, places_of, spread_up
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import EARNED, RANK_CAUSES, Ladder
from distrib.domain.ranks.promotion import Metric
from distrib.services.context import Program
from distrib.services.ranks.facts import RankFacts
from distrib.services.ranks.promotion import first_instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BY_SALES = ("personal_sales_minor", "personal_orders", "team_sales_minor", "active_recruits")


def microseconds(instant: datetime) -> int:
    """Encodes an instant as the columns have it: microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Shops:
    """All shops of a program as they stood at an instant, by ascending number."""

    numbers: Integers
    parents: Integers
    joined: Integers

    @property
    def count(self) -> int:
        """Counts the shops."""
        return len(self.numbers)

    def spread(self, numbers: Integers, figures: Integers) -> Integers:
        """Spreads figures by shop number over all shops; 0 where there is none."""
        return at_places(self.numbers, numbers, figures)


def shops_at(facts: RankFacts, as_of: datetime) -> Shops:
    """Loads all shops of a program with their sponsors at an instant."""
    numbers, sponsors, joined = facts.tree(as_of)
    return Shops(numbers, places_of(numbers, sponsors), joined)


class RankFigures:
    """Reads the figures of all shops as of an instant, with every refund that is known, whenever it was made."""

    def __init__(self, facts: RankFacts, program: Program, ladder: Ladder, shops: Shops, as_of: datetime) -> None:
        self._facts = facts
        self._program = program
        self._ladder = ladder
        self._shops = shops
        self._as_of = as_of

    def read(self, plan: Plan, metrics: Collection[Metric]) -> dict[Metric, Integers]:
        """Reads a column for each metric, over its window that ends with the instant."""
        sales, orders = self._sales({metric.window for metric in metrics if metric.name in _BY_SALES})
        return {metric: self._column(plan, metric, sales, orders) for metric in sorted(metrics)}

    def earned_ranks(self, plan: Plan, as_of: datetime, until: datetime) -> tuple[Integers, Integers]:
        """Reads the rank every shop has earned by ``as_of``, as a place in the ranks of ``until``, and since when."""
        return self._ranks(plan, EARNED, as_of, until)

    def held_ranks(self, plan: Plan) -> Integers:
        """Reads the rank every shop holds at the instant, ranks by hand included, as a place in the plan's."""
        ranks, _ = self._ranks(plan, RANK_CAUSES, self._as_of, self._as_of)
        return ranks

    def _sales(self, windows: Collection[str]) -> tuple[dict[str, Integers], dict[str, Integers]]:
        """Reads the sales and the orders of every shop by window."""
        if not windows:
            return {}, {}
        names = sorted(windows)
        starts = [self._start(window) for window in names]
        read = self._facts.sales(starts, self._as_of)
        return (
            {window: self._shops.spread(read.sellers, sales) for window, sales in zip(names, read.sales, strict=True)},
            {window: self._shops.spread(read.sellers, count) for window, count in zip(names, read.orders, strict=True)},
        )

    def _column(self, plan: Plan, metric: Metric, sales: dict[str, Integers], orders: dict[str, Integers]) -> Integers:
        parents, window = self._shops.parents, metric.window
        if metric.name == "personal_sales_minor":
            return sales[window]
        if metric.name == "personal_orders":
            return orders[window]
        if metric.name == "team_sales_minor":
            return level_sums(parents, sales[window], metric.levels)
        if metric.name == "active_recruits":
            return counts_below(parents, (orders[window] > 0) & self._has_rank(plan, metric.min_rank))
        if metric.name == "direct_recruits":
            return counts_below(parents, self._has_joined(window))
        read = self._facts.customers if metric.name == "customers" else self._facts.earnings
        numbers, figures = read(self._start(window), self._as_of)
        return self._shops.spread(numbers, figures)

    def _start(self, window: str) -> datetime | None:
        return first_instant(self._program, window, self._as_of)

    def _has_joined(self, window: str) -> Truths:
        start, joined = self._start(window), self._shops.joined
        has_joined: Truths = joined <= microseconds(self._as_of)
        return has_joined if start is None else has_joined & (joined >= microseconds(start))

    def _has_rank(self, plan: Plan, min_rank: str) -> Truths:
        lowest = plan.rank_index(min_rank) if min_rank else 0
        return self.held_ranks(plan) >= lowest if lowest else np.ones(self._shops.count, dtype=np.bool_)

    def _ranks(
        self, plan: Plan, causes: Collection[str], as_of: datetime, until: datetime
    ) -> tuple[Integers, Integers]:
        """Reads every shop's newest rank of the causes, as a place in the plan's as of ``until``, and since when."""
        codes, begins = self._ladder.codes(), self._ladder.maps_from(datetime.min.replace(tzinfo=UTC))
        table = np.zeros((len(begins) + 1, len(codes) + 1), dtype=np.int64)
        for segment, since in enumerate([datetime.min.replace(tzinfo=UTC), *begins]):
            for place, code in enumerate(codes, 1):
                table[segment, place] = plan.rank_indexes.get(self._ladder.carry(code, since, until), 0)
        numbers, places, segments, since_us = self._facts.newest_ranks(codes, begins, tuple(causes), as_of)
        return self._shops.spread(numbers, table[segments, places]), self._shops.spread(numbers, since_us)


def touched_shops(facts: RankFacts, shops: Shops, metrics: Collection[Metric]) -> Truths:
    """Marks the shops whose figures a refund may have changed at any time: those it did change, and more."""
    marked = np.zeros(shops.count, dtype=np.bool_)
    with_earners = any(metric.name == "earned_minor" for metric in metrics)
    for numbers in facts.refunded_shops(with_earners=with_earners):
        places = places_of(shops.numbers, numbers)
        marked[places[places >= 0]] = True
    reach = max((metric.reach for metric in metrics), default=0)
    if not reach or not marked.any():
        return marked
    below, above = facts.links()
    return spread_up(marked, places_of(shops.numbers, below), places_of(shops.numbers, above), reach)
