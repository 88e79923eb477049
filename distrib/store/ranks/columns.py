"""Reads the figures and ranks of all shops of a program at once, as columns, for a monthly evaluation.

Sums are made by the database, one pass over the sales for all windows; orders never leave it. The same figures for
few shops at many instants stand in ``figures``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store import database
from distrib.store.pulling import Integers, pull
from distrib.store.ranks.figures import COUNTS
from distrib.store.sql import execute

_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"
_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)

# Where a shop stood at an instant: its row knows, unless something above it moved since.
_TREE = f"""
SELECT s.shop_no, COALESCE(CASE WHEN s.chain_since <= %(at)s THEN s.sponsor_no ELSE (
    SELECT r.sponsor_no FROM referrals r
    WHERE r.program_id = s.program_id AND r.shop_no = s.shop_no AND r.effective_at <= %(at)s
    ORDER BY r.effective_at DESC, r.seq DESC LIMIT 1) END, 0), {_MICROSECONDS.format("s.joined_at")}
FROM shops s WHERE s.program_id = %(program)s ORDER BY s.shop_no
"""
_NET = """
SELECT s.seller_no, s.settled_at, s.customer_id, s.sales_minor - COALESCE(r.back, 0) AS net
FROM settlements s LEFT JOIN (
    SELECT order_no, sum(sales_minor)::bigint AS back FROM refund_lines WHERE program_id = %(program)s GROUP BY order_no
) r ON r.order_no = s.order_no
WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND s.sales_minor > 0
    AND s.settled_at >= {start} AND s.settled_at <= %(at)s
"""
_SALES = """
SELECT n.seller_no, {columns} FROM ({net}) n GROUP BY n.seller_no
"""
_A_WINDOW = """
COALESCE(sum(n.net) FILTER (WHERE n.settled_at >= %(from{place})s), 0)::bigint,
count(*) FILTER (WHERE n.settled_at >= %(from{place})s AND n.net > 0)
"""
# Customers who were one person by the instant count once.
_CUSTOMERS = """
SELECT c.seller_no, count(*) FROM (
    SELECT n.seller_no, COALESCE(p.into_id, n.customer_id) AS customer_id
    FROM ({net}) n LEFT JOIN surviving_customers(%(program)s, %(at)s) p ON p.customer_id = n.customer_id
    WHERE n.customer_id IS NOT NULL AND n.net > 0 GROUP BY 1, 2
) c GROUP BY c.seller_no
"""
_EARNED = f"""
SELECT t.shop_no, sum(t.amount_minor - COALESCE(r.back, 0))::bigint
FROM transfers t
JOIN settlements s ON s.program_id = t.program_id AND s.order_no = t.cause_no
LEFT JOIN (
    SELECT cause_no, reverses_seq,
           sum(-signed_minor(shop_no, credit_account, amount_minor))::bigint AS back
    FROM transfers
    WHERE program_id = %(program)s AND kind = 'reversed' GROUP BY cause_no, reverses_seq
) r ON r.cause_no = t.cause_no AND r.reverses_seq = t.seq
WHERE t.program_id = %(program)s AND t.kind = 'earned'
    AND t.occurred_at >= %(start)s AND t.occurred_at <= %(at)s AND {COUNTS}
GROUP BY t.shop_no
"""
# A rank is read as its place among `codes` (0: another), with how many of the versions that map ranks had begun.
_RANKS = """
SELECT DISTINCT ON (k.shop_no) k.shop_no, COALESCE(array_position(%(codes)s::text[], k.rank), 0)::bigint,
    COALESCE(width_bucket(k.effective_at, %(begins)s::timestamptz[]), 0)::bigint,
    {microseconds}
FROM shop_ranks k
WHERE k.program_id = %(program)s AND k.cause = ANY(%(causes)s::text[]) AND k.effective_at <= %(at)s
ORDER BY k.shop_no, k.effective_at DESC, k.seq DESC
""".format(microseconds=_MICROSECONDS.format("k.effective_at"))
_REFUNDED = """
SELECT DISTINCT seller_no FROM refund_lines WHERE program_id = %(program)s AND seller_no IS NOT NULL AND sales_minor > 0
"""
_REVERSED = "SELECT DISTINCT shop_no FROM transfers WHERE program_id = %(program)s AND kind = 'reversed'"
_LINKS = "SELECT shop_no, sponsor_no FROM referrals WHERE program_id = %(program)s AND sponsor_no IS NOT NULL"


class RanksByCause(NamedTuple):
    """Ranks by their codes and what gave them, each in an order in which the columns number them."""

    codes: Sequence[str]
    causes: Sequence[str]


class Sales(NamedTuple):
    """Sellers by number; for each window their sales net of refunds, and their orders of which something is left."""

    sellers: Integers
    sales: Sequence[Integers]
    orders: Sequence[Integers]


def allow_long_reads(conn: Connection) -> None:
    """Raises the time limits of this transaction to minutes: it reads whole programs."""
    database.allow_long_reads(conn, 15)
    execute(conn, "SET LOCAL idle_in_transaction_session_timeout = '15min'")
    execute(conn, "SET LOCAL lock_timeout = '15min'")
    execute(conn, "SET LOCAL work_mem = '64MB'")


def tree_at(conn: Connection, program_id: int, as_of: datetime) -> list[Integers]:
    """Reads every shop by ascending number, its sponsor at an instant (0: none), and its joining in µs since 1970."""
    return pull(conn, _TREE, {"program": program_id, "at": as_of}, 3)


def sales(conn: Connection, program_id: int, starts: Sequence[datetime | None], until: datetime) -> Sales:
    """Reads by seller, for each window, the sales net of all refunds known and the orders of which something is left.

    Args:
        starts: the first instant of each window; None: it has no beginning.
        until: the last instant of all of them.
    """
    values: dict[str, object] = {"program": program_id, "at": until}
    values |= {f"from{place}": start or _BEGINNING for place, start in enumerate(starts)}
    earliest = min(range(len(starts)), key=lambda place: starts[place] or _BEGINNING)
    columns = ", ".join(_A_WINDOW.format(place=place) for place in range(len(starts)))
    query = _SALES.format(columns=columns, net=_NET.format(start=f"%(from{earliest})s"))
    sellers, *figures = pull(conn, query, values, 1 + 2 * len(starts))
    return Sales(sellers, figures[0::2], figures[1::2])


_CUSTOMERS_FROM = _CUSTOMERS.format(net=_NET.format(start="%(start)s"))


def customers(conn: Connection, program_id: int, start: datetime | None, until: datetime) -> list[Integers]:
    """Reads sellers and their number of distinct buyers in a window; sellers without any are left out."""
    values = {"program": program_id, "start": start or _BEGINNING, "at": until}
    return pull(conn, _CUSTOMERS_FROM, values, 2)


def earnings(conn: Connection, program_id: int, start: datetime | None, until: datetime) -> list[Integers]:
    """Reads shops and what they earned in a window, net of all reversals known; shops without any are left out."""
    return pull(conn, _EARNED, {"program": program_id, "start": start or _BEGINNING, "at": until}, 2)


def newest_ranks(
    conn: Connection, program_id: int, kinds: RanksByCause, begins: Sequence[datetime], as_of: datetime
) -> list[Integers]:
    """Reads, of every shop that has any, the newest rank of those causes by an instant.

    Returns:
        Shop, place of the rank among the codes from 1 on (0: no rank, or another), how many of the ascending
        ``begins`` had come when it took effect, and when that was, in µs since 1970.
    """
    values = {"program": program_id, "codes": list(kinds.codes), "causes": list(kinds.causes)}
    return pull(conn, _RANKS, values | {"begins": list(begins), "at": as_of}, 4)


def refunded_shops(conn: Connection, program_id: int, *, with_earners: bool) -> list[Integers]:
    """Lists shops with a refunded sale, and apart, with ``with_earners``, shops with a reversed commission."""
    sellers = pull(conn, _REFUNDED, {"program": program_id}, 1)
    return sellers + pull(conn, _REVERSED, {"program": program_id}, 1) if with_earners else sellers


def links(conn: Connection, program_id: int) -> list[Integers]:
    """Lists every link there ever was, as shop and sponsor."""
    return pull(conn, _LINKS, {"program": program_id}, 2)
