"""Rows that belong to orders or to lines of orders, found in arrays: at which place, and which of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from distrib.columns.tree import Integers, Truths, places_of
from distrib.services.history.arrays import column_of, counts, numbers, records, truths
from distrib.services.history.buying import codes_of


def places_in(known: Integers, wanted: Integers) -> Integers:
    """At which place of some numbers each wanted one stands; -1 where it does not.

    >>> places_in(np.array([9, 3, 5]), np.array([5, 4, 9])).tolist()
    [2, -1, 0]
    """
    turns = np.argsort(known, kind="stable")
    places = places_of(known[turns], wanted)
    return np.where(places < 0, -1, np.append(turns, -1)[places])


def spread(known: Integers, numbered: Integers, minor: Integers) -> Integers:
    """Adds amounts up by number over all that are known; those of other numbers are left out.

    >>> spread(np.array([9, 3]), np.array([3, 4, 3]), np.array([1, 20, 300])).tolist()
    [0, 301]
    """
    places = places_in(known, numbered)
    sums = np.zeros(known.size, np.int64)
    np.add.at(sums, places[places >= 0], minor[places >= 0])
    return sums


class EntryLines:
    """The entry lines of a table of orders, of those orders alone that may have one."""

    def __init__(self, orders: pa.Table) -> None:
        order_no, sales, paid = (numbers(column_of(orders, name)) for name in ("order_no", "sales_minor", "paid_minor"))
        self.order_no, self.paid_minor, self._ids = np.zeros(0, np.int64), np.zeros(0, np.int64), None
        looked_at = np.flatnonzero((sales != paid) | (paid == 0))
        if looked_at.size:
            lines = column_of(orders.take(looked_at), "lines")
            parts, of = records(lines), np.repeat(looked_at, counts(lines))
            is_entry = truths(parts["entry"])
            self.order_no, self.paid_minor = order_no[of[is_entry]], numbers(parts["paid_minor"])[is_entry]
            self._ids = parts["id"].filter(pa.array(is_entry))

    def has(self, order_no: Integers, line_ids: pa.Array) -> Truths:
        """Which lines of orders are among them."""
        if self._ids is None or not len(self._ids):
            return np.zeros(order_no.size, np.bool_)
        codes = codes_of(pa.concat_arrays([self._ids, line_ids])) + 1
        width = int(codes.max(initial=0)) + 1
        own = self.order_no * width + codes[: self.order_no.size]
        return np.isin(order_no * width + codes[self.order_no.size :], own) & (codes[self.order_no.size :] > 0)
