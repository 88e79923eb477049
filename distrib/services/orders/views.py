"""Orders as they are read: content, status, plan version, refunds, and who earned what net of reversals.

No SQL may enter, and nothing is recomputed here: that is what explanations are for.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection

from distrib.domain.errors import CODES, Refusal
from distrib.domain.events import CANCEL, UNDONE, Order
from distrib.languages import CHINESE, ENGLISH, render
from distrib.services.context import Program
from distrib.services.orders.codec import decode_stored
from distrib.services.orders.commissions import EXPECTED, plan_view, rate_text, state_at
from distrib.store.orders import commissions, expected, views
from distrib.store.orders.commissions import OrderCommissionRow
from distrib.store.orders.expected import ExpectedChangeRow
from distrib.store.orders.pages import OrderFilters
from distrib.store.orders.views import OrderEventRow, OrderRow, RefundRow

__all__ = ["ORDER_STATUSES", "OrderFilters", "get_order", "list_orders"]

PostedRow: TypeAlias = OrderCommissionRow | ExpectedChangeRow
"""What an order gave and took back, posted or expected."""
_NEWEST = 2**62
"""Above the number of any order."""
ORDER_STATUSES = (
    "pending",
    "waiting",
    "failed",
    "paid",
    "payment_failed",
    "settled",
    "partly_refunded",
    "refunded",
    "cancelled",
    "group_failed",
)


def list_orders(
    conn: Connection, program: Program, filters: OrderFilters, after: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Lists the orders that pass the filters, by number, or from the newest down.

    Returns:
        Up to ``limit`` of them, and the number to go on after (None at the end).
    """
    if filters.status is not None and filters.status not in ORDER_STATUSES:
        return [], None
    first = _NEWEST if filters.is_newest_first else 0
    orders = views.list_orders(conn, program.program_id, filters, after or first, limit + 1)
    page = orders[:limit]
    return [summary_of(row) for row in page], page[-1].order_no if len(orders) > limit else None


def get_order(conn: Connection, program: Program, order_id: str, now: datetime) -> dict[str, Any]:
    """Reads one order with its lines, refunds, commissions and events; raises ``order_unknown``.

    ``reason`` says why nobody earned; ``error`` why it waits or failed. A commission's ``state`` is that at ``now``.
    """
    head = find_order(conn, program, order_id)
    events = views.events_of_order(conn, program.program_id, head.order_no, head.content_no)
    refunds = views.refunds_of_order(conn, program.program_id, head.order_no)
    posted = commissions.commissions_of_order(conn, program.program_id, head.order_no)
    awaited = expected.expected_of_order(conn, program.program_id, head.order_no)
    order = order_in(events, head.content_no)
    return {
        **summary_of(head),
        **_content(order),
        "lines": [] if order is None else _lines(order, refunded_by_line(refunds)),
        "refunds": _refunds(refunds),
        "commissions": _net(program, posted, now),
        "expected": [_expected(net) for net in _net(program, awaited, now) if net["amount_minor"]],
        "events": [_event(event) for event in events],
        "reason": reason_of(head, events, posted),
        "error": error_of(head, events),
    }


def find_order(conn: Connection, program: Program, order_id: str) -> OrderRow:
    """Reads the head of an order; raises ``order_unknown``."""
    head = views.find_order(conn, program.program_id, order_id)
    if head is None:
        raise Refusal("order_unknown", id=order_id)
    return head


def order_in(events: Sequence[OrderEventRow], event_no: int | None) -> Order | None:
    """Decodes the order in the event of that number; None where there is none yet."""
    payload = next((event.payload for event in events if event.event_no == event_no), None)
    return None if payload is None else decode_stored(payload).order


def refunded_by_line(refunds: Sequence[RefundRow]) -> dict[str, int]:
    """Adds up what all refunds took of each line, less what was undone."""
    taken: defaultdict[str, int] = defaultdict(int)
    for refund in refunds:
        if refund.line_id is not None:
            taken[refund.line_id] += refund.amount_minor
    return taken


def is_reduced(refunds: Sequence[RefundRow]) -> bool:
    """Whether a refund of the order's lines stands, be it that they were free."""
    ids = {refund.refund_id for refund in refunds if refund.line_id is not None}
    return any(not refund_id.startswith(UNDONE) and UNDONE + refund_id not in ids for refund_id in ids)


def summary_of(row: OrderRow) -> dict[str, Any]:
    """One order as the list of orders shows it."""
    paid = row.paid_minor
    return {
        "id": row.id,
        "status": row.status,
        "shop_id": row.shop_id,
        "seller_by": _seller_by(row),
        "customer_id": row.customer_id,
        "channel": row.channel,
        "currency": row.currency,
        "paid_at": row.paid_at,
        "settled_at": row.settled_at,
        "paid_minor": paid,
        "refunded_minor": row.refunded_minor,
        "left_minor": None if paid is None else paid - row.refunded_minor,
        "plan": plan_view(row.plan_code, row.plan_version),
    }


def _seller_by(row: OrderRow) -> str | None:
    """How the selling shop was found: named by the order, or by its customer's binding at ``paid_at``."""
    if row.shop_id is None:
        return None
    return "binding" if row.named_shop_id is None else "order"


def _content(order: Order | None) -> dict[str, Any]:
    if order is None:
        return {"leader_id": None, "opener_id": None, "group_id": None}
    return {"leader_id": order.leader_id, "opener_id": order.opener_id, "group_id": order.group_id}


def _lines(order: Order, refunded: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "id": line.id,
            "sku": line.sku,
            "category": line.category,
            "quantity": line.quantity,
            "paid_minor": line.paid_minor,
            "list_minor": line.list_minor,
            "cost_minor": line.cost_minor,
            "entry": line.entry,
            "refunded_minor": refunded.get(line.id, 0),
            "left_minor": line.paid_minor - refunded.get(line.id, 0),
        }
        for line in order.lines
    ]


def _refunds(rows: Sequence[RefundRow]) -> list[dict[str, Any]]:
    """Refunds as they came, with what each took and what undid it; a cancel's has no id."""
    refunds: dict[str, dict[str, Any]] = {}
    undone = {row.refund_id: row for row in rows if row.refund_id.startswith(UNDONE)}
    for row in rows:
        if row.refund_id in undone:
            continue
        shown = refunds.setdefault(row.refund_id, _refund(row, undone.get(UNDONE + row.refund_id)))
        shown["amount_minor"] += row.amount_minor
        if row.line_id is not None:
            shown["lines"].append({"line_id": row.line_id, "amount_minor": row.amount_minor})
    return list(refunds.values())


def _refund(row: RefundRow, undone: RefundRow | None) -> dict[str, Any]:
    return {
        "id": None if row.refund_id == CANCEL else row.refund_id,
        "event_id": row.event_id,
        "occurred_at": row.occurred_at,
        "amount_minor": 0,
        "counts": row.line_id is not None,
        "lines": [],
        "reversed_at": None if undone is None else undone.occurred_at,
        "reversed_by": None if undone is None else undone.event_id,
    }


def _net(program: Program, posted: Sequence[PostedRow], now: datetime) -> list[dict[str, Any]]:
    """One entry for each line, rule, tier and shop: first earned, taken back, what stands."""
    net_by_key: dict[tuple[str, str, int, int], dict[str, Any]] = {}
    for row in posted:
        key = (row.line_id, row.rule_id, row.tier, row.shop_no)
        net = net_by_key.setdefault(key, _nothing(program, row, now))
        net["earned_minor" if row.kind == "earned" else "reversed_minor"] += row.amount_minor
        net["amount_minor"] += row.amount_minor
    return list(net_by_key.values())


def _nothing(program: Program, row: PostedRow, now: datetime) -> dict[str, Any]:
    return {
        "line_id": row.line_id,
        "rule": row.rule_id,
        "tier": row.tier,
        "shop_id": row.shop_id,
        "base_minor": row.base_minor,
        "rate": rate_text(row.rate_ppm),
        "earned_minor": 0,
        "reversed_minor": 0,
        "amount_minor": 0,
        "currency": program.currency,
        "available_at": row.available_at if isinstance(row, OrderCommissionRow) else None,
        "state": _state(row, now),
    }


def _state(row: PostedRow, now: datetime) -> str:
    if isinstance(row, ExpectedChangeRow):
        return EXPECTED
    return state_at(row.available_at, now, is_case_held=row.is_case_held)


def _expected(net: Mapping[str, Any]) -> dict[str, Any]:
    """One expected entry as it is shown: nothing of it was earned or taken back yet."""
    without = ("earned_minor", "reversed_minor", "available_at")
    return {name: value for name, value in net.items() if name not in without}


def _event(event: OrderEventRow) -> dict[str, Any]:
    return {
        "id": event.event_id,
        "type": event.type,
        "occurred_at": event.occurred_at,
        "status": event.status,
        "code": event.code,
    }


def reason_of(head: OrderRow, events: Sequence[OrderEventRow], posted: Sequence[PostedRow]) -> str | None:
    """Why an order earns nobody anything: it has ended, nobody sold it, or no rule paid."""
    if head.end_reason is not None:
        return head.end_reason
    if head.settled_at is None or posted:
        return None
    remark = next((event.code for event in events if event.event_no == head.event_no), None)
    return remark or "nobody_earned"


def error_of(head: OrderRow, events: Sequence[OrderEventRow]) -> dict[str, Any] | None:
    """Why an order waits or failed, in the words of its event."""
    event = next((event for event in events if event.event_no == head.event_no), None)
    if event is None or head.settled_at is not None or event.code is None or event.status == "done":
        return None
    code = event.code if event.code in CODES else "poison"
    refusal = Refusal(code, **json.loads(event.params or "{}"))
    return {"code": event.code, "detail": render(refusal.text, ENGLISH), "detail_zh": render(refusal.text, CHINESE)}
