"""Shops in the order of their money or of their sales: by what is kept of a large program, of a small one as asked.

What is kept (``sorted_balances``) decides the order alone; what a page shows is read from where it stands.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.database import Bound
from distrib.store.network.listing import MOST_LOOKED, Way
from distrib.store.recorded import Part
from distrib.store.sql import execute, execute_as

SALES, AVAILABLE, HELD = "sales_minor", "available_minor", "held_minor"
# A shop's own sales of a month that count for ranks, less every refund of them known by now.
_SALES = """
SELECT x.shop_no, sum(x.sales_minor)::bigint AS sales_minor FROM (
    SELECT s.seller_no AS shop_no, s.sales_minor FROM settlements s
    WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL
      AND s.settled_at >= %(from)s AND s.settled_at < %(to)s
    UNION ALL
    SELECT r.seller_no, -r.sales_minor FROM refund_lines r
    WHERE r.program_id = %(program)s AND r.seller_no IS NOT NULL AND r.sold_at >= %(from)s AND r.sold_at < %(to)s) x
GROUP BY x.shop_no
"""
_MONEY = "SELECT a.shop_no, a.available_minor, a.held_minor FROM account_money(%(program)s, %(now)s, %(now)s) a"
_NEW = f"""
SELECT s.shop_no, COALESCE(a.available_minor, 0) AS available_minor, COALESCE(a.held_minor, 0) AS held_minor,
       COALESCE(x.sales_minor, 0) AS sales_minor, a.shop_no IS NOT NULL AS has_money
FROM shops s LEFT JOIN ({_MONEY}) a ON a.shop_no = s.shop_no LEFT JOIN ({_SALES}) x ON x.shop_no = s.shop_no
WHERE s.program_id = %(program)s
"""
_KEEP = f"""
INSERT INTO sorted_balances (program_id, shop_no, available_minor, held_minor, sales_minor, has_money)
SELECT %(program)s, n.* FROM ({_NEW}) n
LEFT JOIN sorted_balances b ON b.program_id = %(program)s AND b.shop_no = n.shop_no
WHERE (b.available_minor, b.held_minor, b.sales_minor, b.has_money)
      IS DISTINCT FROM (n.available_minor, n.held_minor, n.sales_minor, n.has_money)
ON CONFLICT (program_id, shop_no) DO UPDATE SET available_minor = EXCLUDED.available_minor,
    held_minor = EXCLUDED.held_minor, sales_minor = EXCLUDED.sales_minor, has_money = EXCLUDED.has_money
"""
_HEAD = "SELECT as_of, took_ms, through_posting, periods FROM sorted_figures WHERE program_id = %(program)s"
_KEEP_HEAD = """
INSERT INTO sorted_figures (program_id, as_of, took_ms, through_posting, periods) VALUES (%(program)s, %(as_of)s,
    %(took_ms)s, %(through_posting)s, %(periods)s)
ON CONFLICT (program_id) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms,
    through_posting = EXCLUDED.through_posting, periods = EXCLUDED.periods
"""
# As the kept place of a shop among equals.
_PLACE = "({shop_no}::bigint * 2654435761 & 4294967295)"
_OF_SHOPS = {
    SALES: _SALES,
    AVAILABLE: "SELECT a.shop_no, a.available_minor FROM account_money(%(program)s, %(now)s, %(now)s) a",
}
_KEPT = "SELECT b.shop_no, b.{figure} FROM sorted_balances b WHERE b.program_id = %(program)s"
# Along the filter that fits few shops: all of them, put in order.
_FEW = """
SELECT k.shop_no, k.minor FROM (
    SELECT s.shop_no, COALESCE(v.{figure}, 0)::bigint AS minor, {place} AS place
    FROM ({way}) s LEFT JOIN ({values}) v ON v.shop_no = s.shop_no WHERE true {rest}) k
WHERE true {after} ORDER BY k.minor {direction}, k.place {direction}, k.shop_no {direction} LIMIT %(limit)s
"""
# Along the figures, as far as a page looks.
_MANY = """
SELECT k.shop_no, k.minor FROM (
    SELECT b.shop_no, b.{figure} AS minor, b.place FROM sorted_balances b WHERE b.program_id = %(program)s {after}
    ORDER BY b.{figure} {direction}, b.place {direction}, b.shop_no {direction} LIMIT %(looked)s) k
CROSS JOIN LATERAL (SELECT * FROM shops s WHERE s.program_id = %(program)s AND s.shop_no = k.shop_no OFFSET 0) s
WHERE true {conditions} ORDER BY k.minor {direction}, k.place {direction}, k.shop_no {direction} LIMIT %(limit)s
"""
_IS_LONGER = """
SELECT EXISTS (SELECT 1 FROM sorted_balances b WHERE b.program_id = %(program)s {after}
               ORDER BY b.{figure} {direction}, b.place {direction}, b.shop_no {direction} OFFSET %(looked)s)
"""
_KEPT_MONEY = """
SELECT b.shop_no, b.{figure} AS minor FROM sorted_balances b
WHERE b.program_id = %(program)s AND b.has_money {after}{state}
ORDER BY b.{figure} {direction}, b.shop_no {direction} LIMIT %(limit)s
"""
_MONEY_NOW = f"""
SELECT b.shop_no, b.{{figure}} AS minor FROM ({_MONEY}) b
WHERE true {{after}}{{state}} ORDER BY b.{{figure}} {{direction}}, b.shop_no {{direction}} LIMIT %(limit)s
"""
_STATES = {"owed": " AND b.available_minor > 0", "in_debt": " AND b.available_minor < 0"}


class FigureKey(NamedTuple):
    """The place of a shop in a list by a figure: its number, and the figure in minor units."""

    shop_no: int
    minor: int


class FigureOrder(NamedTuple):
    """Shops in the order of a figure.

    Args:
        bound: ``now``, and for sales ``from`` and ``to`` of the month whose sales they are.
        is_kept: whether the program's order is kept.
    """

    figure: str
    bound: Bound
    is_descending: bool
    is_kept: bool

    @property
    def direction(self) -> tuple[str, str]:
        """How an index is gone along, and how what comes later compares."""
        return ("DESC", "<") if self.is_descending else ("ASC", ">")


class SortedAsOf(NamedTuple):
    """What is kept in order of a program: as of when, how long that took, after which posting, and its open months."""

    as_of: datetime
    took_ms: int
    through_posting: int
    periods: list[int]


def kept_order(conn: Connection, program_id: int) -> SortedAsOf | None:
    """Reads what is kept in order; None of a program that is put in order as it is asked."""
    return execute_as(conn, SortedAsOf, _HEAD, {"program": program_id}).fetchone()


def keep_order(conn: Connection, program_id: int, kept: SortedAsOf) -> None:
    """Writes what is kept in order now."""
    execute(conn, _KEEP_HEAD, {"program": program_id, **kept._asdict()})


def keep_balances(conn: Connection, program_id: int, start: datetime, end: datetime, now: datetime) -> None:
    """Keeps the order of all shops by money now, and by sales from ``start`` to before ``end``."""
    execute(conn, _KEEP, {"program": program_id, "from": start, "to": end, "now": now})


def shops_by_figure(
    conn: Connection,
    program_id: int,
    way: Way,
    order: FigureOrder,
    part: Part[FigureKey | None],
) -> list[FigureKey] | None:
    """Lists the keys of shops along a way, by ``SALES`` or ``AVAILABLE``; the place None stands before all.

    Returns:
        None where the figures go on beyond ``MOST_LOOKED`` shops of which too few fit.
    """
    direction, sign = order.direction
    figure, after = order.figure, part.place
    values = {**way.bound(program_id), **order.bound, "limit": part.limit, "looked": MOST_LOOKED, **_place(after)}
    if way.is_short or not order.is_kept:
        source = _KEPT.format(figure=figure) if order.is_kept else _OF_SHOPS[figure]
        passed = _after("k.minor, k.place, k.shop_no", sign, after)
        place = _PLACE.format(shop_no="s.shop_no")
        statement = _FEW.format(
            figure=figure, way=way.sql(), values=source, rest=way.rest, place=place, after=passed, direction=direction
        )
        return _keys(conn, statement, values)
    passed = _after(f"b.{figure}, b.place, b.shop_no", sign, after)
    words = {"figure": figure, "after": passed, "direction": direction}
    keys = _keys(conn, _MANY.format(conditions=way.conditions, **words), values)
    if len(keys) < part.limit and way.conditions:
        row = execute(conn, _IS_LONGER.format(**words), values).fetchone()
        return None if row is not None and row[0] else keys
    return keys


def shops_with_money(
    conn: Connection,
    program_id: int,
    order: FigureOrder,
    state: str | None,
    part: Part[FigureKey | None],
) -> list[FigureKey]:
    """Lists the keys of shops with money, by ``AVAILABLE`` or ``HELD``; the place None stands before all.

    Args:
        state: ``owed`` or ``in_debt``, along ``AVAILABLE`` alone; None: all.
    """
    direction, sign = order.direction
    figure, after = order.figure, part.place
    passed = "" if after is None else f"AND (b.{figure}, b.shop_no) {sign} (%(minor)s, %(shop_no)s)"
    words = {"figure": figure, "after": passed, "state": _STATES[state] if state else "", "direction": direction}
    bound = {"program": program_id, **order.bound, "limit": part.limit, **_place(after)}
    return _keys(conn, (_KEPT_MONEY if order.is_kept else _MONEY_NOW).format(**words), bound)


def _after(columns: str, sign: str, after: FigureKey | None) -> str:
    """The condition of what comes after a shop in an order by figure, place among equals and number."""
    place = _PLACE.format(shop_no="%(shop_no)s")
    return "" if after is None else f"AND ({columns}) {sign} (%(minor)s, {place}, %(shop_no)s)"


def _place(after: FigureKey | None) -> dict[str, int]:
    return {} if after is None else after._asdict()


def _keys(conn: Connection, statement: str, bound: Bound) -> list[FigureKey]:
    return execute_as(conn, FigureKey, statement, bound).fetchall()
