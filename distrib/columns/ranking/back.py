"""What refunds took back of sales, as far as it is known: sums as of instants, and orders of which nothing is left.

A refund that was undone stands as one below 0. For a bound from above it counts as a sale does, from ``until`` on, and
what was taken by ``back`` alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from distrib.columns.ranking.spans import each_of, runs_of, span_of
from distrib.columns.tree import Integers, Truths


class LookSpan(NamedTuple):
    """Of each look from when to when sales count, both included, and up to when what came back of them does."""

    since: Integers
    until: Integers
    back: Integers

    def of(self, looks: Integers) -> LookSpan:
        """Those of some looks."""
        return LookSpan(self.since[looks], self.until[looks], self.back[looks])


class RefundedOrders(NamedTuple):
    """Orders of which something came back: who sold, when, for how much, and where they stand: month and row."""

    sellers: Integers
    settled_at: Integers
    minor: Integers
    months: Integers
    rows: Integers


class RefundRows(NamedTuple):
    """What refunds took.

    Attributes:
        orders: the place of the order among ``RefundedOrders``; -1 of others.
        occurred_at: from when it counts, and ``done_at`` when it was done; later than all where it was not.
        minor: what it took of the sales that count, in minor units; below 0 where a refund was undone.
        sellers: who sold, and ``looked_at`` at which instant the seller is looked at for it.
    """

    orders: Integers
    occurred_at: Integers
    done_at: Integers
    minor: Integers
    sellers: Integers
    looked_at: Integers

    def among(self, which: Truths | Integers) -> RefundRows:
        """Some of the rows."""
        return RefundRows(*(column[which] for column in self))


class KnownRefunds:
    """The refunds that are known at a time of a replay.

    Args:
        rows: those, of whatever orders.
    """

    def __init__(self, orders: RefundedOrders, rows: RefundRows) -> None:
        known = rows.among((rows.orders >= 0) & (rows.minor != 0))
        self._orders = orders
        # By seller and sale, so that a seller's rows, and an order's, stand together.
        order = np.lexsort((known.orders, orders.settled_at[known.orders], orders.sellers[known.orders]))
        self._rows = known.among(order)
        self._sellers = orders.sellers[self._rows.orders]
        self._sold_at = orders.settled_at[self._rows.orders]
        by_order = np.argsort(known.orders, kind="stable")
        self._of_orders = known.among(by_order)
        taken = np.zeros(orders.minor.size, np.int64)
        takes = known.minor > 0
        np.add.at(taken, known.orders[takes], known.minor[takes])
        gone = np.flatnonzero((taken >= orders.minor) & (orders.minor > 0))
        self._gone = gone[np.lexsort((orders.settled_at[gone], orders.sellers[gone]))]
        self._gone_of = orders.sellers[self._gone]

    def taken(self, shops: Integers, spans: LookSpan) -> Integers:
        """What was taken back of the sales of each shop in its span, in minor units."""
        sums = np.zeros(shops.size, np.int64)
        begins, ends = span_of(self._sellers, shops)
        for run in runs_of(ends - begins):
            of, rows = each_of(begins[run], ends[run])
            of += run.start
            minor, sold_at = self._rows.minor[rows], self._sold_at[rows]
            counts = (sold_at >= spans.since[of]) & (sold_at <= spans.until[of])
            counts &= self._rows.occurred_at[rows] <= np.where(minor < 0, spans.until[of], spans.back[of])
            np.add.at(sums, of[counts], minor[counts])
        return sums

    def gone(self, shops: Integers, spans: LookSpan) -> Integers:
        """Of how many orders of each shop in its span nothing is left."""
        counts = np.zeros(shops.size, np.int64)
        begins, ends = span_of(self._gone_of, shops)
        for run in runs_of(ends - begins):
            of, places = each_of(begins[run], ends[run])
            of += run.start
            orders = self._gone[places]
            settled_at = self._orders.settled_at[orders]
            is_within = (settled_at >= spans.since[of]) & (settled_at <= spans.until[of])
            of, orders = of[is_within], orders[is_within]
            is_gone = ~self.is_left(orders, spans.until[of], spans.back[of])
            np.add.at(counts, of[is_gone], 1)
        return counts

    def is_left(self, orders: Integers, until: Integers, back: Integers) -> Truths:
        """Of which of some orders, by their places, anything is left."""
        begins, ends = span_of(self._of_orders.orders, orders)
        of, rows = each_of(begins, ends)
        minor = self._of_orders.minor[rows]
        counts = self._of_orders.occurred_at[rows] <= np.where(minor < 0, until[of], back[of])
        left = self._orders.minor[orders].copy()
        np.subtract.at(left, of[counts], minor[counts])
        return left > 0

    def by_order(self) -> Integers:
        """All that was taken back of each order that has a place, whenever it was."""
        taken = np.zeros(self._orders.minor.size, np.int64)
        np.add.at(taken, self._of_orders.orders, self._of_orders.minor)
        return taken
