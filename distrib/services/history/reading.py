"""The orders of a month from files, as the blocks of arrays that simulations work on, and one by one for the engine.

What a block holds does not depend on where it comes from: the same orders from the database make the same blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
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
from distrib.services.history.parquet import arrow_schema, row_group, row_groups
from distrib.services.history.schema import LEADER, OPENER, ORDERS, REFUNDS, SELLER, TRANSFERS
from distrib.services.history.sorted_rows import RowsOfOrders, last_order
from distrib.services.simulations.coming_back import columns_of_setbacks
from distrib.services.simulations.histories import PastOrder, setbacks_of
from distrib.services.simulations.sources import BLOCK_ORDERS, PlanNeeds
from distrib.store.copying import microseconds
from distrib.store.simulations.history import PaidSpan, PostedRow, RefundRow

_NO_RANK: Final = ""
"""Of who held none: no plan has a rank of that name."""
_OF_ORDERS: Final = (
    *("settled_at", "order_no", "paid_at", "channel", "currency", "is_self_purchase"),
    *("lines.quantity", "lines.paid_minor", "lines.entry", "people"),
)
_OF_TRANSFERS: Final = (
    *("settled_at", "cause_no", "seq", "kind", "event_no", "rule_id", "tier", "shop_no", "amount_minor"),
    *("occurred_at", "available_at"),
)
"""What columns need of orders, whatever the plans, and of the ledger."""
_ROWS_OF_PLACES: Final = {LEADER: LEADER_ROW, OPENER: OPENER_ROW}


class MonthHistory:
    """The orders of a directory that settled in a month and were paid in a span: a source of blocks.

    Of the files is read what columns need; the rest of them only for orders that the engine works on.

    Args:
        needs: what the plans ask of lines.
    """

    def __init__(self, directory: HistoryDirectory, period: int, span: PaidSpan, needs: PlanNeeds) -> None:
        self._directory, self._period, self._needs = directory, period, needs
        self._since, self._until = microseconds([span.since, span.until])
        self.texts = HistoryTexts()
        for texts, codes in ((needs.skus, self.texts.codes.skus), (needs.categories, self.texts.codes.categories)):
            codes |= {text: code for code, text in enumerate(sorted(texts))}
        self._has_refunds = bool(directory.paths_of_orders(REFUNDS, period))
        self._whole = _WholeRows(directory, period)
        self._refunds: dict[int, list[RefundRow]] = {}

    def blocks(self, *, in_time: bool) -> Iterator[HistoryBlock]:
        """Yields the orders in the order in which they settled, asked for or not."""
        transfers = self._rows_of_orders(TRANSFERS, _OF_TRANSFERS, ("kind", "rule_id"))
        refunds = self._rows_of_orders(REFUNDS)
        for path in self._directory.paths(ORDERS, self._period):
            for group, table in enumerate(row_groups(path, self._of_orders(), ("channel", "currency"))):
                for start in range(0, table.num_rows, BLOCK_ORDERS):
                    orders = table.slice(start, BLOCK_ORDERS)
                    last = last_order(orders)
                    posted, back = transfers.take(last), refunds.take(last)
                    paid_at = numbers(column_of(orders, "paid_at"))
                    asked = np.flatnonzero((paid_at >= self._since) & (paid_at < self._until))
                    if asked.size:
                        self._whole.place(path, group, start + asked, last)
                        yield self._block(orders if asked.size == paid_at.size else orders.take(asked), posted, back)

    def orders(self, block: HistoryBlock, places: Sequence[int]) -> list[PastOrder]:
        """Reads the orders at these places of the block that was yielded last."""
        if not places:
            return []
        rows, posted = self._whole.orders(places)
        return [
            past_order(row, posted.get(row["order_no"], ()), self._refunds.get(place, ()))
            for place, row in zip(places, rows, strict=True)
        ]

    def _rows_of_orders(self, kind: str, asked: Sequence[str] | None = None, coded: Sequence[str] = ()) -> RowsOfOrders:
        directory, period = self._directory, self._period
        return RowsOfOrders(kind, directory.paths_of_orders(kind, period), directory.bounds(period), asked, coded)

    def _of_orders(self) -> list[str]:
        """The columns of orders that are read."""
        asked = sorted(self._needs.line_parts | ({"id"} if self._has_refunds else set()))
        return [*_OF_ORDERS, *(f"lines.{part}" for part in asked)]

    def _block(self, table: pa.Table, posted: pa.Table, back: pa.Table) -> HistoryBlock:
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
        unknown = np.full(len(lines["entry"]), NOBODY)
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
        seq = numbers(column_of(posted, "seq"))
        place = np.where(places < 0, NOBODY, sorting[places])
        turns = _turns(place, seq)

        def column(name: str) -> Integers:
            return numbers(column_of(posted, name))[turns]

        def texts(name: str, code_of: Callable[[str], int]) -> Integers:
            return coded(column_of(posted, name), code_of)[turns]

        is_earned = texts("kind", _finding({"earned": 1})) == 1
        columns = PostedColumns(
            order=place[turns],
            rule=texts("rule_id", _adding(self.texts.rules)),
            tier=column("tier"),
            shop_no=column("shop_no"),
            amount_minor=column("amount_minor"),
            is_earned=is_earned,
            occurred_at=column("occurred_at"),
            available_at=column("available_at"),
        )
        decided = np.zeros(order_no.size, np.bool_)
        if not is_earned.all():
            decided[columns.order[~is_earned & (column("event_no") == NOBODY)]] = True
        return columns, decided


class _WholeRows:
    """All that files have of some orders, read again for those alone that the engine works on.

    Args:
        period: the month in which the orders settled.
    """

    def __init__(self, directory: HistoryDirectory, period: int) -> None:
        self._directory, self._period = directory, period
        self._transfers: RowsOfOrders | None = None
        self._path, self._group, self._table = directory.path, NOBODY, arrow_schema(ORDERS).empty_table()
        self._read = self._path, self._group
        self._rows = np.zeros(0, np.int64)
        self._last = NOBODY, NOBODY
        self._before = self._taken_to = self._last
        self._taken = arrow_schema(TRANSFERS).empty_table()

    def place(self, path: Path, group: int, rows: Integers, last: tuple[int, int]) -> None:
        """Says where the orders stand that may be asked for: rows of a row group, up to the last order of a block."""
        self._path, self._group, self._rows = path, group, rows
        self._before, self._last = self._last, last

    def orders(self, places: Sequence[int]) -> tuple[list[OrderOfFile], Mapping[int, Sequence[PostedRow]]]:
        """The orders at some places of the rows, and what the ledger has of them by number."""
        if self._read != (self._path, self._group):
            self._table, self._read = row_group(self._path, self._group), (self._path, self._group)
        rows: list[OrderOfFile] = self._table.take(self._rows[list(places)]).to_pylist()
        return rows, self._posted({row["order_no"] for row in rows})

    def _posted(self, order_no: Collection[int]) -> Mapping[int, Sequence[PostedRow]]:
        if self._transfers is None:
            files = self._directory.paths_of_orders(TRANSFERS, self._period)
            self._transfers = RowsOfOrders(TRANSFERS, files, self._directory.bounds(self._period))
        if self._taken_to != self._last:
            self._transfers.skip(self._before)
            self._taken, self._taken_to = self._transfers.take(self._last), self._last
        taken = self._taken.filter(pc.is_in(self._taken["cause_no"], value_set=pa.array(sorted(order_no), pa.int64())))
        posted: defaultdict[int, list[PostedRow]] = defaultdict(list)
        for row in taken.sort_by([("cause_no", "ascending"), ("seq", "ascending")]).to_pylist():
            known = {name: row[name] for name in PostedRow._fields if name in row}
            posted[row["cause_no"]].append(
                PostedRow(order_no=row["cause_no"], is_earned=row["kind"] == "earned", **known)
            )
        return posted


def _turns(place: Integers, seq: Integers) -> Integers | slice[None, None, None]:
    """The rows of orders that are there, order by order and by number; a slice of all where so they stand."""
    later, same = place[1:] > place[:-1], place[1:] == place[:-1]
    if (place >= 0).all() and (later | (same & (seq[1:] > seq[:-1]))).all():
        return slice(None)
    kept = np.flatnonzero(place >= 0)
    return kept[np.lexsort((seq[kept], place[kept]))]


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
    if not back.num_rows:
        return {}
    places = places_of(order_no[sorting], numbers(column_of(back, "order_no")))
    kept = np.flatnonzero(places >= 0)
    refunds: defaultdict[int, list[RefundRow]] = defaultdict(list)
    taken = back.take(kept)
    columns = (taken[name].to_pylist() for name in RefundRow._fields)
    for place, row in zip(sorting[places[kept]].tolist(), zip(*columns, strict=True), strict=True):
        refunds[place].append(RefundRow(*row))
    return dict(refunds)


def _adding(codes: dict[str, int]) -> Callable[[str], int]:
    """Codes of texts, a new one where a text has none."""
    return lambda text: codes.setdefault(text, len(codes))


def _finding(codes: Mapping[str, int]) -> Callable[[str], int]:
    """Codes of texts, none where a text has none."""
    return lambda text: codes.get(text, NOBODY)
