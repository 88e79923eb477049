"""Writing what a batch of orders became: settlements, transfers, running totals, outcomes.

Everything goes in sets: one COPY a table, one upsert for all totals, accounts in the order
of their numbers so that batches that meet wait and do not deadlock.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.events import Order
from distrib.domain.ledger import EXPENSE
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.commission import Commission
from distrib.store.copying import NULL, copy_rows, microseconds, text_field
from distrib.store.database import driver

# The fields of a transfer that all transfers of one event share come first, so that they are
# encoded once an event and not once a row.
_TRANSFERS = (
    "transfers (program_id, cause_no, kind, event_no, version_no, occurred_at, period, belongs_to_period,"
    " available_at, reverses_seq, seq, debit_account, credit_account, amount_minor, tier, base_minor, rate_ppm,"
    " line_id, rule_id)"
)
_EARNED = struct.Struct(">hiiiqi6siqiiiqiiiiqi")
_REVERSED = struct.Struct(">hiiiqi8siqiiiqiii")
# The same with the month that a late fact belongs to.
_LATE_EARNED = struct.Struct(">hiiiqi6siqiiiqiiiiiqi")
_LATE_REVERSED = struct.Struct(">hiiiqi8siqiiiqiiii")
_REVERSES = struct.Struct(">iqii")
_OWN = struct.Struct(">iiiqiqiqihiqii")
_OWN_WITHOUT_RATE = struct.Struct(">iiiqiqiqihiqi")
_SETTLEMENTS = (
    "settlements (program_id, order_no, event_no, version_no, seller_no, settled_at, paid_at, paid_minor, sales_minor,"
    " customer_id, snapshot)"
)
_SETTLEMENT = struct.Struct(">hiiiqiqiiiqiqiqiqiq")
_SETTLEMENT_WITHOUT_SELLER = struct.Struct(">hiiiqiqiiiiqiqiqiq")
_OUTCOMES = "event_outcomes (program_id, order_no, event_no, attempts, done_at, status, code, params, waits_for)"
_OUTCOME = struct.Struct(">hiiiqiqiiiqi4siii")

_UPSERT_MONTHS = """
INSERT INTO account_months AS m (program_id, account_no, period, earned_minor, reversed_minor, orders, refunds)
SELECT %(program)s, * FROM unnest(%(accounts)b::bigint[], %(periods)b::integer[], %(earned)b::bigint[],
    %(reversed)b::bigint[], %(orders)b::bigint[], %(refunds)b::bigint[])
ON CONFLICT (program_id, account_no, period) DO UPDATE SET
    earned_minor = m.earned_minor + EXCLUDED.earned_minor, reversed_minor = m.reversed_minor + EXCLUDED.reversed_minor,
    orders = m.orders + EXCLUDED.orders, refunds = m.refunds + EXCLUDED.refunds, version = m.version + 1
"""
_INSERT_REFUNDS = """
INSERT INTO refund_lines
    (program_id, order_no, refund_id, line_id, event_no, amount_minor, sales_minor, seller_no, sold_at, occurred_at)
SELECT %(program)s, * FROM unnest(%(orders)b::bigint[], %(refunds)b::text[], %(lines)b::text[], %(events)b::bigint[],
    %(amounts)b::bigint[], %(sales)b::bigint[], %(sellers)b::bigint[], %(sold)b::timestamptz[],
    %(times)b::timestamptz[])
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


@dataclass(frozen=True, slots=True)
class RefundLineRow:
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


class Posting(NamedTuple):
    """What the transfers of one event share."""

    program_id: int
    order_no: int
    event_no: int
    version_no: int
    occurred_at: datetime
    period: int
    belongs_to_period: int | None = None


class Reversal(NamedTuple):
    """A change of one commission by a refund: ``amount_minor`` below zero takes back."""

    commission: Commission
    reverses_seq: int
    available_at: datetime
    amount_minor: int


class TransferRows:
    """Transfers of a batch as rows for COPY, encoded as they come."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._rule_ids: dict[int, list[bytes]] = {}

    def __bool__(self) -> bool:
        """Whether there is any transfer."""
        return bool(self._rows)

    def add_earned(
        self, posting: Posting, available_at: datetime, commissions: Sequence[Commission], order: Order, plan: Plan
    ) -> None:
        """Adds the transfers of a settlement, numbered from 1.

        Args:
            posting: what they share.
            available_at: when the money becomes available.
            commissions: what was earned.
            order: whose lines they are of.
            plan: whose rules they are by: the version that the posting names.
        """
        program_id, order_no, event_no, version_no, occurred_at, period, belongs_to_period = posting
        instant = microseconds(occurred_at)
        head = (19, 4, program_id, 8, order_no, 6, b"earned", 8, event_no, 4, version_no, 8, instant, 4, period)
        if belongs_to_period is None:
            shared = _EARNED.pack(*head, -1, 8, microseconds(available_at), -1)
        else:
            shared = _LATE_EARNED.pack(*head, 4, belongs_to_period, 8, microseconds(available_at), -1)
        lines, rules, rows = _line_ids(order), self._rules(version_no, plan), self._rows
        pack, pack_without_rate = _OWN.pack, _OWN_WITHOUT_RATE.pack
        for seq, (line, rule, tier, shop_no, base_minor, rate_ppm, amount_minor) in enumerate(commissions, 1):
            if rate_ppm is None:
                own = pack_without_rate(4, seq, 8, EXPENSE, 8, shop_no, 8, amount_minor, 2, tier, 8, base_minor, -1)
            else:
                own = pack(4, seq, 8, EXPENSE, 8, shop_no, 8, amount_minor, 2, tier, 8, base_minor, 4, rate_ppm)
            rows += (shared, own, lines[line], rules[rule])

    def add_reversals(
        self, posting: Posting, reversals: Sequence[Reversal], first_seq: int, order: Order, plan: Plan
    ) -> None:
        """Adds the transfers of what a refund changed, numbered from ``first_seq``."""
        program_id, order_no, event_no, version_no, occurred_at, period, belongs_to_period = posting
        instant = microseconds(occurred_at)
        head = (19, 4, program_id, 8, order_no, 8, b"reversed", 8, event_no, 4, version_no, 8, instant, 4, period)
        if belongs_to_period is None:
            shared = _REVERSED.pack(*head, -1)
        else:
            shared = _LATE_REVERSED.pack(*head, 4, belongs_to_period)
        lines, rules, rows = _line_ids(order), self._rules(version_no, plan), self._rows
        for seq, (of, reverses_seq, available_at, amount_minor) in enumerate(reversals, first_seq):
            debit, credit = (of.shop_no, EXPENSE) if amount_minor < 0 else (EXPENSE, of.shop_no)
            own = (4, seq, 8, debit, 8, credit, 8, abs(amount_minor), 2, of.tier, 8, of.base_minor)
            packed = _OWN_WITHOUT_RATE.pack(*own, -1) if of.rate_ppm is None else _OWN.pack(*own, 4, of.rate_ppm)
            taken_from = _REVERSES.pack(8, microseconds(available_at), 4, reverses_seq)
            rows += (shared, taken_from, packed, lines[of.line_index], rules[of.rule_index])

    def copy(self, conn: Connection) -> None:
        """Posts the transfers."""
        copy_rows(conn, _TRANSFERS, self._rows)

    def _rules(self, version_no: int, plan: Plan) -> list[bytes]:
        """The encoded ids of a plan version's rules, by index."""
        ids = self._rule_ids.get(version_no)
        if ids is None:
            ids = self._rule_ids[version_no] = [text_field(rule.id) for rule in plan.rules]
        return ids


_id_field = lru_cache(maxsize=65_536)(text_field)


def _line_ids(order: Order) -> list[bytes]:
    """The encoded ids of an order's lines, by index; the same ids stand in most orders."""
    return [_id_field(line.id) for line in order.lines]


def copy_settlements(conn: Connection, program_id: int, settlements: Sequence[SettlementRow]) -> None:
    """Keeps what orders became."""
    copy_rows(conn, _SETTLEMENTS, [_encode_settlement(program_id, row) for row in settlements])


def copy_done(conn: Connection, program_id: int, events: Iterable[tuple[int, int]], now: datetime) -> None:
    """Marks events (order, event) done that had no outcome before."""
    done_at = microseconds(now)
    copy_rows(
        conn,
        _OUTCOMES,
        [
            _OUTCOME.pack(9, 4, program_id, 8, order_no, 8, event_no, 4, 1, 8, done_at, 4, b"done", -1, -1, -1)
            for order_no, event_no in events
        ],
    )


def upsert_months(conn: Connection, program_id: int, months: Mapping[tuple[int, int], MonthTotals]) -> None:
    """Adds to the running totals, by account and period."""
    keys = sorted(months)
    totals = [months[key] for key in keys]
    columns = {
        "program": program_id,
        "accounts": [account_no for account_no, _ in keys],
        "periods": [period for _, period in keys],
        "earned": [total.earned_minor for total in totals],
        "reversed": [total.reversed_minor for total in totals],
        "orders": [total.orders for total in totals],
        "refunds": [total.refunds for total in totals],
    }
    driver(conn).execute(_UPSERT_MONTHS, columns)


def insert_refunds(conn: Connection, program_id: int, refunds: Sequence[RefundLineRow]) -> None:
    """Keeps what refunds took of which lines."""
    columns = {
        "program": program_id,
        "orders": [row.order_no for row in refunds],
        "refunds": [row.refund_id for row in refunds],
        "lines": [row.line_id for row in refunds],
        "events": [row.event_no for row in refunds],
        "amounts": [row.amount_minor for row in refunds],
        "sales": [row.sales_minor for row in refunds],
        "sellers": [row.seller_no for row in refunds],
        "sold": [row.sold_at for row in refunds],
        "times": [row.occurred_at for row in refunds],
    }
    driver(conn).execute(_INSERT_REFUNDS, columns)


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
    driver(conn).execute(_INSERT_SIGNALS, columns)


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
    driver(conn).execute(_INSERT_LATER_RECRUITS, columns)


def _encode_settlement(program_id: int, row: SettlementRow) -> bytes:
    times = (8, microseconds(row.settled_at), 8, microseconds(row.paid_at), 8, row.paid_minor, 8, row.sales_minor)
    head = (11, 4, program_id, 8, row.order_no, 8, row.event_no, 4, row.version_no)
    if row.seller_no is None:
        fixed = _SETTLEMENT_WITHOUT_SELLER.pack(*head, -1, *times)
    else:
        fixed = _SETTLEMENT.pack(*head, 8, row.seller_no, *times)
    customer = NULL if row.customer_id is None else text_field(row.customer_id)
    return fixed + customer + text_field(row.snapshot)
