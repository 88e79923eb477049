"""The figures that ranks are decided by, of many shops as of many instants at once (plan.md, Ranks).

They are those of ``store.ranks.figures``; a property test holds both together. No figure is read order by order where
a sum up to an order tells it: orders of which nothing is left, and buyers, are the exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from distrib.columns.ranking.back import KnownRefunds, LookSpan, RefundedOrders, RefundRows
from distrib.columns.ranking.held import DatedRanks
from distrib.columns.ranking.links import SponsorLinks, figures_of
from distrib.columns.ranking.persons import MergedPersons
from distrib.columns.ranking.sold import SoldMonth
from distrib.columns.ranking.spans import Pairs, each_of, once, runs_of
from distrib.columns.sums import sums_by
from distrib.columns.tree import Integers, Truths


@dataclass(frozen=True, slots=True)
class RankingFacts:
    """What happened, whatever plan was in force; instants are in microseconds since 1970.

    Attributes:
        months: what was sold, by month.
        orders: those of the months of which something came back, and ``refunds`` what.
        shops: every shop by ascending number, with its joining.
    """

    months: Sequence[SoldMonth]
    orders: RefundedOrders
    refunds: RefundRows
    links: SponsorLinks
    shops: Integers
    joined_at: Integers
    persons: MergedPersons


class ShopLooks(NamedTuple):
    """Shops that are looked at: of each over which span, and from when on who stood below it counts as below it."""

    shops: Integers
    span: LookSpan
    tree_at: Integers

    def of(self, looks: Integers | slice) -> ShopLooks:
        """Some of them."""
        return ShopLooks(self.shops[looks], LookSpan(*(column[looks] for column in self.span)), self.tree_at[looks])


class SoldBySeller(NamedTuple):
    """Sellers by ascending number, with what they sold less what came back, and the orders of which some is left."""

    sellers: Integers
    minor: Integers
    orders: Integers


class RankingFigures:
    """Figures by the ranks as they stand and the refunds that are known, of which there are none at first."""

    def __init__(self, facts: RankingFacts, ranks: DatedRanks) -> None:
        self._facts, self._ranks = facts, ranks
        self._is_known = np.zeros(facts.refunds.orders.size, np.bool_)
        self._refunds = KnownRefunds(facts.orders, self.known_refunds())

    def know(self, until: int, done_by: int) -> None:
        """Makes known, too, what came back before an instant, and all that was done by another."""
        rows = self._facts.refunds
        self._is_known |= (rows.occurred_at < until) | (rows.done_at <= done_by)
        self._refunds = KnownRefunds(self._facts.orders, self.known_refunds())

    def known_refunds(self) -> RefundRows:
        """The refunds that are known."""
        return self._facts.refunds.among(self._is_known)

    def refunded(self) -> Integers:
        """The shops of whose sales something was taken back, whenever they were made."""
        known = self.known_refunds()
        return np.unique(known.sellers[known.minor > 0])

    def figure(self, name: str, levels: int, looks: ShopLooks, ranks: Integers | None) -> Integers:
        """One figure of each look.

        Args:
            name: of a metric of plan.md; ``earned_minor`` is none of these.
            levels: how many levels below a shop are read in its place; 0 reads the shop itself.
            ranks: of which a recruit counts, by number; None: of all.
        """
        alone: dict[str, Callable[[ShopLooks], Integers]] = {
            "personal_sales_minor": lambda own: self._sales(own.shops, own.span),
            "personal_orders": lambda own: self._orders(own.shops, own.span),
            "customers": self._customers,
        }
        if name in alone:
            return alone[name](looks)
        teams: dict[str, Callable[[ShopLooks, Pairs], Integers]] = {
            "team_sales_minor": self._team_sales,
            "direct_recruits": self._recruits,
            "active_recruits": lambda own, pairs: self._active(own, pairs, ranks),
        }
        counted = np.zeros(looks.shops.size, np.int64)
        depth = levels or 1
        for run in runs_of(self._facts.links.most_below(looks.shops, depth)):
            own = looks.of(run)
            itself = Pairs(np.arange(own.shops.size), own.shops)
            pairs = self._facts.links.team(itself, depth, own.tree_at, own.span.until)
            counted[run] = teams[name](own, pairs)
        return counted

    def sold(self, since: int, until: int) -> SoldBySeller:
        """What every seller sold from an instant to another, both included, less all that is known to have come back.

        An order of which nothing is left is none, whenever it was taken back.
        """
        parts = []
        for month in self._months(since, until):
            spans = LookSpan(*(np.full(month.shops.size, bound) for bound in (since, until, until)))
            begins, ends = month.rows(month.shops, spans.since, spans.until)
            parts.append((month.shops, month.sums[ends] - month.sums[begins], ends - begins))
        orders, taken = self._facts.orders, self._refunds.by_order()
        is_within = (orders.settled_at >= since) & (orders.settled_at <= until)
        sellers, minor = orders.sellers[is_within], taken[is_within]
        is_gone = (orders.minor[is_within] <= minor).astype(np.int64)
        parts.append((sellers, -minor, -is_gone))
        shops, sums, counts = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        (shops,), (sums, counts) = sums_by([shops], [sums, counts])
        return SoldBySeller(shops, sums, counts)

    def buyers(self, since: int, until: int) -> tuple[Integers, Integers]:
        """Sellers, and of how many different persons anything is left that they bought in a span."""
        orders, taken = self._facts.orders, self._refunds.by_order()
        gone = np.flatnonzero(orders.minor <= taken)
        bought = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64))
        for place, month in enumerate(self._facts.months):
            if month.start > until or month.last < since or not month.buyers.size:
                continue
            settled_at = month.settled_at(np.arange(month.keys.size))
            is_asked = (settled_at >= since) & (settled_at <= until) & (month.buyers >= 0)
            is_asked[orders.rows[gone[orders.months[gone] == place]]] = False
            rows = np.flatnonzero(is_asked)
            persons = self._facts.persons.of(month.buyers[rows], np.full(rows.size, until))
            of_month = once(Pairs(month.sellers(rows), persons))
            bought = _joined([bought, of_month])
        sellers, counts = np.unique(bought.looks, return_counts=True)
        return sellers, counts.astype(np.int64)

    def _months(self, since: int, until: int) -> list[SoldMonth]:
        return [month for month in self._facts.months if month.start <= until and month.last >= since]

    def _sales(self, shops: Integers, spans: LookSpan) -> Integers:
        sums = np.zeros(shops.size, np.int64)
        for month, here in self._in_months(spans):
            begins, ends = month.rows(shops[here], spans.since[here], spans.until[here])
            sums[here] += month.sums[ends] - month.sums[begins]
        return sums - self._refunds.taken(shops, spans)

    def _orders(self, shops: Integers, spans: LookSpan) -> Integers:
        counts = np.zeros(shops.size, np.int64)
        for month, here in self._in_months(spans):
            begins, ends = month.rows(shops[here], spans.since[here], spans.until[here])
            counts[here] += ends - begins
        return counts - self._refunds.gone(shops, spans)

    def _in_months(self, spans: LookSpan) -> list[tuple[SoldMonth, Integers]]:
        """Each month with the places of the spans that reach into it."""
        reached: list[tuple[SoldMonth, Integers]] = []
        if not spans.since.size:
            return reached
        for month in self._months(int(spans.since.min()), int(spans.until.max())):
            here = np.flatnonzero((spans.since <= month.last) & (spans.until >= month.start))
            if here.size:
                reached.append((month, here))
        return reached

    def _customers(self, looks: ShopLooks) -> Integers:
        """How many different persons each look has."""
        bought = [Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        for place, month in enumerate(self._facts.months):
            begins, ends = month.rows(looks.shops, looks.span.since, looks.span.until)
            refunded = self._refunded_of(place)
            for run in runs_of(ends - begins if month.buyers.size else np.zeros(0, np.int64)):
                of, rows = each_of(begins[run], ends[run])
                of += run.start
                kept = (month.buyers[rows] >= 0) & self._is_left(refunded, rows, looks.span.of(of))
                of, rows = of[kept], rows[kept]
                persons = self._facts.persons.of(month.buyers[rows], looks.span.back[of])
                bought.append(once(Pairs(of, persons)))
        return np.bincount(_joined(bought).looks, minlength=looks.shops.size).astype(np.int64)

    def _refunded_of(self, month: int) -> Integers:
        """The places of a month's orders of which something came back, by their rows."""
        orders = self._facts.orders
        here = np.flatnonzero(orders.months == month)
        return here[np.argsort(orders.rows[here])]

    def _is_left(self, refunded: Integers, rows: Integers, spans: LookSpan) -> Truths:
        """Of which orders of a month, by their rows, anything is left; ``refunded`` as of ``_refunded_of``."""
        orders = self._facts.orders
        places = np.searchsorted(orders.rows[refunded], rows)
        is_refunded = np.append(orders.rows[refunded], -1)[places] == rows
        is_left = np.ones(rows.size, np.bool_)
        of = np.flatnonzero(is_refunded)
        is_left[of] = self._refunds.is_left(refunded[places[of]], spans.until[of], spans.back[of])
        return is_left

    def _team_sales(self, looks: ShopLooks, pairs: Pairs) -> Integers:
        sums = np.zeros(looks.shops.size, np.int64)
        np.add.at(sums, pairs.looks, self._sales(pairs.shops, looks.span.of(pairs.looks)))
        return sums

    def _recruits(self, looks: ShopLooks, pairs: Pairs) -> Integers:
        joined_at = figures_of(self._facts.shops, self._facts.joined_at, pairs.shops)
        spans = looks.span.of(pairs.looks)
        counts = (joined_at >= spans.since) & (joined_at <= spans.until)
        return np.bincount(pairs.looks[counts], minlength=looks.shops.size).astype(np.int64)

    def _active(self, looks: ShopLooks, pairs: Pairs, ranks: Integers | None) -> Integers:
        if ranks is not None:
            tree_at, until = looks.tree_at[pairs.looks], looks.span.until[pairs.looks]
            kept = self._ranks.held_any(pairs.shops, tree_at, until, ranks)
            pairs = Pairs(pairs.looks[kept], pairs.shops[kept])
        is_active = self._orders(pairs.shops, looks.span.of(pairs.looks)) > 0
        return np.bincount(pairs.looks[is_active], minlength=looks.shops.size).astype(np.int64)


def _joined(parts: Sequence[Pairs]) -> Pairs:
    """All pairs, each once."""
    return once(Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True))))
