"""Rows of the list of shops: what is newest of each, with its recruits and its sales of a month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, execute_as

_ROWS = """
SELECT s.shop_no, s.shop_id, s.name, s.status, s.status_since, s.rank, s.level, p.shop_id AS sponsor_id,
       t.shop_id AS root_id, s.joined_at, x.recruits
FROM unnest(%(numbers)b::bigint[]) WITH ORDINALITY AS n (shop_no, place)
JOIN shops s ON s.program_id = %(program)s AND s.shop_no = n.shop_no
JOIN shops t ON t.program_id = %(program)s AND t.shop_no = s.root_no
LEFT JOIN shops p ON p.program_id = %(program)s AND p.shop_no = s.sponsor_no
CROSS JOIN LATERAL (
    SELECT count(*) AS recruits FROM shops r WHERE r.program_id = %(program)s AND r.sponsor_no = s.shop_no) x
ORDER BY n.place
"""
# As a shop's month counts them: no entry lines, no purchase from oneself, net of every refund known by now.
_SALES = """
SELECT n.shop_no, (x.sold - y.taken_back)::bigint
FROM unnest(%(numbers)b::bigint[]) AS n (shop_no)
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(s.sales_minor), 0) AS sold FROM settlements s
    WHERE s.program_id = %(program)s AND s.seller_no = n.shop_no
      AND s.settled_at >= %(from)s AND s.settled_at < %(to)s) x
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(r.sales_minor), 0) AS taken_back FROM refund_lines r
    WHERE r.program_id = %(program)s AND r.seller_no = n.shop_no AND r.sold_at >= %(from)s AND r.sold_at < %(to)s) y
"""


class ListedShop(NamedTuple):
    """A shop by its newest state; a status or rank may be dated ahead, and a status says since when it holds."""

    shop_no: int
    shop_id: str
    name: str | None
    status: str
    status_since: datetime
    rank: str | None
    level: int
    sponsor_id: str | None
    root_id: str
    joined_at: datetime
    recruits: int


def listed_shops(conn: Connection, program_id: int, numbers: Sequence[int]) -> list[ListedShop]:
    """Reads the shops of those numbers, in that order."""
    return execute_as(conn, ListedShop, _ROWS, {"program": program_id, "numbers": list(numbers)}).fetchall()


def sales_between(
    conn: Connection, program_id: int, numbers: Sequence[int], start: datetime, end: datetime
) -> dict[int, int]:
    """Sums what each shop sold from ``start`` to before ``end``, net of refunds, in minor units."""
    bound = {"program": program_id, "numbers": list(numbers), "from": start, "to": end}
    return dict(execute(conn, _SALES, bound).fetchall())
