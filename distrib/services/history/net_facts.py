"""What counts for ranks of a month's orders: sales, and what they earned, less what came back. A row group at a time.

What a refund took counts whenever it was made. What one that was undone gave back is kept by itself: figures of an
earlier instant do not know of it yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.tree import Integers, Truths
from distrib.services.history.arrays import column_of, numbers, truths
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.parquet import row_groups
from distrib.services.history.placing import EntryLines, places_in
from distrib.services.history.schema import ORDERS, REFUNDS, TRANSFERS
from distrib.services.history.sorted_rows import RowsOfOrders, last_order

_SALES: Final = ("settled_at", "order_no", "seller_no", "customer_id", "sales_minor")
_COUNTED: Final = (*_SALES, "paid_minor", "is_self_purchase", "lines")
_BACK: Final = ("settled_at", "order_no", "sales_minor", "occurred_at")
_EARNED: Final = (
    "settled_at",
    "cause_no",
    "seq",
    "kind",
    "line_id",
    "shop_no",
    "amount_minor",
    "occurred_at",
    "reverses_seq",
)


class FactChanges(NamedTuple):
    """What changed of facts afterwards: at which place of them (-1: at none), from when on, and by how much."""

    places: Integers
    occurred_at: Integers
    minor: Integers

    def among(self, which: Truths) -> FactChanges:
        """Some of them."""
        return FactChanges(*(column[which] for column in self))


class NetFacts(NamedTuple):
    """Sales, or commissions: whose, when, how much is left of each, and what was given again of them."""

    shops: Integers
    occurred_at: Integers
    minor: Integers
    again: FactChanges

    @property
    def net(self) -> Integers:
        """How much is left of each with all that is known."""
        net = self.minor.copy()
        np.add.at(net, self.again.places, self.again.minor)
        return net


class OrderFacts(NamedTuple):
    """The sales of some orders with the customers who bought, and what the orders earned."""

    sales: NetFacts
    customers: pa.Array
    earned: NetFacts


def facts_of_month(directory: HistoryDirectory, period: int, *, with_earnings: bool) -> Iterator[OrderFacts]:
    """Yields the facts of the orders that settled in a month.

    Args:
        with_earnings: whether what they earned is asked for; none is yielded otherwise.
    """
    span = directory.bounds(period)
    refunds = RowsOfOrders(REFUNDS, directory.paths_of_orders(REFUNDS, period), span, _BACK)
    files = directory.paths_of_orders(TRANSFERS, period) if with_earnings else []
    transfers = RowsOfOrders(TRANSFERS, files, span, _EARNED)
    for path in directory.paths(ORDERS, period):
        for orders in row_groups(path, _COUNTED if with_earnings else _SALES):
            last = last_order(orders)
            back, posted = refunds.take(last), transfers.take(last)
            sold = (numbers(column_of(orders, "seller_no")) >= 0) & (numbers(column_of(orders, "sales_minor")) > 0)
            of_somebody = orders.filter(pa.array(sold))
            yield OrderFacts(
                _sales(of_somebody, back),
                column_of(of_somebody, "customer_id"),
                _earned(orders, posted) if with_earnings else NetFacts(*_NOTHING),
            )


def _sales(orders: pa.Table, back: pa.Table) -> NetFacts:
    shops, settled_at, sales = (numbers(column_of(orders, name)) for name in ("seller_no", "settled_at", "sales_minor"))
    of, minor = numbers(column_of(back, "order_no")), -numbers(column_of(back, "sales_minor"))
    places = places_in(numbers(column_of(orders, "order_no")), of)
    return _net(shops, settled_at, sales, FactChanges(places, numbers(column_of(back, "occurred_at")), minor))


def _earned(orders: pa.Table, posted: pa.Table) -> NetFacts:
    """The commissions that count, each less what was taken back of it."""
    earned = posted.filter(pc.equal(posted["kind"], "earned"))
    earned = earned.filter(pa.array(_counts(orders, earned)))
    back = posted.filter(pc.and_(pc.equal(posted["kind"], "reversed"), pc.is_valid(posted["reverses_seq"])))
    cause_no, seq, shops, minor, occurred_at = (
        numbers(column_of(earned, name)) for name in ("cause_no", "seq", "shop_no", "amount_minor", "occurred_at")
    )
    reverses = numbers(column_of(back, "reverses_seq"))
    width = max(int(seq.max(initial=0)), int(reverses.max(initial=0))) + 1
    places = places_in(cause_no * width + seq, numbers(column_of(back, "cause_no")) * width + reverses)
    taken, taken_at = (numbers(column_of(back, name)) for name in ("amount_minor", "occurred_at"))
    return _net(shops, occurred_at, minor, FactChanges(places, taken_at, taken))


def _counts(orders: pa.Table, earned: pa.Table) -> Truths:
    """Which commissions count: not those of one's own purchases, nor of entry lines."""
    order_no, sales, paid = (numbers(column_of(orders, name)) for name in ("order_no", "sales_minor", "paid_minor"))
    is_own = truths(column_of(orders, "is_self_purchase"))
    causes = numbers(column_of(earned, "cause_no"))
    of = places_in(order_no, causes)
    is_whole = (paid > 0) & ((sales == 0) | (sales == paid))
    is_entry = EntryLines(orders).has(causes, column_of(earned, "line_id"))
    counted = np.where(is_whole[of], (sales > 0)[of], ~((paid == 0) & is_own)[of] & ~is_entry)
    return np.asarray(counted & (of >= 0), np.bool_)


def _net(shops: Integers, occurred_at: Integers, minor: Integers, changes: FactChanges) -> NetFacts:
    """Facts less what was taken, with what was given again by itself."""
    left, is_known = minor.copy(), changes.places >= 0
    taken, given = (changes.among(is_known & which) for which in (changes.minor < 0, changes.minor > 0))
    np.add.at(left, taken.places, taken.minor)
    return NetFacts(shops, occurred_at, left, given)


_EMPTY: Final = np.zeros(0, np.int64)
_NOTHING: Final = (_EMPTY, _EMPTY, _EMPTY, FactChanges(_EMPTY, _EMPTY, _EMPTY))
