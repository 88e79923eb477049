"""Rows of orders from files in the order of time: taken up to an order, a row group in memory at a time.

Refunds and transfers stand in files of the months in which they count, sorted by when their order settled and by its
number; those of the orders of one month are found in every file by the statistics of its row groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from distrib.services.history.arrays import column_of, last_numbers, numbers
from distrib.services.history.parquet import arrow_schema, row_groups_between
from distrib.services.history.schema import COLUMNS, REFUNDS, TRANSFERS

_UNASKED: Final = frozenset(
    {"version_no", "belongs_to_period", "pool_id", "pool_period", "sales_minor", "reverses_seq"}
)
"""What no simulation asks of rows of orders, and so is not read."""
_NUMBERS: Final = {REFUNDS: "order_no", TRANSFERS: "cause_no"}
"""The column of the order's number."""
_Place = tuple[int, int]
"""When an order settled, in microseconds since 1970, and its number."""


class RowsOfOrders:
    """The rows of one kind that belong to orders which settled in a span.

    Args:
        kind: ``REFUNDS`` or ``TRANSFERS``.
        files: of that kind, of all months.
        span: from which instant on and before which they settled, in microseconds since 1970.
        asked: columns that are read, among them ``settled_at`` and the number; those of simulations if not given.
        coded: columns of few texts, which come as a dictionary and a place in it a row.
    """

    def __init__(
        self,
        kind: str,
        files: Sequence[Path],
        span: tuple[int, int],
        asked: Sequence[str] | None = None,
        coded: Sequence[str] = (),
    ) -> None:
        columns = asked or [column.name for column in COLUMNS[kind] if column.name not in _UNASKED]
        self._empty = arrow_schema(kind).empty_table().select(columns)
        self._files = [_SortedFile(_groups(path, columns, span, coded), _NUMBERS[kind]) for path in files]

    def take(self, last: _Place) -> pa.Table:
        """The rows that are not taken yet of all orders up to one, file by file."""
        taken = [part for file in self._files for part in file.take(last)]
        return pa.concat_tables(taken) if taken else self._empty

    def skip(self, last: _Place) -> None:
        """Leaves out the rows that are not taken yet of all orders up to one."""
        for file in self._files:
            for _ in file.take(last):
                pass


def last_order(orders: pa.Table) -> tuple[int, int]:
    """When the last order of a table of orders settled, and its number."""
    settled_at, order_no = (numbers(column_of(orders, name)) for name in ("settled_at", "order_no"))
    return int(settled_at[-1]), int(order_no[-1])


class _SortedFile:
    """A file of which rows are taken from the front."""

    def __init__(self, groups: Iterator[pa.Table], number: str) -> None:
        self._groups, self._number = groups, number
        self._table: pa.Table | None = None
        self._settled = self._numbers = np.zeros(0, np.int64)
        self._next()

    def take(self, last: _Place) -> Iterator[pa.Table]:
        """Yields the rows up to an order, a table for each row group that they stand in."""
        while self._table is not None:
            end = self._end(last)
            table = self._table
            if end < len(self._settled):
                self._table = table.slice(end)
                self._settled, self._numbers = self._settled[end:], self._numbers[end:]
                if end:
                    yield table.slice(0, end)
                break
            self._next()
            if end:
                yield table

    def _end(self, last: _Place) -> int:
        """How many rows from the front on are of orders up to one."""
        settled_at, order_no = last
        start = int(np.searchsorted(self._settled, settled_at, "left"))
        end = int(np.searchsorted(self._settled, settled_at, "right"))
        return start + int(np.searchsorted(self._numbers[start:end], order_no, "right"))

    def _next(self) -> None:
        self._table = next(self._groups, None)
        if self._table is not None:
            self._settled = last_numbers(column_of(self._table, "settled_at"))
            self._numbers = numbers(column_of(self._table, self._number))


def _groups(path: Path, columns: Sequence[str], span: tuple[int, int], coded: Sequence[str]) -> Iterator[pa.Table]:
    """The row groups of a file with rows of a span."""
    since, until = span
    for table in row_groups_between(path, columns, "settled_at", span, coded):
        yield _within(table.replace_schema_metadata(), since, until)


def _within(table: pa.Table, since: int, until: int) -> pa.Table:
    """The rows of a span; who settled never stands last."""
    settled = last_numbers(column_of(table, "settled_at"))
    start, end = (int(np.searchsorted(settled, bound, "left")) for bound in (since, until))
    return table.slice(start, end - start)
