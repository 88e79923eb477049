"""All rows of a program's history, month by month: how many each month has, and the rows in the order of time.

How many rows a month has is worked out in one pass over a table, with the lowest and highest number among them, so that
a month is then found by its numbers and not by another pass. All tables here only grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, execute_as, streamed

# The first instant of each month decides; a month's place is that of the last first instant that is not after a row.
_BY_INSTANT: Final = """
SELECT width_bucket({at}, %(firsts)s::timestamptz[]) AS place, count(*), min({number}), max({number})
FROM {table} WHERE {mine} GROUP BY 1
"""
_BY_PERIOD: Final = """
SELECT period, count(*), min({number}), max({number}) FROM {table} WHERE program_id = %(program)s GROUP BY 1
"""
_SETTLED: Final = "settlements t"
# A refund of before the settlement counts from the settlement.
_CAME_BACK: Final = "GREATEST(t.occurred_at, s.settled_at)"
_BACK: Final = """
refund_lines t JOIN settlements s ON s.program_id = t.program_id AND s.order_no = t.order_no
"""
_MINE: Final = "t.program_id = %(program)s"
_KINDS: Final[dict[str, tuple[str, str, str]]] = {
    "orders": (_SETTLED, "t.settled_at", "t.order_no"),
    "refunds": (_BACK, _CAME_BACK, "t.order_no"),
    "shops": ("shops t", "t.joined_at", "t.shop_no"),
    "referrals": ("referrals t", "t.effective_at", "t.shop_no"),
    "statuses": ("shop_statuses t", "t.effective_at", "t.shop_no"),
    "ranks": ("shop_ranks t", "t.effective_at", "t.shop_no"),
    "merges": ("customer_merges t", "t.merged_at", "t.seq"),
    "customers": ("customer_shops t", "t.recorded_at", "t.seq"),
    "organisers": ("shop_organisers t", "t.effective_at", "t.shop_no"),
}
"""Of each kind: the table, the instant that decides the month, and the number that finds the rows."""
_DATED: Final = {
    "transfers": ("transfers", "cause_no"),
    "failures": ("rank_failures", "shop_no"),
}
"""Kinds whose rows say their month: the table, and the number that finds the rows."""
_OF_MONTH: Final = """
  AND t.program_id = (SELECT %(program)s::integer) AND {number} BETWEEN %(low)s AND %(high)s
  AND {at} >= %(start)s AND {at} < %(end)s
"""
_ORDER_NUMBERS: Final = """
SELECT t.order_no FROM settlements t WHERE true {of_month} ORDER BY t.settled_at, t.order_no
"""
_REFUNDS: Final = f"""
SELECT s.settled_at, t.order_no, t.refund_id, t.line_id, t.event_no, t.amount_minor, t.seller_no,
       t.sales_minor, t.occurred_at, e.occurred_at AS happened_at, o.done_at
FROM {_BACK}
JOIN events e ON e.program_id = t.program_id AND e.order_no = t.order_no AND e.event_no = t.event_no
LEFT JOIN event_outcomes o ON o.program_id = t.program_id AND o.order_no = t.order_no AND o.event_no = t.event_no
WHERE true {{of_month}} ORDER BY s.settled_at, t.order_no, t.event_no, t.refund_id, t.line_id
"""
_TRANSFERS: Final = """
SELECT s.settled_at, t.cause_no, t.seq, t.kind::text, t.event_no, t.line_id, t.rule_id, t.tier, t.shop_no, t.base_minor,
       t.rate_ppm, t.version_no, signed_minor(t.shop_no, t.credit_account, t.amount_minor),
       t.occurred_at, t.available_at, t.belongs_to_period, p.pool_id, p.month, t.reverses_seq
FROM transfers t
LEFT JOIN settlements s ON s.program_id = t.program_id AND s.order_no = t.cause_no
LEFT JOIN pool_payments p ON t.kind = 'pool' AND p.program_id = t.program_id AND p.cause_no = t.cause_no
WHERE t.program_id = (SELECT %(program)s::integer) AND t.cause_no BETWEEN %(low)s AND %(high)s
  AND t.period = %(period)s
ORDER BY s.settled_at NULLS LAST, t.cause_no, t.seq
"""
_SHOPS: Final = "SELECT t.shop_no, t.shop_id, t.joined_at FROM shops t WHERE true {of_month} ORDER BY t.shop_no"
_REFERRALS: Final = """
SELECT t.shop_no, t.effective_at, t.seq, t.sponsor_no, t.recorded_at FROM referrals t
WHERE true {of_month} ORDER BY t.shop_no, t.effective_at, t.seq
"""
_STATUSES: Final = """
SELECT t.shop_no, t.effective_at, t.seq, t.status, t.recorded_at FROM shop_statuses t
WHERE true {of_month} ORDER BY t.shop_no, t.effective_at, t.seq
"""
# Of reasons only when a promotion was earned, and which rank it was: others may be what somebody wrote.
_RANKS: Final = """
SELECT t.shop_no, t.effective_at, t.seq, t.rank, t.cause, t.recorded_at, (p.reason ->> 'at')::timestamptz,
       p.reason ->> 'to'
FROM shop_ranks t
LEFT JOIN LATERAL (SELECT CASE WHEN t.cause = 'promotion' THEN t.reason::jsonb END AS reason OFFSET 0) p
    ON p.reason -> 'conditions' IS NOT NULL
WHERE true {of_month} ORDER BY t.shop_no, t.effective_at, t.seq
"""
_FAILURES: Final = """
SELECT t.shop_no, t.rank, t.failures, t.is_lowered FROM rank_failures t
WHERE t.program_id = (SELECT %(program)s::integer) AND t.shop_no BETWEEN %(low)s AND %(high)s
  AND t.period = %(period)s
ORDER BY t.shop_no
"""
_CUSTOMERS: Final = """
SELECT t.customer_id, t.seq, t.shop_no, t.recorded_at FROM customer_shops t WHERE true {of_month} ORDER BY t.seq
"""
_ORGANISERS: Final = """
SELECT t.shop_no, t.effective_at, t.seq, t.organiser_id FROM shop_organisers t
WHERE true {of_month} ORDER BY t.shop_no, t.effective_at, t.seq
"""
_MERGES: Final = """
SELECT t.merged_at, t.seq, t.customer_id, t.into_id FROM customer_merges t
WHERE t.merged_id = t.customer_id {of_month} ORDER BY t.merged_at, t.seq
"""
_ROWS: Final = {
    "refunds": _REFUNDS,
    "transfers": _TRANSFERS,
    "shops": _SHOPS,
    "referrals": _REFERRALS,
    "statuses": _STATUSES,
    "ranks": _RANKS,
    "merges": _MERGES,
    "failures": _FAILURES,
    "customers": _CUSTOMERS,
    "organisers": _ORGANISERS,
}
# Order by order, by the keys: joined, a table would be read whole for every page.
_ORDERS: Final = """
SELECT a.order_no, s.event_no, o.order_id, s.version_no, s.settled_at, s.seller_no, s.sales_minor, s.snapshot,
       e.payload
FROM unnest(%(orders)b::bigint[]) AS a (order_no)
CROSS JOIN LATERAL (
    SELECT t.event_no, t.version_no, t.settled_at, t.seller_no, t.sales_minor, t.snapshot FROM settlements t
    WHERE t.program_id = (SELECT %(program)s::integer) AND t.order_no = a.order_no OFFSET 0
) s
CROSS JOIN LATERAL (
    SELECT t.payload FROM events t
    WHERE t.program_id = (SELECT %(program)s::integer) AND t.order_no = a.order_no AND t.event_no = s.event_no OFFSET 0
) e
CROSS JOIN LATERAL (
    SELECT t.order_id FROM orders t
    WHERE t.program_id = (SELECT %(program)s::integer) AND t.order_no = a.order_no OFFSET 0
) o
"""
_HELD_RANKS: Final = """
SELECT DISTINCT rank FROM shop_ranks WHERE program_id = %(program)s AND rank IS NOT NULL ORDER BY rank
"""
_MERGED: Final = "SELECT count(*), COALESCE(max(seq), 0) FROM customer_merges WHERE program_id = %(program)s"
_CLOSED: Final = "SELECT closed_through FROM programs WHERE program_id = %(program)s"
_FAILED_CODES: Final = """
SELECT DISTINCT ON (order_no) order_no, code FROM event_outcomes
WHERE program_id = (SELECT %(program)s::integer) AND order_no = ANY(%(orders)b::bigint[]) AND status = 'failed'
ORDER BY order_no, event_no
"""


class MonthRows(NamedTuple):
    """How many rows of a kind a month has, and between which numbers they lie."""

    period: int
    rows: int
    low: int
    high: int


class MonthSpan(NamedTuple):
    """The rows of a month that are asked for: its bounds, and the numbers that they lie between."""

    period: int
    start: datetime
    end: datetime
    low: int
    high: int


class HistoryOrder(NamedTuple):
    """An order as it was settled."""

    order_no: int
    event_no: int
    order_id: str
    version_no: int | None
    settled_at: datetime
    seller_no: int | None
    sales_minor: int
    snapshot: str
    payload: str


def _of_month(kind: str) -> str:
    _, instant, number = _KINDS[kind]
    return _OF_MONTH.format(at=instant, number=number)


def _mine(kind: str) -> str:
    return f"{_MINE} AND t.merged_id = t.customer_id" if kind == "merges" else _MINE


_COUNTS: Final = {
    kind: _BY_INSTANT.format(table=table, at=instant, number=number, mine=_mine(kind))
    for kind, (table, instant, number) in _KINDS.items()
} | {kind: _BY_PERIOD.format(table=table, number=number) for kind, (table, number) in _DATED.items()}
_ROWS_OF_MONTH: Final = {
    kind: rows if kind in _DATED else rows.format(of_month=_of_month(kind)) for kind, rows in _ROWS.items()
}


def count_by_month(
    conn: Connection,
    program_id: int,
    kind: str,
    firsts: Sequence[datetime],
    periods: Sequence[int],
) -> list[MonthRows]:
    """Counts the rows of a kind by month.

    Args:
        firsts: the first instants of months one after another, and ``periods`` the months themselves.
    """
    bound = {"program": program_id, "firsts": list(firsts)}
    counted = execute(conn, _COUNTS[kind], bound).fetchall()
    if kind in _DATED:
        return sorted(MonthRows(*row) for row in counted)
    return sorted(MonthRows(periods[max(place, 1) - 1], rows, low, high) for place, rows, low, high in counted)


def month_rows(
    conn: Connection, program_id: int, kind: str, span: MonthSpan, size: int
) -> Iterator[list[tuple[object, ...]]]:
    """Yields the rows of a month, some at a time, in the columns of their file; of all kinds but orders."""
    bound = {"program": program_id, **span._asdict()}
    with streamed(conn, f"history_{kind}", _ROWS_OF_MONTH[kind], bound, binary=True) as cursor:
        while page := cursor.fetchmany(size):
            yield page


_NUMBERS_OF_MONTH = _ORDER_NUMBERS.format(of_month=_of_month("orders"))


def order_numbers(conn: Connection, program_id: int, span: MonthSpan, size: int) -> Iterator[list[int]]:
    """Yields the numbers of the orders that settled in a month, some at a time, in the order of time."""
    bound = {"program": program_id, **span._asdict()}
    with streamed(conn, "history_orders", _NUMBERS_OF_MONTH, bound, binary=True) as cursor:
        while page := cursor.fetchmany(size):
            yield [number for (number,) in page]


def orders_of(conn: Connection, program_id: int, orders: Sequence[int]) -> list[HistoryOrder]:
    """Reads settled orders by number, in the order of the numbers given."""
    bound = {"program": program_id, "orders": list(orders)}
    known = {row.order_no: row for row in execute_as(conn, HistoryOrder, _ORDERS, bound, binary=True)}
    return [known[number] for number in orders]


def failed_codes(conn: Connection, program_id: int, orders: Sequence[int]) -> dict[int, str]:
    """Reads why those orders failed, by number."""
    bound = {"program": program_id, "orders": list(orders)}
    return dict(execute(conn, _FAILED_CODES, bound).fetchall())


def held_ranks(conn: Connection, program_id: int) -> list[str]:
    """Lists the ranks that any shop ever held."""
    return [rank for (rank,) in execute(conn, _HELD_RANKS, {"program": program_id}).fetchall()]


def merges_known(conn: Connection, program_id: int) -> str:
    """Says in a word which merges of customers are known: another merge, another word."""
    row = execute(conn, _MERGED, {"program": program_id}).fetchone()
    return "0" if row is None else f"{row[0]}/{row[1]}"


def closed_through(conn: Connection, program_id: int) -> int:
    """The last month whose books are closed, as 202603; 0 before the first."""
    row = execute(conn, _CLOSED, {"program": program_id}).fetchone()
    return 0 if row is None else int(row[0])
