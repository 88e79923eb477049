"""The limit of the benches on ranks and the network: a bare COPY of the same rows, and the bare arithmetic on arrays.

No window, plan, rank or history is known here, and nothing is written. Nothing of what is measured may enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import make_url

LEVELS = 3
_ROWS = 65_536
_TREE = "SELECT shop_no, COALESCE(sponsor_no, 0), level::bigint FROM shops ORDER BY shop_no"
_SALES = "SELECT seller_no, order_no, sales_minor FROM settlements"
_BACK = "SELECT seller_no, order_no, sales_minor FROM refund_lines"

Integers = NDArray[np.int64]


def bare_network(url: str) -> int:
    """The tree, sums of a figure over three levels below every shop, and everyone's recruits; returns their total."""
    with _connect(url) as conn:
        parents = _parents(conn)
    own = np.arange(len(parents), dtype=np.int64)
    return int(_up(parents, own).sum()) + int(np.bincount(parents[parents >= 0]).sum())


def bare_ranks(url: str) -> int:
    """The same, of what every shop has sold net of refunds, and how many reach a figure; returns the sales."""
    with _connect(url) as conn:
        parents = _parents(conn)
        sales = np.zeros(len(parents), dtype=np.int64)
        for rows in _copied(conn, _SALES):
            np.add.at(sales, rows["v0"].astype(np.int64) - 1, rows["v2"].astype(np.int64))
        for rows in _copied(conn, _BACK):
            np.subtract.at(sales, rows["v0"].astype(np.int64) - 1, rows["v2"].astype(np.int64))
    reached = (_up(parents, sales) >= 1_500_000) & (sales >= 20_000)
    np.bincount(parents[(parents >= 0) & reached], minlength=len(parents))
    return int(sales.sum())


def _up(parents: Integers, own: Integers) -> Integers:
    total, above = np.zeros_like(own), parents
    for _ in range(LEVELS):
        known = above >= 0
        np.add.at(total, above[known], own[known])
        above = np.where(known, parents[above], -1)
    return total


def _parents(conn: psycopg.Connection[Any]) -> Integers:
    return np.concatenate([rows["v1"].astype(np.int64) for rows in _copied(conn, _TREE)]) - 1


def _copied(conn: psycopg.Connection[Any], query: str) -> Iterator[NDArray[np.void]]:
    fields = [(f"{part}{n}", kind) for n in range(3) for part, kind in (("l", ">i4"), ("v", ">i8"))]
    row = np.dtype([("n", ">i2"), *fields])
    with conn.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
        waiting = [bytes(copy.read())[19:]]
        for data in copy:
            waiting.append(bytes(data))
            if len(waiting) >= _ROWS:
                yield _rows(waiting, row)
                waiting.clear()
        yield _rows(waiting, row)


def _rows(data: Sequence[bytes], row: np.dtype[np.void]) -> NDArray[np.void]:
    joined = b"".join(data)
    return np.frombuffer(joined[: len(joined) // row.itemsize * row.itemsize], dtype=row)


def _connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
