"""The orders of a month from files, as the blocks of arrays that simulations work on, and one by one for the engine.

What a block holds does not depend on where it comes from: the same orders from the database make the same blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.commissions.chunk import (
    LEADER_ROW,
    NOBODY,
    OPENER_ROW,
    PLACES,
    Chunk,
    LineColumns,
    OrderColumns,
    PeopleColumns,
)
from distrib.columns.history.block import HistoryBlock, HistoryTexts, PastColumns, PostedColumns
from distrib.columns.tree import Integers, Truths, places_of
from distrib.domain.events import Order, OrderLine
from distrib.domain.settlement.snapshot import EarlierOrders, Person, Snapshot
from distrib.domain.simulations.outcomes import Setback
from distrib.services.history.arrays import coded, column_of, counts, numbers, records, truths
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.order_rows import CameBackOfFile, OrderOfFile
from distrib.services.history.parquet import arrow_schema, row_groups
from distrib.services.history.schema import LEADER, OPENER, ORDERS, REFUNDS, SELLER, TRANSFERS
from distrib.services.history.sorted_rows import RowsOfOrders, last_order
from distrib.services.simulations.coming_back import columns_of_setbacks
from distrib.services.simulations.histories import PastOrder, setbacks_of
from distrib.services.simulations.sources import PlanNeeds
from distrib.store.copying import microseconds
from distrib.store.simulations.history import PaidSpan, PostedRow, RefundRow

_NO_RANK: Final = ""
"""Of who held none: no plan has a rank of that name."""
_ROWS_OF_PLACES: Final = {LEADER: LEADER_ROW, OPENER: OPENER_ROW}


class MonthHistory:
    """The orders of a directory that settled in a month and were paid in a span: a source of blocks.

    Args:
        needs: what the plans ask of lines.
    """

    def __init__(self, directory: HistoryDirectory, period: int, span: PaidSpan, needs: PlanNeeds) -> None:
        self._directory, self._period, self._needs = directory, period, needs
        self._since, self._until = microseconds([span.since, span.until])
        self.texts = HistoryTexts()
        for texts, codes in ((needs.skus, self.texts.codes.skus), (needs.categories, self.texts.codes.categories)):
            codes |= {text: code for code, text in enumerate(sorted(texts))}
        self._orders = arrow_schema(ORDERS).empty_table()
        self._posted = arrow_schema(TRANSFERS).empty_table()
        self._posted_at = np.zeros(0, np.int64)
        self._refunds: dict[int, list[RefundRow]] = {}

    def blocks(self, *, in_time: bool) -> Iterator[HistoryBlock]:
        """Yields the orders in the order in which they settled, asked for or not."""
        span = self._directory.bounds(self._period)
        transfers = RowsOfOrders(TRANSFERS, self._directory.paths_of_orders(TRANSFERS, self._period), span)
        refunds = RowsOfOrders(REFUNDS, self._directory.paths_of_orders(REFUNDS, self._period), span)
        for path in self._directory.paths(ORDERS, self._period):
            for orders in row_groups(path):
                posted, back = transfers.take(last_order(orders)), refunds.take(last_order(orders))
                paid_at = numbers(column_of(orders, "paid_at"))
                is_asked = (paid_at >= self._since) & (paid_at < self._until)
                if is_asked.all():
                    yield self._block(orders, posted, back)
                elif is_asked.any():
                    yield self._block(orders.filter(is_asked), posted, back)

    def orders(self, block: HistoryBlock, places: Sequence[int]) -> list[PastOrder]:
        """Reads the orders at these places of the block that was yielded last."""
        if not places:
            return []
        posted = self._posted_rows(set(places))
        rows: list[OrderOfFile] = self._orders.take(list(places)).to_pylist()
        return [
            past_order(row, posted.get(place, ()), self._refunds.get(place, ()))
            for place, row in zip(places, rows, strict=True)
        ]

    def _block(self, table: pa.Table, posted: pa.Table, back: pa.Table) -> HistoryBlock:
        self._orders = table
        order_no = numbers(column_of(table, "order_no"))
        sorting = np.argsort(order_no)
        columns, decided = self._posted_columns(posted, order_no, sorting)
        self._refunds = _refund_rows(back, order_no, sorting)
        lines = records(column_of(table, "lines"))
        chunk = self._chunk(table, lines)

        def lines_of(place: int) -> dict[str, int]:
            here = slice(int(chunk.starts[place]), int(chunk.starts[place] + chunk.orders.lines[place]))
            return dict(zip(lines["id"][here].to_pylist(), chunk.lines.paid_minor[here].tolist(), strict=True))

        setbacks = {place: setbacks_of((), rows) for place, rows in self._refunds.items()}
        came = columns_of_setbacks(setbacks, decided, lines_of)
        past = PastColumns(
            order_no,
            numbers(column_of(table, "settled_at")),
            coded(column_of(table, "currency"), _adding(self.texts.currencies)),
            came.refunded_minor,
            came.needs_engine,
        )
        return HistoryBlock(self.texts, past, chunk, columns, came.refunds)

    def _chunk(self, table: pa.Table, lines: Mapping[str, pa.Array]) -> Chunk:
        codes, needs = self.texts.codes, self._needs
        unknown = np.full(len(lines["id"]), NOBODY)
        orders = OrderColumns.under_no_plan(
            lines=counts(column_of(table, "lines")),
            channel=coded(column_of(table, "channel"), _adding(codes.channels)),
            is_self_purchase=truths(column_of(table, "is_self_purchase")),
            paid_at=numbers(column_of(table, "paid_at")),
        )
        sold = LineColumns(
            sku=coded(lines["sku"], _finding(codes.skus)) if needs.skus else unknown,
            category=coded(lines["category"], _finding(codes.categories)) if needs.categories else unknown,
            quantity=numbers(lines["quantity"]),
            paid_minor=numbers(lines["paid_minor"]),
            list_minor=numbers(lines["list_minor"]) if "list" in needs.bases else unknown,
            cost_minor=numbers(lines["cost_minor"]) if "margin" in needs.bases else unknown,
            is_entry=truths(lines["entry"]),
        )
        return Chunk(codes.as_codes(), orders, sold, self._people(table))

    def _people(self, table: pa.Table) -> PeopleColumns:
        people = column_of(table, "people")
        parts = records(people)
        order = np.repeat(np.arange(table.num_rows), counts(people))
        row = numbers(parts["place"])
        for place, of_place in _ROWS_OF_PLACES.items():
            row[row == place] = of_place
        shape = PLACES, table.num_rows
        shop_no, rank, is_active = np.full(shape, NOBODY), np.full(shape, NOBODY, np.int16), np.zeros(shape, np.bool_)
        shop_no[row, order] = numbers(parts["shop_no"])
        rank[row, order] = coded(parts["rank"], _adding(self.texts.codes.ranks))
        is_active[row, order] = truths(parts["is_active"])
        return PeopleColumns(shop_no, rank, is_active)

    def _posted_columns(self, posted: pa.Table, order_no: Integers, sorting: Integers) -> tuple[PostedColumns, Truths]:
        """The ledger's rows by place, and which orders a case has decided about."""
        places = places_of(order_no[sorting], numbers(column_of(posted, "cause_no")))
        kept = np.flatnonzero(places >= 0)
        place = sorting[places[kept]]
        turns = np.lexsort((numbers(column_of(posted, "seq"))[kept], place))
        self._posted, self._posted_at = posted.take(kept[turns]), place[turns]
        rows = {name: column_of(self._posted, name) for name in self._posted.column_names}
        is_earned = truths(pc.equal(rows["kind"], "earned"))
        columns = PostedColumns(
            order=self._posted_at,
            rule=coded(rows["rule_id"], _adding(self.texts.rules)),
            tier=numbers(rows["tier"]),
            shop_no=numbers(rows["shop_no"]),
            amount_minor=numbers(rows["amount_minor"]),
            is_earned=is_earned,
            occurred_at=numbers(rows["occurred_at"]),
            available_at=numbers(rows["available_at"]),
        )
        decided = np.zeros(order_no.size, np.bool_)
        decided[self._posted_at[~is_earned & truths(rows["event_no"].is_null())]] = True
        return columns, decided

    def _posted_rows(self, places: set[int]) -> dict[int, list[PostedRow]]:
        """The ledger's rows of the orders at these places, by place."""
        kept = np.flatnonzero(np.isin(self._posted_at, list(places)))
        posted: defaultdict[int, list[PostedRow]] = defaultdict(list)
        for place, row in zip(self._posted_at[kept].tolist(), self._posted.take(kept).to_pylist(), strict=True):
            known = {name: row[name] for name in PostedRow._fields if name in row}
            posted[place].append(PostedRow(order_no=row["cause_no"], is_earned=row["kind"] == "earned", **known))
        return posted


def past_order(row: OrderOfFile, posted: Sequence[PostedRow] = (), refunds: Sequence[RefundRow] = ()) -> PastOrder:
    """An order of a file with what the ledger has of it and what came back."""
    first, count = row["earlier_first_paid_at"], row["earlier_orders"]
    setbacks = _came_back(row.get("came_back", ()))
    if refunds or any(entry.event_no is None for entry in posted):
        setbacks = setbacks_of(posted, refunds)
    return PastOrder(
        row["order_no"],
        row["event_no"],
        row.get("version_no"),
        row["settled_at"],
        Order(
            row["order_id"],
            row["currency"],
            row["paid_at"],
            tuple([OrderLine(**line) for line in row["lines"]]),
            row["channel"],
            customer_id=row["customer_id"],
            group_id=row["group_id"],
        ),
        _snapshot(row),
        setbacks,
        posted,
        has_failed="code" in row,
        counted=None if count is None else EarlierOrders(count, first),
    )


def _came_back(lines: Sequence[CameBackOfFile]) -> list[Setback]:
    """What would come back of an order that failed, in the order in which the lines stand."""
    setbacks = []
    for (event_no, refund_id), taken in groupby(lines, lambda line: (line["event_no"], line["refund_id"])):
        of_setback = list(taken)
        by_line = {line["line_id"]: line["amount_minor"] for line in of_setback}
        setbacks.append(Setback(event_no, refund_id, by_line, of_setback[0]["occurred_at"]))
    return setbacks


def _snapshot(row: OrderOfFile) -> Snapshot:
    people = {
        person["place"]: Person(person["shop_no"], person["rank"] or _NO_RANK, person["is_active"])
        for person in row["people"]
    }
    kept = row.get("kept_earlier_orders")
    return Snapshot(
        people.get(SELLER),
        tuple([people[place] for place in sorted(people) if place > SELLER]),
        row["is_self_purchase"],
        people.get(LEADER),
        people.get(OPENER),
        frozen_case=row["frozen_case"],
        earlier_orders=None if kept is None else EarlierOrders(kept, row["kept_first_paid_at"]),
    )


def _refund_rows(back: pa.Table, order_no: Integers, sorting: Integers) -> dict[int, list[RefundRow]]:
    """What refunds took, by place."""
    places = places_of(order_no[sorting], numbers(column_of(back, "order_no")))
    kept = np.flatnonzero(places >= 0)
    refunds: defaultdict[int, list[RefundRow]] = defaultdict(list)
    for place, row in zip(sorting[places[kept]].tolist(), back.take(kept).to_pylist(), strict=True):
        refunds[place].append(RefundRow(**{name: row[name] for name in RefundRow._fields}))
    return dict(refunds)


def _adding(codes: dict[str, int]) -> Callable[[str], int]:
    """Codes of texts, a new one where a text has none."""
    return lambda text: codes.setdefault(text, len(codes))


def _finding(codes: Mapping[str, int]) -> Callable[[str], int]:
    """Codes of texts, none where a text has none."""
    return lambda text: codes.get(text, NOBODY)
