"""Orders as they are read: content, status, plan version, refunds, and who earned what net of reversals.

No SQL may enter, and nothing is recomputed here: that is what explanations are for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypedDict

from sqlalchemy import Connection

from distrib.domain.events import CANCEL, UNDONE, Order
from distrib.domain.orders.refusals import OrderUnknown
from distrib.services.context import Program, Unit
from distrib.services.orders.codec import decode_stored
from distrib.services.orders.commissions import EXPECTED, PlanVersionView, plan_view, rate_text, state_at
from distrib.services.orders.failures import FailureView, failure_of
from distrib.store.orders import commissions, expected, views
from distrib.store.orders.commissions import OrderCommissionRow
from distrib.store.orders.expected import ExpectedChangeRow
from distrib.store.orders.pages import OrderFilters
from distrib.store.orders.views import OrderEventRow, OrderRefundRow, OrderRow

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


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """An order as the list of orders shows it.

    ``seller_by`` says how the selling shop was found: named by the order, or by its customer's binding at ``paid_at``.
    """

    id: str
    status: str
    shop_id: str | None
    seller_by: str | None
    customer_id: str | None
    channel: str | None
    currency: str | None
    paid_at: datetime | None
    settled_at: datetime | None
    paid_minor: int | None
    refunded_minor: int
    left_minor: int | None
    plan: PlanVersionView | None


@dataclass(frozen=True, slots=True)
class OrderLineView:
    """A line of an order, with what refunds took of it and what is left."""

    id: str
    sku: str
    category: str | None
    quantity: int
    paid_minor: int
    list_minor: int | None
    cost_minor: int | None
    entry: bool | None
    refunded_minor: int
    left_minor: int


@dataclass(frozen=True, slots=True)
class RefundedLine:
    """What a refund took of a line."""

    line_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund as it came, with what it took and what undid it; a cancel's has no id.

    ``counts``: it is of the order's lines, and so changes what they earn.
    """

    id: str | None
    event_id: str
    occurred_at: datetime
    amount_minor: int
    counts: bool
    lines: list[RefundedLine]
    reversed_at: datetime | None
    reversed_by: str | None


@dataclass(frozen=True, slots=True)
class NetCommission:
    """What a line gave a shop by a rule: first earned, taken back, what stands."""

    line_id: str
    rule: str
    tier: int
    shop_id: str
    base_minor: int
    rate: str | None
    earned_minor: int
    reversed_minor: int
    amount_minor: int
    currency: str
    available_at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class ExpectedCommission:
    """What a line is expected to give a shop by a rule; nothing of it was earned or taken back yet."""

    line_id: str
    rule: str
    tier: int
    shop_id: str
    base_minor: int
    rate: str | None
    amount_minor: int
    currency: str
    state: str


@dataclass(frozen=True, slots=True)
class OrderEventView:
    """One event of an order, and what became of it."""

    id: str
    type: str
    occurred_at: datetime
    status: str
    code: str | None


@dataclass(frozen=True, slots=True)
class OrderView(OrderSummary):
    """An order in full: ``reason`` says why nobody earned, ``error`` why it waits or failed."""

    leader_id: str | None
    opener_id: str | None
    group_id: str | None
    lines: list[OrderLineView]
    refunds: list[RefundView]
    commissions: list[NetCommission]
    expected: list[ExpectedCommission]
    events: list[OrderEventView]
    reason: str | None
    error: FailureView | None


def list_orders(
    conn: Connection, program: Program, filters: OrderFilters, after: int | None, limit: int
) -> tuple[list[OrderSummary], int | None]:
    """Lists the orders that pass the filters, by number, or from the newest down.

    Returns:
        Up to ``limit`` of them, and the number to go on after (None at the end).
    """
    if filters.status is not None and filters.status not in ORDER_STATUSES:
        return [], None
    first = _NEWEST if filters.is_newest_first else 0
    orders = views.list_orders(conn, program.program_id, filters, after or first, limit + 1)
    page = orders[:limit]
    return [OrderSummary(**summary_of(row)) for row in page], page[-1].order_no if len(orders) > limit else None


def get_order(unit: Unit, order_id: str) -> OrderView:
    """Reads one order with its lines, refunds, commissions and events; raises ``order_unknown``.

    A commission's ``state`` is that at ``now``.
    """
    head = find_order(unit.conn, unit.program, order_id)
    events = views.events_of_order(unit.conn, unit.program_id, head.order_no, head.content_no)
    refunds = views.refunds_of_order(unit.conn, unit.program_id, head.order_no)
    posted = commissions.commissions_of_order(unit.conn, unit.program_id, head.order_no)
    awaited = expected.expected_of_order(unit.conn, unit.program_id, head.order_no)
    order = order_in(events, head.content_no)
    return OrderView(
        **summary_of(head),
        leader_id=None if order is None else order.leader_id,
        opener_id=None if order is None else order.opener_id,
        group_id=None if order is None else order.group_id,
        lines=[] if order is None else _lines(order, refunded_by_line(refunds)),
        refunds=_refunds(refunds),
        commissions=_net(unit.program, posted, unit.now),
        expected=[_expected(net) for net in _net(unit.program, awaited, unit.now) if net.amount_minor],
        events=[_event(event) for event in events],
        reason=reason_of(head, events, posted),
        error=error_of(head, events),
    )


def find_order(conn: Connection, program: Program, order_id: str) -> OrderRow:
    """Reads the head of an order; raises ``order_unknown``."""
    head = views.find_order(conn, program.program_id, order_id)
    if head is None:
        raise OrderUnknown(id=order_id)
    return head


def order_in(events: Sequence[OrderEventRow], event_no: int | None) -> Order | None:
    """Decodes the order in the event of that number; None where there is none yet."""
    payload = next((event.payload for event in events if event.event_no == event_no), None)
    return None if payload is None else decode_stored(payload).order


def refunded_by_line(refunds: Sequence[OrderRefundRow]) -> dict[str, int]:
    """Adds up what all refunds took of each line, less what was undone."""
    taken: defaultdict[str, int] = defaultdict(int)
    for refund in refunds:
        if refund.line_id is not None:
            taken[refund.line_id] += refund.amount_minor
    return taken


def is_reduced(refunds: Sequence[OrderRefundRow]) -> bool:
    """Whether a refund of the order's lines stands, be it that they were free."""
    ids = {refund.refund_id for refund in refunds if refund.line_id is not None}
    return any(not refund_id.startswith(UNDONE) and UNDONE + refund_id not in ids for refund_id in ids)


class SummaryFields(TypedDict):
    """The fields of an ``OrderSummary``, which every view of an order begins with."""

    id: str
    status: str
    shop_id: str | None
    seller_by: str | None
    customer_id: str | None
    channel: str | None
    currency: str | None
    paid_at: datetime | None
    settled_at: datetime | None
    paid_minor: int | None
    refunded_minor: int
    left_minor: int | None
    plan: PlanVersionView | None


def summary_of(row: OrderRow) -> SummaryFields:
    """What every view of an order begins with."""
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
    if row.shop_id is None:
        return None
    return "binding" if row.named_shop_id is None else "order"


def _lines(order: Order, refunded: Mapping[str, int]) -> list[OrderLineView]:
    return [
        OrderLineView(
            id=line.id,
            sku=line.sku,
            category=line.category,
            quantity=line.quantity,
            paid_minor=line.paid_minor,
            list_minor=line.list_minor,
            cost_minor=line.cost_minor,
            entry=line.entry,
            refunded_minor=refunded.get(line.id, 0),
            left_minor=line.paid_minor - refunded.get(line.id, 0),
        )
        for line in order.lines
    ]


def _refunds(rows: Sequence[OrderRefundRow]) -> list[RefundView]:
    """Refunds in the order they came."""
    undone = {row.refund_id: row for row in rows if row.refund_id.startswith(UNDONE)}
    taken: dict[str, list[OrderRefundRow]] = {}
    for row in rows:
        if row.refund_id not in undone:
            taken.setdefault(row.refund_id, []).append(row)
    return [_refund(of_refund, undone.get(UNDONE + refund_id)) for refund_id, of_refund in taken.items()]


def _refund(rows: Sequence[OrderRefundRow], undone: OrderRefundRow | None) -> RefundView:
    first = rows[0]
    return RefundView(
        id=None if first.refund_id == CANCEL else first.refund_id,
        event_id=first.event_id,
        occurred_at=first.occurred_at,
        amount_minor=sum(row.amount_minor for row in rows),
        counts=first.line_id is not None,
        lines=[RefundedLine(row.line_id, row.amount_minor) for row in rows if row.line_id is not None],
        reversed_at=None if undone is None else undone.occurred_at,
        reversed_by=None if undone is None else undone.event_id,
    )


def _net(program: Program, posted: Sequence[PostedRow], now: datetime) -> list[NetCommission]:
    """One entry for each line, rule, tier and shop, in the order of their first rows."""
    changes: dict[tuple[str, str, int, int], list[PostedRow]] = {}
    for row in posted:
        changes.setdefault((row.line_id, row.rule_id, row.tier, row.shop_no), []).append(row)
    return [_net_of(program, rows, now) for rows in changes.values()]


def _net_of(program: Program, rows: Sequence[PostedRow], now: datetime) -> NetCommission:
    first = rows[0]
    earned = sum(row.amount_minor for row in rows if row.kind == "earned")
    reversed_ = sum(row.amount_minor for row in rows if row.kind != "earned")
    return NetCommission(
        line_id=first.line_id,
        rule=first.rule_id,
        tier=first.tier,
        shop_id=first.shop_id,
        base_minor=first.base_minor,
        rate=rate_text(first.rate_ppm),
        earned_minor=earned,
        reversed_minor=reversed_,
        amount_minor=earned + reversed_,
        currency=program.currency,
        available_at=first.available_at if isinstance(first, OrderCommissionRow) else None,
        state=_state(first, now),
    )


def _state(row: PostedRow, now: datetime) -> str:
    if isinstance(row, ExpectedChangeRow):
        return EXPECTED
    return state_at(row.available_at, now, is_case_held=row.is_case_held)


def _expected(net: NetCommission) -> ExpectedCommission:
    return ExpectedCommission(
        net.line_id,
        net.rule,
        net.tier,
        net.shop_id,
        net.base_minor,
        net.rate,
        net.amount_minor,
        net.currency,
        net.state,
    )


def _event(event: OrderEventRow) -> OrderEventView:
    return OrderEventView(event.event_id, event.type, event.occurred_at, event.status, event.code)


def reason_of(head: OrderRow, events: Sequence[OrderEventRow], posted: Sequence[PostedRow]) -> str | None:
    """Why an order earns nobody anything: it has ended, nobody sold it, or no rule paid."""
    if head.end_reason is not None:
        return head.end_reason
    if head.settled_at is None or posted:
        return None
    remark = next((event.code for event in events if event.event_no == head.event_no), None)
    return remark or "nobody_earned"


def error_of(head: OrderRow, events: Sequence[OrderEventRow]) -> FailureView | None:
    """Why an order waits or failed, in the words of its event."""
    event = next((event for event in events if event.event_no == head.event_no), None)
    if event is None or head.settled_at is not None:
        return None
    return failure_of(event.code, event.status, event.params)
