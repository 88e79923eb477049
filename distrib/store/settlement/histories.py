"""What is already known of orders that were settled before: for refunds and repeats.

Read for a whole batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from distrib.store.sql import execute

_SETTLEMENTS = """
SELECT s.order_no, s.event_no, s.version_no, s.seller_no, s.settled_at, s.sales_minor, s.snapshot, e.payload
FROM settlements s
JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
WHERE s.program_id = (SELECT %(program)s::integer) AND s.order_no = ANY(%(orders)b::bigint[])
"""
_REFUNDS = """
SELECT r.order_no, r.refund_id, r.line_id, r.amount_minor, r.occurred_at, e.payload
FROM refund_lines r
JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
WHERE r.program_id = (SELECT %(program)s::integer) AND r.order_no = ANY(%(orders)b::bigint[])
"""
_TRANSFERS = """
SELECT cause_no, seq, kind = 'earned', line_id, rule_id, tier, shop_no, base_minor, rate_ppm,
       signed_minor(shop_no, credit_account, amount_minor), available_at,
       event_no IS NULL
FROM transfers
WHERE program_id = (SELECT %(program)s::integer) AND cause_no = ANY(%(orders)b::bigint[]) ORDER BY cause_no, seq
"""


@dataclass(frozen=True, slots=True)
class PostedTransfer:
    """One transfer of an order; ``amount_minor`` is signed as the shop sees it.

    ``is_decided`` marks what no event but the decision of a case took back.
    """

    seq: int
    is_earned: bool
    line_id: str
    rule_id: str
    tier: int
    shop_no: int
    base_minor: int
    rate_ppm: int | None
    amount_minor: int
    available_at: datetime
    is_decided: bool = False


@dataclass(slots=True)
class StoredRefund:
    """A refund, a cancel, or what undid a refund: from when it counts, its event, and what it took by line."""

    occurred_at: datetime
    payload: str
    taken: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class SettledOrder:
    """An order settled before, with its refunds and transfers."""

    order_no: int
    event_no: int
    version_no: int
    seller_no: int | None
    settled_at: datetime
    sales_minor: int
    snapshot: str
    payload: str
    refunds: dict[str, StoredRefund] = field(default_factory=dict)
    transfers: list[PostedTransfer] = field(default_factory=list)


def settled_numbers(conn: Connection, program_id: int, orders: Sequence[int]) -> set[int]:
    """Which of the orders were settled before, by number."""
    rows = execute(
        conn,
        "SELECT order_no FROM settlements WHERE program_id = %(program)s AND order_no = ANY(%(orders)b::bigint[])",
        {"program": program_id, "orders": list(orders)},
    )
    return {row[0] for row in rows}


def settled_orders(conn: Connection, program_id: int, orders: Sequence[int]) -> dict[int, SettledOrder]:
    """The orders among those numbers that were settled before, with their refunds and transfers, by number."""
    params = {"program": program_id, "orders": list(orders)}
    settled = {row[0]: SettledOrder(*row) for row in execute(conn, _SETTLEMENTS, params, binary=True).fetchall()}
    if not settled:
        return settled
    params["orders"] = list(settled)
    for order_no, refund_id, line_id, amount_minor, *kept in execute(conn, _REFUNDS, params, binary=True).fetchall():
        refunds = settled[order_no].refunds
        if refund_id not in refunds:
            refunds[refund_id] = StoredRefund(*kept)
        refunds[refund_id].taken[line_id] = amount_minor
    for order_no, *transfer in execute(conn, _TRANSFERS, params, binary=True).fetchall():
        settled[order_no].transfers.append(PostedTransfer(*transfer))
    return settled
