"""What held at an instant: of each shop the newest row of a kind that is dated, in columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from distrib.columns.tree import Truths
from distrib.services.history.arrays import column_of, numbers
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.parquet import arrow_schema
from distrib.services.history.schema import CUSTOMERS, PAYEES, PENALTIES, REFUNDS, SHOPS

_HOLDS_FROM: Final = {
    SHOPS: "joined_at",
    CUSTOMERS: "recorded_at",
    PAYEES: "recorded_at",
    PENALTIES: "begins_at",
    REFUNDS: "settled_at",
}
"""The column that says when a row of a kind begins to hold; ``effective_at`` of any other kind that is dated."""


def rows_until(
    directory: HistoryDirectory,
    kind: str,
    columns: Sequence[str],
    until: int,
    among: Callable[[pa.Table], Truths] | None = None,
) -> pa.Table:
    """All rows of a kind that held by an instant, as a table.

    Args:
        columns: those that are read, among them the one that says when a row of the kind begins to hold.
        until: the instant in microseconds since 1970, itself included.
        among: which rows of a table count; all if not given.
    """
    since = _HOLDS_FROM.get(kind, "effective_at")
    kept = [arrow_schema(kind).empty_table().select(columns)]
    for group in directory.rows(kind, columns):
        holds = numbers(column_of(group, since)) <= until
        kept.append(group.filter(pa.array(holds if among is None else holds & among(group))).replace_schema_metadata())
    return pa.concat_tables(kept)


def newest_of(table: pa.Table, key: str = "shop_no", order: Sequence[str] = ("effective_at", "seq")) -> pa.Table:
    """Of a table of dated rows the newest of each shop, by ascending number of the shop."""
    shops = numbers(column_of(table, key))
    turns = np.lexsort((*(numbers(column_of(table, name)) for name in reversed(order)), shops))
    shops = shops[turns]
    is_last = np.append(shops[1:] != shops[:-1], True)[: shops.size]
    return table.take(turns[is_last])
