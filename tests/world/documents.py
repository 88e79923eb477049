"""What tests send, as JSON: order lines, events, plans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

PAID = datetime(2026, 3, 1, 2, tzinfo=UTC)
SELLER_TEN_PERCENT: dict[str, Any] = {
    "code": "plain",
    "currency": "CNY",
    "policy": "open",
    "hold_days": 0,
    "rules": [{"id": "seller", "pay": "seller", "rate": "0.10"}],
}


def line(paid_minor: int, line_id: str = "1", **more: Any) -> dict[str, Any]:
    """An order line as JSON."""
    return {"id": line_id, "sku": f"sku-{line_id}", "quantity": 1, "paid_minor": paid_minor, **more}


def settled(event_id: str, order_id: str, shop_id: str | None, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An ``order.settled`` event as JSON; ``paid_at`` and ``occurred_at`` may be given as instants."""
    paid_at = more.pop("paid_at", PAID)
    occurred_at = more.pop("occurred_at", paid_at + timedelta(hours=1))
    order = {"id": order_id, "currency": "CNY", "paid_at": paid_at.isoformat(), "lines": list(lines), **more}
    if shop_id is not None:
        order["shop_id"] = shop_id
    return {"id": event_id, "type": "order.settled", "occurred_at": occurred_at.isoformat(), "order": order}


def refunded(
    event_id: str, order_id: str, amounts: Mapping[str, int] | None, occurred_at: datetime | None = None, **more: Any
) -> dict[str, Any]:
    """An ``order.refunded`` event as JSON; without ``amounts`` it takes all that is left."""
    refund: dict[str, Any] = {"id": more.pop("refund_id", event_id), "order_id": order_id}
    if amounts is not None:
        refund["lines"] = [{"line_id": line_id, "amount_minor": amount} for line_id, amount in amounts.items()]
    instant = occurred_at or PAID + timedelta(days=3)
    return {"id": event_id, "type": "order.refunded", "occurred_at": instant.isoformat(), "refund": refund}


def paid(event_id: str, order_id: str, shop_id: str | None, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An ``order.paid`` event as JSON, of ``paid_at`` unless ``occurred_at`` is given."""
    occurred_at = more.pop("occurred_at", more.get("paid_at", PAID))
    return settled(event_id, order_id, shop_id, *lines, occurred_at=occurred_at, **more) | {"type": "order.paid"}


def cancelled(event_id: str, order_id: str, occurred_at: datetime | None = None) -> dict[str, Any]:
    """An ``order.cancelled`` event as JSON."""
    instant = occurred_at or PAID + timedelta(days=4)
    return {"id": event_id, "type": "order.cancelled", "occurred_at": instant.isoformat(), "order_id": order_id}


def decided(event_id: str, group_id: str, has_succeeded: bool, occurred_at: datetime | None = None) -> dict[str, Any]:
    """A ``group.succeeded`` or ``group.failed`` event as JSON."""
    instant = occurred_at or PAID + timedelta(days=2)
    kind = "group.succeeded" if has_succeeded else "group.failed"
    return {"id": event_id, "type": kind, "occurred_at": instant.isoformat(), "group_id": group_id}


def plan_document(**changes: Any) -> dict[str, Any]:
    """A small plan with two ranks, the higher one for three recruits."""
    return {
        "code": "main",
        "currency": "CNY",
        "tiers": 1,
        "ranks": [
            {"code": "member"},
            {"code": "owner", "promote": {"metric": "direct_recruits", "at_least": 3}},
        ],
        "rules": [{"id": "own", "pay": "seller", "rate": "0.1"}],
    } | changes
