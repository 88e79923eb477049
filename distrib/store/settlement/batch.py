"""Writing what a batch of orders became: settlements, transfers, running totals, outcomes.

Everything goes in sets: one COPY a table, one upsert for all totals, accounts in the order
of their numbers so that batches that meet wait and do not deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.store.copying import Column, CopyTable, Integers, Optionals, Values, microseconds
from distrib.store.sql import execute

_SETTLEMENTS = CopyTable(
    "settlements",
    Column("program_id", "integer"),
    Column("order_no", "bigint"),
    Column("event_no", "bigint"),
    Column("version_no", "integer"),
    Column("seller_no", "bigint", nullable=True),
    Column("settled_at", "timestamptz"),
    Column("paid_at", "timestamptz"),
    Column("paid_minor", "bigint"),
    Column("sales_minor", "bigint"),
    Column("customer_id", "text", nullable=True),
    Column("snapshot", "text"),
)
_REFUND_LINES = CopyTable(
    "refund_lines",
    Column("program_id", "integer"),
    Column("order_no", "bigint"),
    Column("event_no", "bigint"),
    Column("amount_minor", "bigint"),
    Column("sales_minor", "bigint"),
    Column("seller_no", "bigint", nullable=True),
    Column("sold_at", "timestamptz"),
    Column("occurred_at", "timestamptz"),
    Column("refund_id", "text"),
    Column("line_id", "text"),
)
_OUTCOMES = CopyTable(
    "event_outcomes",
    Column("program_id", "integer"),
    Column("order_no", "bigint"),
    Column("event_no", "bigint"),
    Column("attempts", "integer"),
    Column("done_at", "timestamptz"),
    Column("status", "text"),
)

_UPSERT_MONTHS = """
INSERT INTO account_months AS m (program_id, account_no, period, earned_minor, reversed_minor, orders, refunds)
SELECT %(program)s, * FROM unnest(%(accounts)b::bigint[], %(periods)b::bigint[]::integer[], %(earned)b::bigint[],
    %(reversed)b::bigint[], %(orders)b::bigint[], %(refunds)b::bigint[])
ON CONFLICT (program_id, account_no, period) DO UPDATE SET
    earned_minor = m.earned_minor + EXCLUDED.earned_minor, reversed_minor = m.reversed_minor + EXCLUDED.reversed_minor,
    orders = m.orders + EXCLUDED.orders, refunds = m.refunds + EXCLUDED.refunds, version = m.version + 1
"""
# With those above at that instant, which need not be those above when the order was paid.
_INSERT_SIGNALS = """
INSERT INTO rank_signals (program_id, day, shop_no, at)
WITH RECURSIVE looked AS (
    SELECT s.*, 0 AS level
    FROM unnest(%(days)b::date[], %(shops)b::bigint[], %(times)b::timestamptz[]) AS s (day, shop_no, at)
    UNION ALL
    SELECT l.day, r.sponsor_no, l.at, l.level + 1 FROM looked l CROSS JOIN LATERAL (
        SELECT sponsor_no FROM referrals
        WHERE program_id = (SELECT %(program)s::integer) AND shop_no = l.shop_no AND effective_at <= l.at
        ORDER BY effective_at DESC, seq DESC LIMIT 1
    ) r
    WHERE l.level < %(levels)s AND r.sponsor_no IS NOT NULL
)
SELECT DISTINCT %(program)s, day, shop_no, at FROM looked
ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING
"""

# All who stood above at that instant or later, each from when on; every link of theirs that brought somebody a recruit.
_INSERT_LATER_RECRUITS = """
INSERT INTO rank_signals (program_id, day, shop_no, at)
WITH RECURSIVE above AS (
    SELECT s.shop_no, s.at, 0 AS level FROM unnest(%(shops)b::bigint[], %(times)b::timestamptz[]) AS s (shop_no, at)
    UNION
    SELECT r.sponsor_no, greatest(a.at, r.effective_at), a.level + 1
    FROM above a JOIN referrals r ON r.program_id = (SELECT %(program)s::integer) AND r.shop_no = a.shop_no
    WHERE a.level < %(levels)s AND r.sponsor_no IS NOT NULL AND r.effective_at >= coalesce((
        SELECT max(o.effective_at) FROM referrals o
        WHERE o.program_id = (SELECT %(program)s::integer) AND o.shop_no = a.shop_no
            AND o.effective_at <= a.at), '-infinity')
), since AS (SELECT shop_no, min(at) AS at FROM above GROUP BY shop_no)
SELECT DISTINCT %(program)s, (r.effective_at AT TIME ZONE %(time_zone)s)::date, r.sponsor_no, r.effective_at
FROM since s JOIN referrals r ON r.program_id = (SELECT %(program)s::integer) AND r.sponsor_no = s.shop_no
    AND r.effective_at >= s.at
ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING
"""


class SettlementRow(NamedTuple):
    """What an order became when it settled."""

    order_no: int
    event_no: int
    version_no: int
    seller_no: int | None
    settled_at: datetime
    paid_at: datetime
    paid_minor: int
    sales_minor: int
    customer_id: str | None
    snapshot: str


class SettlementColumns(NamedTuple):
    """The same of many orders, by column; instants in microseconds since 1970, ``seller_no`` 0 where nobody sells."""

    order_no: Integers
    event_no: Integers
    version_no: Integers
    seller_no: Integers
    settled_at: Integers
    paid_at: Integers
    paid_minor: Integers
    sales_minor: Integers
    customer_id: Sequence[str | None]
    snapshot: Sequence[str]


class RefundLineRow(NamedTuple):
    """What one refund took of one line; ``sales_minor`` is the part that counted for ranks."""

    order_no: int
    refund_id: str
    line_id: str
    event_no: int
    amount_minor: int
    sales_minor: int
    seller_no: int | None
    sold_at: datetime
    occurred_at: datetime


@dataclass(slots=True)
class MonthTotals:
    """What a batch adds to one account's running totals of one month."""

    earned_minor: int = 0
    reversed_minor: int = 0
    orders: int = 0
    refunds: int = 0


class MonthColumns(NamedTuple):
    """The same of many accounts and months, by column; no account has a month twice, and they are in this order."""

    account_no: Integers
    period: Integers
    earned_minor: Integers
    reversed_minor: Integers
    orders: Integers
    refunds: Integers


def settlement_columns(rows: Sequence[SettlementRow]) -> SettlementColumns:
    """Turns settlements into columns."""
    order_no, event_no, version_no, sellers, settled_at, paid_at, paid_minor, sales_minor, customers, snapshots = zip(
        *rows, strict=True
    )
    return SettlementColumns(
        order_no=np.array(order_no, np.int64),
        event_no=np.array(event_no, np.int64),
        version_no=np.array(version_no, np.int64),
        seller_no=np.array([seller_no or 0 for seller_no in sellers], np.int64),
        settled_at=np.array(microseconds(settled_at), np.int64),
        paid_at=np.array(microseconds(paid_at), np.int64),
        paid_minor=np.array(paid_minor, np.int64),
        sales_minor=np.array(sales_minor, np.int64),
        customer_id=list(customers),
        snapshot=list(snapshots),
    )


def copy_settlements(conn: Connection, program_id: int, settlements: Sequence[SettlementColumns]) -> None:
    """Keeps what orders became."""
    parts: list[tuple[int, Mapping[str, Values]]] = []
    for columns in settlements:
        seller_no = Optionals(columns.seller_no, columns.seller_no == 0)
        parts.append((columns.order_no.size, {**columns._asdict(), "program_id": program_id, "seller_no": seller_no}))
    _SETTLEMENTS.copy(conn, parts)


def copy_done(conn: Connection, program_id: int, orders: Integers, events: Integers, now: datetime) -> None:
    """Marks events done, each of the order at its place, that had no outcome before."""
    (done_at,) = microseconds([now])
    constant: dict[str, Values] = {"program_id": program_id, "attempts": 1, "done_at": done_at, "status": "done"}
    _OUTCOMES.copy(conn, [(orders.size, {**constant, "order_no": orders, "event_no": events})])


def month_columns(months: Mapping[tuple[int, int], MonthTotals]) -> MonthColumns:
    """Turns totals by account and period into columns."""
    keys = sorted(months)
    rows = [
        (*key, total.earned_minor, total.reversed_minor, total.orders, total.refunds)
        for key, total in ((key, months[key]) for key in keys)
    ]
    return MonthColumns(*np.array(rows, np.int64).reshape(len(rows), len(MonthColumns._fields)).T)


def upsert_months(conn: Connection, program_id: int, months: MonthColumns) -> None:
    """Adds to the running totals, by account and period."""
    columns = {
        "program": program_id,
        "accounts": months.account_no,
        "periods": months.period,
        "earned": months.earned_minor,
        "reversed": months.reversed_minor,
        "orders": months.orders,
        "refunds": months.refunds,
    }
    execute(conn, _UPSERT_MONTHS, columns)


def copy_refunds(conn: Connection, program_id: int, refunds: Sequence[RefundLineRow]) -> None:
    """Keeps what refunds took of which lines."""
    order_no, refund_id, line_id, event_no, amount_minor, sales_minor, sellers, sold_at, occurred_at = zip(
        *refunds, strict=True
    )
    seller_no = np.array([seller or 0 for seller in sellers], np.int64)
    values: dict[str, Values] = {
        "program_id": program_id,
        "order_no": np.array(order_no, np.int64),
        "event_no": np.array(event_no, np.int64),
        "amount_minor": np.array(amount_minor, np.int64),
        "sales_minor": np.array(sales_minor, np.int64),
        "seller_no": Optionals(seller_no, seller_no == 0),
        "sold_at": np.array(microseconds(sold_at), np.int64),
        "occurred_at": np.array(microseconds(occurred_at), np.int64),
        "refund_id": list(refund_id),
        "line_id": list(line_id),
    }
    _REFUND_LINES.copy(conn, [(len(refunds), values)])


def insert_signals(
    conn: Connection, program_id: int, signals: Iterable[tuple[date, int, datetime]], levels: int
) -> None:
    """Notes shops (day, shop, instant) whose promotion is to be looked at, and so many levels above each."""
    rows = list(signals)
    columns = {
        "program": program_id,
        "days": [day for day, _, _ in rows],
        "shops": [shop_no for _, shop_no, _ in rows],
        "times": [instant for _, _, instant in rows],
        "levels": levels,
    }
    execute(conn, _INSERT_SIGNALS, columns)


def insert_later_recruits(
    conn: Connection, program_id: int, time_zone: str, sold: Iterable[tuple[int, datetime]], levels: int
) -> None:
    """Notes again all looks for a recruit that one gained later who stood above a shop from the instant of its sale on.

    Args:
        sold: (shop, instant) of what settled or came back.
        levels: how many levels above a shop its sales are read.
    """
    rows = list(sold)
    columns = {
        "program": program_id,
        "shops": [shop_no for shop_no, _ in rows],
        "times": [instant for _, instant in rows],
        "levels": levels,
        "time_zone": time_zone,
    }
    execute(conn, _INSERT_LATER_RECRUITS, columns)
