"""What a program comes to: orders, refunds, transfers, promotions, events. Reads only; no rule may enter."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, only


class TransferTotal(NamedTuple):
    """How many transfers of a kind there are, and their sum, not negative."""

    transfers: int
    amount_minor: int


_SETTLED = """
SELECT count(*), COALESCE(sum(paid_minor), 0)::bigint, count(seller_no) FROM settlements WHERE program_id = %(program)s
"""
_REFUNDED = """
SELECT count(DISTINCT (order_no, refund_id)) FILTER (WHERE NOT starts_with(refund_id, '/reversed/')),
       COALESCE(sum(amount_minor), 0)::bigint
FROM refund_lines WHERE program_id = %(program)s
"""
_TRANSFERS = """
SELECT kind::text, count(*), sum(amount_minor)::bigint FROM transfers WHERE program_id = %(program)s GROUP BY kind
"""
_PROMOTIONS = """
SELECT rank, count(*) FROM shop_ranks WHERE program_id = %(program)s AND cause = 'promotion' GROUP BY rank
"""
_EVENTS = """
SELECT COALESCE(x.status, 'pending'), count(*)
FROM events e
LEFT JOIN event_outcomes x ON x.program_id = e.program_id AND x.order_no = e.order_no AND x.event_no = e.event_no
WHERE e.program_id = %(program)s GROUP BY 1
"""
_TO_DO = """
SELECT (SELECT count(*) FROM queue WHERE program_id = %(program)s),
       (SELECT count(*) FROM settlements WHERE program_id = %(program)s),
       EXISTS (SELECT 1 FROM rank_signals WHERE program_id = %(program)s)
"""


def settled_totals(conn: Connection, program_id: int) -> tuple[int, int, int]:
    """Counts the settled orders and those that a shop sold, and adds up what was paid for them."""
    orders, paid_minor, sold = only(conn, _SETTLED, {"program": program_id})
    return orders, paid_minor, sold


def refunded_totals(conn: Connection, program_id: int) -> tuple[int, int]:
    """Counts the refunds that were applied, and adds up what they gave back, less what was undone."""
    refunds, amount_minor = only(conn, _REFUNDED, {"program": program_id})
    return refunds, amount_minor


def transfer_totals(conn: Connection, program_id: int) -> dict[str, TransferTotal]:
    """Counts and adds up the transfers, by kind."""
    rows = execute(conn, _TRANSFERS, {"program": program_id})
    return {kind: TransferTotal(count, amount_minor) for kind, count, amount_minor in rows}


def promotion_totals(conn: Connection, program_id: int) -> dict[str, int]:
    """Counts the promotions that were earned, by the rank they led to."""
    return {row[0]: row[1] for row in execute(conn, _PROMOTIONS, {"program": program_id})}


def event_totals(conn: Connection, program_id: int) -> dict[str, int]:
    """Counts the accepted events, by outcome."""
    return {row[0]: row[1] for row in execute(conn, _EVENTS, {"program": program_id})}


def to_do(conn: Connection, program_id: int) -> tuple[int, int, bool]:
    """Counts the orders in the queue and those settled, and checks for promotions to decide."""
    queued, settled, has_signals = only(conn, _TO_DO, {"program": program_id})
    return queued, settled, has_signals
