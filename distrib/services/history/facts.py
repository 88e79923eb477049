"""What simulations ask of history beyond the orders, answered from files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.domain.customers import Identities
from distrib.domain.settlement.snapshot import EarlierOrders
from distrib.services.history.arrays import column_of, numbers
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.parquet import row_groups
from distrib.services.history.sales import SalesOfShops
from distrib.services.history.schema import ORDERS, TRANSFERS
from distrib.services.history.sorted_rows import RowsOfOrders, last_order
from distrib.services.simulations.histories import PastOrder
from distrib.store.copying import microseconds
from distrib.store.settlement.sales import Span as SalesSpan
from distrib.store.simulations.history import OutsideRow, PaidSpan

_OF_ORDERS: Final = ("settled_at", "order_no", "paid_at", "customer_id")


class FileFacts:
    """The facts of a directory, as far as they reach into some months.

    Args:
        periods: the months in which orders outside of a span are looked for.
    """

    def __init__(self, directory: HistoryDirectory, periods: Sequence[int]) -> None:
        self._directory, self._periods = directory, periods
        self._sales = SalesOfShops(directory)

    def identities(self, customer_ids: Collection[str]) -> Identities:
        """Who is one person with whom, of all customers."""
        return self._directory.identities

    def earlier(self, people: Identities, orders: Sequence[PastOrder], most: int) -> list[EarlierOrders]:
        """The earlier orders that were counted when the files were written."""
        counted = [past.counted or EarlierOrders(0) for past in orders]
        return [known._replace(orders=min(known.orders, most)) for known in counted]

    def sales(self, spans: Sequence[SalesSpan]) -> list[int]:
        """What shops sold in each span, less what refunds up to its end took back."""
        return self._sales.of(spans)

    def outside(self, span: PaidSpan, rules: Sequence[str], name: str) -> Iterator[OutsideRow]:
        """Yields what those rules paid on orders outside of a span, the earliest first."""
        since, until = microseconds([span.since, span.until])
        for period in self._periods:
            files, month = self._directory.paths_of_orders(TRANSFERS, period), self._directory.bounds(period)
            transfers = RowsOfOrders(TRANSFERS, files, month)
            for path in self._directory.paths(ORDERS, period):
                for orders in row_groups(path, _OF_ORDERS):
                    paid_at = numbers(column_of(orders, "paid_at"))
                    outside = orders.filter((paid_at < since) | (paid_at >= until))
                    posted = transfers.take(last_order(orders))
                    yield from _paid_by(outside, _earned(posted, rules))


def _earned(posted: pa.Table, rules: Sequence[str]) -> pa.Table:
    is_asked = pc.and_(
        pc.equal(posted["kind"], "earned"), pc.is_in(posted["rule_id"], value_set=pa.array(rules, pa.string()))
    )
    return posted.filter(is_asked)


def _paid_by(outside: pa.Table, earned: pa.Table) -> Iterator[OutsideRow]:
    """The rows of those orders, in their order."""
    customers = dict(zip(outside["order_no"].to_pylist(), outside["customer_id"].to_pylist(), strict=True))
    for row in earned.take(np.argsort(numbers(column_of(earned, "occurred_at")), kind="stable")).to_pylist():
        if row["cause_no"] in customers:
            known = row["rule_id"], row["shop_no"], row["occurred_at"], customers[row["cause_no"]]
            yield OutsideRow(*known, row["amount_minor"])
