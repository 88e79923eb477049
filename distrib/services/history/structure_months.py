"""What the structure of a program asks of one month of files: sums by shop, and who bought for the first time in it.

The sums of all months are those of the program; who bought first of all is known when months are added in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.sums import sums_by
from distrib.columns.tree import Integers
from distrib.services.compliance.figures import StructureSpans
from distrib.services.history.arrays import column_of, numbers, truths
from distrib.services.history.buying import BuyingPeople, codes_of, first_places
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.parquet import row_groups, row_groups_between
from distrib.services.history.placing import EntryLines, spread
from distrib.services.history.schema import ORDERS, REFUNDS, TRANSFERS
from distrib.services.history.sorted_rows import RowsOfOrders, last_order
from distrib.services.history.sums import MonthSums, added
from distrib.store.copying import microseconds

NET_YEAR, RETAIL_YEAR, NET_MONTH, RETAIL_MONTH, ENTRY, ENTRY_YEAR, THRESHOLDS = range(7)
"""The columns of what sellers sold; of each threshold follows what was sold since."""
DIRECT, INDIRECT, MONTH, MONTH_ROWS, QUARTER, QUARTER_ROWS, PAID, PAID_ROWS, OTHERS_ROWS = range(9)
"""The columns of what earners got: sums and numbers of rows."""
_OF_ORDERS: Final = ("settled_at", "order_no", "seller_no", "customer_id", "paid_minor", "sales_minor", "lines")
_OF_REFUNDS: Final = ("settled_at", "order_no", "line_id", "amount_minor", "occurred_at")
_OF_TRANSFERS: Final = ("kind", "tier", "shop_no", "amount_minor", "occurred_at")


@dataclass(frozen=True)
class StructureQuestion:
    """What is asked of every month: up to which instant, over which spans, and who is a shop or one person."""

    directory: HistoryDirectory
    as_of: datetime
    spans: StructureSpans
    people: BuyingPeople

    @property
    def until(self) -> int:
        """The instant in microseconds since 1970; it is included."""
        return microseconds([self.as_of])[0]


class FirstBuyers(NamedTuple):
    """Persons, each with the seller and the instant of its first order."""

    persons: pa.Array
    sellers: Integers
    settled_at: Integers


class MonthStructure(NamedTuple):
    """What a month comes to; ``buyers`` are how many different persons bought of a seller."""

    sold: MonthSums
    paid: MonthSums
    first: FirstBuyers
    buyers: MonthSums


def structure_of_month(question: StructureQuestion, period: int) -> MonthStructure:
    """What the orders that settled in a month, and the rows of the ledger of its file, come to."""
    orders = [_sold_of(question, group) for group in _orders(question, period)]
    bought = FirstBuyers(
        pa.concat_arrays([pa.array([], pa.string()), *(first.persons for _, first in orders)]),
        np.concatenate([np.zeros(0, np.int64), *(first.sellers for _, first in orders)]),
        np.concatenate([np.zeros(0, np.int64), *(first.settled_at for _, first in orders)]),
    )
    persons, places = first_places(bought.persons)
    return MonthStructure(
        added([MonthSums.nothing(THRESHOLDS + len(question.spans.thresholds)), *(sold for sold, _ in orders)]),
        _paid(question, period),
        FirstBuyers(persons, bought.sellers[places], bought.settled_at[places]),
        _buyers(question, bought),
    )


class _Orders(NamedTuple):
    """Orders of a month in columns, with what came back of each, and the entry lines among them."""

    table: pa.Table
    back_minor: Integers
    entry_minor: Integers


def _orders(question: StructureQuestion, period: int) -> Iterator[_Orders]:
    """Yields the orders of somebody that settled by the instant, a row group at a time."""
    directory, until = question.directory, question.until
    start, end = directory.bounds(period)
    if start > until:
        return
    files = directory.paths_of_orders(REFUNDS, period)
    refunds = RowsOfOrders(REFUNDS, files, (start, end), _OF_REFUNDS)
    for path in directory.paths(ORDERS, period):
        for orders in row_groups(path, _OF_ORDERS):
            back = refunds.take(last_order(orders))
            back = back.filter(numbers(column_of(back, "occurred_at")) <= until)
            is_sold = (numbers(column_of(orders, "settled_at")) <= until) & (
                numbers(column_of(orders, "seller_no")) >= 0
            )
            sold = orders.filter(pa.array(is_sold))
            order_no, minor = numbers(column_of(back, "order_no")), numbers(column_of(back, "amount_minor"))
            yield _Orders(sold, spread(numbers(column_of(sold, "order_no")), order_no, minor), _entry_of(sold, back))


def _entry_of(orders: pa.Table, back: pa.Table) -> Integers:
    """What entry lines of each order came to, less what came back of them."""
    lines = EntryLines(orders)
    order_no, minor = numbers(column_of(back, "order_no")), numbers(column_of(back, "amount_minor"))
    is_of_line = lines.has(order_no, column_of(back, "line_id"))
    known = numbers(column_of(orders, "order_no"))
    return spread(known, lines.order_no, lines.paid_minor) - spread(known, order_no, minor * is_of_line)


def _sold_of(question: StructureQuestion, orders: _Orders) -> tuple[MonthSums, FirstBuyers]:
    """What some orders come to by seller, and the orders of persons who are no shops."""
    table, spans = orders.table, question.spans
    settled_at, sellers, paid, sales = (
        numbers(column_of(table, name)) for name in ("settled_at", "seller_no", "paid_minor", "sales_minor")
    )
    customers = column_of(table, "customer_id")
    is_retail = ~question.people.are_shops(customers)
    net = paid - orders.back_minor
    year, month = (settled_at > since for since in microseconds([spans.year, spans.month[0]]))
    columns = [net * year, net * (year & is_retail), net * month, net * (month & is_retail)]
    columns += [orders.entry_minor, orders.entry_minor * year]
    columns += [sales * (settled_at > since) for since in microseconds(spans.thresholds)]
    bought = is_retail & truths(pc.is_valid(customers))
    persons = question.people.persons(customers.filter(pa.array(bought)))
    return MonthSums.of(sellers, columns), FirstBuyers(persons, sellers[bought], settled_at[bought])


def _buyers(question: StructureQuestion, bought: FirstBuyers) -> MonthSums:
    """How many different persons bought of each seller in the month of the instant."""
    is_asked = bought.settled_at >= microseconds([question.spans.month[0]])[0]
    sellers, persons = bought.sellers[is_asked], codes_of(bought.persons)[is_asked]
    (sellers, _), _ = sums_by([sellers, persons], [np.ones(sellers.size, np.int64)])
    return MonthSums.of(sellers, [np.ones(sellers.size, np.int64)])


def _paid(question: StructureQuestion, period: int) -> MonthSums:
    """What the rows of the ledger in a month's file come to by shop."""
    spans, until = question.spans, question.until
    (year,) = microseconds([spans.year])
    earliest = min(microseconds([spans.year, spans.quarter[0], spans.calendar_year[0]]))
    parts = [MonthSums.nothing(OTHERS_ROWS + 1)]
    for path in question.directory.paths(TRANSFERS, period):
        for group in row_groups_between(path, _OF_TRANSFERS, "occurred_at", (earliest, until + 1)):
            shops, minor, occurred_at = (
                numbers(column_of(group, name)) for name in ("shop_no", "amount_minor", "occurred_at")
            )
            counted = (shops > 0) & (occurred_at <= until)
            tier = numbers(column_of(group, "tier"), 0)
            earned, reversed_, pool, adjusted, paid, tax = (
                truths(pc.equal(column_of(group, "kind"), kind)) & counted
                for kind in ("earned", "reversed", "pool", "adjusted", "paid", "tax")
            )
            pay = (earned | reversed_ | pool) & (occurred_at > year)
            gain, cost = earned | reversed_ | pool | adjusted, paid | tax
            month, quarter, calendar = (
                (occurred_at >= since) & (occurred_at < end)
                for since, end in map(microseconds, (spans.month, spans.quarter, spans.calendar_year))
            )
            columns = [minor * (pay & ~pool & (tier == 0)), minor * (pay & (pool | (tier > 0)))]
            columns += [minor * (gain & month), (gain & month).astype(np.int64)]
            columns += [minor * (gain & quarter), (gain & quarter).astype(np.int64)]
            columns += [-minor * (cost & calendar), (cost & calendar).astype(np.int64)]
            columns += [(earned & (tier > 0) & (occurred_at >= microseconds(spans.month)[0])).astype(np.int64)]
            parts.append(MonthSums.of(shops, columns))
    return added(parts)
