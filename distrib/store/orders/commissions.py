"""Reading commissions: transfers to and from shops with the ids their callers know.

A page is found by key (cause, seq), never by offset. Nothing is added up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.store.orders.views import number_of
from distrib.store.pages.transfers import CASE_HELD, Wanted, keys_of_page, number_of_shop
from distrib.store.sql import execute_as, row_as

COMMISSION_KINDS = ("earned", "reversed", "pool", "adjusted")
"""The kinds of transfer that are commissions; the rest moves money that was earned before."""

# Of the keys of one page alone, each row and each id by its own key: what statistics think of a page does not matter.
_ROWS = f"""
SELECT t.cause_no, t.seq, t.reverses_seq, e.event_id, o.order_id, t.line_id, t.shop_no, h.shop_id, t.rule_id AS rule,
       t.tier, t.kind::text AS kind, t.base_minor, t.rate_ppm,
       signed_minor(t.shop_no, t.credit_account, t.amount_minor) AS amount_minor,
       v.code AS plan_code, v.version AS plan_version, t.occurred_at, t.available_at, t.period, t.belongs_to_period,
       {CASE_HELD} AS is_case_held, a.adjustment_id, COALESCE(a.reason, 'withdrawal:' || w.withdrawal_id) AS reason,
       w.withdrawal_id, r.refunded_minor
FROM unnest(CAST(%(causes)s AS bigint[]), CAST(%(seqs)s AS integer[])) WITH ORDINALITY k (cause_no, seq, place)
CROSS JOIN LATERAL (SELECT * FROM transfers
                    WHERE program_id = %(program)s AND cause_no = k.cause_no AND seq = k.seq OFFSET 0) t
CROSS JOIN LATERAL (SELECT shop_id FROM shops WHERE program_id = t.program_id AND shop_no = t.shop_no OFFSET 0) h
LEFT JOIN LATERAL (SELECT adjustment_id, reason FROM adjustments
                   WHERE program_id = t.program_id AND adjustment_no = t.cause_no OFFSET 0) a ON true
LEFT JOIN LATERAL (SELECT order_id FROM orders
                   WHERE program_id = t.program_id AND order_no = t.cause_no OFFSET 0) o ON true
LEFT JOIN LATERAL (SELECT event_id FROM events
                   WHERE program_id = t.program_id AND order_no = t.cause_no AND event_no = t.event_no
                   OFFSET 0) e ON true
LEFT JOIN LATERAL (SELECT withdrawal_id FROM withdrawals
                   WHERE program_id = t.program_id AND withdrawal_no = t.cause_no OFFSET 0) w ON true
LEFT JOIN LATERAL (SELECT sum(amount_minor)::bigint AS refunded_minor FROM refund_lines
                   WHERE t.kind = 'reversed' AND program_id = t.program_id AND order_no = t.cause_no
                     AND event_no = t.event_no AND line_id = t.line_id OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT code, version FROM plan_versions
                   WHERE program_id = t.program_id AND version_no = t.version_no OFFSET 0) v ON true
ORDER BY k.place
"""
_OF_ORDER = f"""
SELECT t.seq, t.line_id, t.rule_id, t.tier, t.shop_no, h.shop_id, t.kind::text AS kind, t.base_minor, t.rate_ppm,
       signed_minor(t.shop_no, t.credit_account, t.amount_minor) AS amount_minor,
       t.available_at, t.event_no, {CASE_HELD} AS is_case_held
FROM transfers t JOIN shops h ON h.program_id = t.program_id AND h.shop_no = t.shop_no
WHERE t.program_id = %(program)s AND t.cause_no = %(order_no)s AND t.kind IN ('earned', 'reversed')
ORDER BY t.seq
"""


@dataclass(frozen=True, slots=True)
class CommissionRow:
    """One commission of a shop as it is posted, with the ids its callers know; what was taken back is below zero.

    ``reason`` is an adjustment's, ``refunded_minor`` what the refund took of the line of what was taken back.
    """

    cause_no: int
    seq: int
    reverses_seq: int | None
    event_id: str | None
    order_id: str | None
    line_id: str | None
    shop_no: int
    shop_id: str
    rule: str | None
    tier: int | None
    kind: str
    base_minor: int | None
    rate_ppm: int | None
    amount_minor: int
    plan_code: str | None
    plan_version: int | None
    occurred_at: datetime
    available_at: datetime
    period: int
    belongs_to_period: int | None
    is_case_held: bool
    adjustment_id: str | None
    reason: str | None
    withdrawal_id: str | None
    refunded_minor: int | None


@dataclass(frozen=True, slots=True)
class OrderCommissionRow:
    """What a line of an order gave a shop by a rule, or what was taken back of it."""

    seq: int
    line_id: str
    rule_id: str
    tier: int
    shop_no: int
    shop_id: str
    kind: str
    base_minor: int
    rate_ppm: int | None
    amount_minor: int
    available_at: datetime
    event_no: int | None
    is_case_held: bool


@dataclass(frozen=True, slots=True)
class CommissionFilters:
    """Which commissions are asked for; ``held_at`` and ``available_at`` ask for those held or available then."""

    shop_id: str | None = None
    shop_no: int | None = None
    order_id: str | None = None
    period: int | None = None
    kind: str | None = None
    held_at: datetime | None = None
    available_at: datetime | None = None
    is_newest_first: bool = False


def list_commissions(
    conn: Connection, program_id: int, filters: CommissionFilters, after: tuple[int, int] | None, limit: int
) -> list[CommissionRow]:
    """Lists commissions by cause and number, ``limit`` at the most after the key ``after``; takings are below zero.

    With ``is_newest_first`` the other way round, and so what comes after the key is what lies before it.
    """
    wanted = _wanted(conn, program_id, filters)
    keys = [] if wanted is None else keys_of_page(conn, program_id, wanted, after, limit)
    if not keys:
        return []
    causes, seqs = zip(*keys, strict=True)
    bound = {"program": program_id, "causes": list(causes), "seqs": list(seqs)}
    return execute_as(conn, CommissionRow, _ROWS, bound).fetchall()


def _wanted(conn: Connection, program_id: int, filters: CommissionFilters) -> Wanted | None:
    """The same filters on transfers; None where nothing can fit."""
    shop_no, cause_no = filters.shop_no, None
    if filters.shop_id is not None:
        named = number_of_shop(conn, program_id, filters.shop_id)
        if named is None or shop_no not in (None, named):
            return None
        shop_no = named
    if filters.order_id is not None:
        cause_no = number_of(conn, program_id, filters.order_id)
        if cause_no is None:
            return None
    kinds = COMMISSION_KINDS if filters.kind is None else (filters.kind,)
    if filters.kind is not None and filters.kind not in COMMISSION_KINDS:
        return None
    return Wanted(
        shop_no=shop_no,
        cause_no=cause_no,
        kinds=kinds,
        period=filters.period,
        held_at=filters.held_at,
        available_at=filters.available_at,
        is_newest_first=filters.is_newest_first,
    )


def find_commission(
    conn: Connection, program_id: int, place: tuple[int, int], only_shop_no: int | None = None
) -> CommissionRow | None:
    """Reads the commission of that cause and number, of that shop where one is given; None where there is none."""
    bound = {"program": program_id, "causes": [place[0]], "seqs": [place[1]]}
    row = row_as(conn, CommissionRow, _ROWS, bound)
    if row is None or row.kind not in COMMISSION_KINDS or only_shop_no not in (None, row.shop_no):
        return None
    return row


def commissions_of_order(conn: Connection, program_id: int, order_no: int) -> list[OrderCommissionRow]:
    """Lists everything that one order gave and took back, as posted."""
    return execute_as(conn, OrderCommissionRow, _OF_ORDER, {"program": program_id, "order_no": order_no}).fetchall()
