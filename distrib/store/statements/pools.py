"""What a pool rests on: the base of a month, who held which rank at its end, and that it was paid.

Set-based: no order and no shop is brought into memory one by one, but for the pages of holders. Rates, shares and
rounding are the domain's.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.plans.pools import sum_in_pairs
from distrib.store.recorded import Part, Recorded
from distrib.store.sql import execute, execute_as, only, value, written_in

# A refund counts from when the order had settled: what came back before was never in a base.
_PAID_BASE = (
    "SELECT (SELECT COALESCE(sum(paid_minor), 0) FROM settlements"
    " WHERE program_id = %(program)s AND settled_at >= %(start)s AND settled_at < %(end)s)"
    " - (SELECT COALESCE(sum(r.amount_minor), 0) FROM refund_lines r JOIN settlements s USING (program_id, order_no)"
    " WHERE r.program_id = %(program)s AND GREATEST(r.occurred_at, s.settled_at) >= %(start)s"
    " AND GREATEST(r.occurred_at, s.settled_at) < %(end)s)"
)
_LINE_BASES = {
    "list": "COALESCE((l ->> 'list_minor')::bigint, (l ->> 'paid_minor')::bigint)",
    "margin": "GREATEST((l ->> 'paid_minor')::bigint - COALESCE((l ->> 'cost_minor')::bigint,"
    " (l ->> 'paid_minor')::bigint), 0)",
}
_SETTLED_BASE = """
SELECT COALESCE(sum({base}), 0)
FROM settlements s
JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
CROSS JOIN LATERAL json_array_elements(e.payload::json -> 'order' -> 'lines') l
WHERE s.program_id = %(program)s AND s.settled_at >= %(start)s AND s.settled_at < %(end)s
"""
# By what each part is divided by, so that the sum stays exact. A line that was free follows its order's proportion;
# an order that was free as a whole is gone with its first refund (plan.md, Refunds).
_REFUNDED_BASE = written_in(__file__, "refunded_base")
# The row answers where its newest state was in force by then; else the dated rows do.
_STANDING = """
SELECT s.shop_id, s.shop_no,
       CASE WHEN r.rank = ANY(%(ranks)s::text[]) THEN r.rank ELSE %(lowest)s::text END AS rank
FROM shops s
CROSS JOIN LATERAL (SELECT CASE WHEN s.status_since <= %(at)s THEN s.status ELSE (
    SELECT h.status FROM shop_statuses h WHERE h.program_id = s.program_id AND h.shop_no = s.shop_no
    AND h.effective_at <= %(at)s ORDER BY h.effective_at DESC, h.seq DESC LIMIT 1) END AS status) h
CROSS JOIN LATERAL (SELECT CASE WHEN s.rank_since <= %(at)s THEN s.rank ELSE (
    SELECT h.rank FROM shop_ranks h WHERE h.program_id = s.program_id AND h.shop_no = s.shop_no
    AND h.effective_at <= %(at)s ORDER BY h.effective_at DESC, h.seq DESC LIMIT 1) END AS rank) r
WHERE s.program_id = %(program)s AND s.joined_at <= %(at)s AND h.status = 'active'
"""
_COUNTS = f"SELECT rank, count(*) FROM ({_STANDING}) h GROUP BY rank"
_HOLDERS = f"""
SELECT shop_id, shop_no, rank FROM ({_STANDING} AND s.shop_id > %(after)s) h
WHERE rank = ANY(%(holding)s::text[]) ORDER BY shop_id LIMIT %(limit)s
"""
_PAYMENTS = """
SELECT p.pool_id, p.cause_no, p.rate_ppm, p.base_minor, p.amount_minor, p.holders, p.weight, p.period, p.paid_at,
       p.paid_by, v.code AS plan_code, v.version AS plan_version
FROM pool_payments p JOIN plan_versions v ON v.program_id = p.program_id AND v.version_no = p.version_no
WHERE p.program_id = %(program)s AND p.month = %(month)s ORDER BY p.cause_no
"""
_INSERT = (
    "INSERT INTO pool_payments (program_id, month, pool_id, version_no, rate_ppm, base_minor, amount_minor, holders,"
    " weight, period, paid_at, paid_by) VALUES (%(program)s, %(month)s, %(pool_id)s, %(version_no)s,"
    " %(rate_ppm)s, %(base_minor)s,"
    " %(amount_minor)s, %(holders)s, %(weight)s, %(period)s, %(now)s, %(by)s) RETURNING cause_no"
)


class PlanRanks(NamedTuple):
    """The ranks of a plan, the lowest for whoever holds none of them, and the instant that is asked for."""

    known: list[str]
    lowest: str
    instant: datetime


class Holder(NamedTuple):
    """A shop that takes part in a pool."""

    shop_id: str
    shop_no: int
    rank: str


class NewPoolPayment(NamedTuple):
    """A pool of a month that is to be paid: under which version, what it rests on, and in which period it counts."""

    month: int
    version_no: int
    pool_id: str
    rate_ppm: int
    base_minor: int
    amount_minor: int
    holders: int
    weight: int
    period: int


class PoolPayment(NamedTuple):
    """A pool of a month as it was paid."""

    pool_id: str
    cause_no: int
    rate_ppm: int
    base_minor: int
    amount_minor: int
    holders: int
    weight: int
    period: int
    paid_at: datetime
    paid_by: str
    plan_code: str
    plan_version: int


_SETTLED_BASES = {base: _SETTLED_BASE.format(base=line) for base, line in _LINE_BASES.items()}
_REFUNDED_BASES = {base: _REFUNDED_BASE.format(base=line) for base, line in _LINE_BASES.items()}


def base_of_month(conn: Connection, program_id: int, base: str, start: datetime, end: datetime) -> Fraction:
    """Computes the line bases of what settled from ``start`` to before ``end``, less the refunds of that time.

    Args:
        base: ``paid``, ``list`` or ``margin``; a line without a cost has no margin.
    """
    bound = {"program": program_id, "start": start, "end": end}
    if base == "paid":
        return Fraction(int(only(conn, _PAID_BASE, bound)[0]))
    settled = Fraction(int(only(conn, _SETTLED_BASES[base], bound)[0]))
    refunded = execute(conn, _REFUNDED_BASES[base], bound)
    return settled - sum_in_pairs([Fraction(int(part), int(divisor)) for divisor, part in refunded])


def count_holders(conn: Connection, program_id: int, ranks: PlanRanks) -> dict[str, int]:
    """Counts the shops that were active at the instant, by the rank they held then."""
    return dict(execute(conn, _COUNTS, _bound(program_id, ranks)).fetchall())


def holders_after(
    conn: Connection, program_id: int, ranks: PlanRanks, holding: list[str], part: Part[str]
) -> list[Holder]:
    """Lists shops active at the instant with one of the ranks ``holding``, by id."""
    bound = _bound(program_id, ranks) | {"holding": holding, "after": part.place, "limit": part.limit}
    return execute_as(conn, Holder, _HOLDERS, bound).fetchall()


def payments_of(conn: Connection, program_id: int, month: int) -> list[PoolPayment]:
    """Lists the pools of a month that were paid, in that order."""
    return execute_as(conn, PoolPayment, _PAYMENTS, {"program": program_id, "month": month}).fetchall()


def insert_payment(conn: Connection, program_id: int, payment: NewPoolPayment, recorded: Recorded) -> int:
    """Writes a pool payment and returns the number that its transfers have as cause."""
    values = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    return value(conn, int, _INSERT, values | payment._asdict())


def _bound(program_id: int, ranks: PlanRanks) -> dict[str, object]:
    return {"program": program_id, "ranks": ranks.known, "lowest": ranks.lowest, "at": ranks.instant}
