"""Shops, orders and refunds by lot, for the random programs. Nothing of ``distrib`` may enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from tests.acceptance.random_plans import CATEGORIES, CHANNELS, SKUS

Document = dict[str, Any]

START = datetime(2025, 2, 1, tzinfo=UTC)
DAYS = 60
AMOUNTS = (0, 1, 3, 15, 99, 500, 1_000, 2_999, 10_000, 19_900, 60_000, 123_457, 10**9)


def draw_instant(random: Random, first: datetime = START, days: float = DAYS) -> datetime:
    """An instant; now and then a round one, so that boundaries meet."""
    instant = first + timedelta(minutes=random.randint(0, int(days * 1440)))
    if random.random() < 0.25:
        instant = max(first, instant.replace(hour=random.choice((0, 5, 16)), minute=0))
    return instant


def show(random: Random, instant: datetime) -> str:
    """An instant with some offset."""
    return instant.astimezone(timezone(timedelta(minutes=random.choice((0, 480, -300, 330))))).isoformat()


def draw_order(random: Random, number: int, shops: Sequence[str], only_paid_from: datetime) -> Document:
    """An ``order.settled``; some cannot be worked on."""
    paid_at = draw_instant(random, only_paid_from)
    occurred_at = paid_at if random.random() < 0.3 else draw_instant(random, paid_at, 20)
    order: Document = {
        "id": f"o-{number}",
        "currency": "CNY" if random.random() < 0.97 else "USD",
        "paid_at": show(random, paid_at),
        "channel": random.choice(CHANNELS),
        "lines": [_line(random, n) for n in range(random.randint(1, 4))],
    }
    if random.random() < 0.95:
        order["shop_id"] = random.choice(shops)
    if random.random() < 0.7:
        known = (f"c-{random.randint(1, 5)}", order.get("shop_id", "c-9"), random.choice(shops))
        order["customer_id"] = random.choice(known)
    for role in ("leader_id", "opener_id"):
        if random.random() < 0.4:
            order[role] = random.choice(shops)
    return {"id": f"e-{number}", "type": "order.settled", "occurred_at": show(random, occurred_at), "order": order}


def _line(random: Random, number: int) -> Document:
    paid = random.choice(AMOUNTS) if random.random() < 0.6 else random.randint(1, 30_000)
    line: Document = {"id": f"{number}", "sku": random.choice(SKUS), "quantity": 1, "paid_minor": paid}
    line["quantity"] = random.choice((1, 1, 2, 3, 7))
    if random.random() < 0.6:
        line["category"] = random.choice(CATEGORIES)
    if random.random() < 0.5:
        line["list_minor"] = paid + random.choice((0, 1, 500))
    if random.random() < 0.93:
        line["cost_minor"] = random.choice((0, paid // 3, paid, paid + 10))
    if random.random() < 0.1:
        line["entry"] = random.random() < 0.8
    return line


def draw_refunds(random: Random, event: Document) -> list[Document]:
    """Refunds of one order by their time; some ask for too much."""
    order, settled_at = event["order"], datetime.fromisoformat(event["occurred_at"])
    instant = settled_at if random.random() < 0.8 else settled_at - timedelta(days=random.choice((1, 10, 250)))
    refunds = []
    for number in range(random.choice((0, 0, 1, 1, 2, 4))):
        instant = instant + timedelta(minutes=random.randint(1, 20_000))
        refund: Document = {"id": f"r-{order['id']}-{number}", "order_id": order["id"]}
        lines = _refund_lines(random, order)
        if lines and random.random() < 0.75:
            refund["lines"] = lines
        refunds.append(
            {
                "id": f"e-{refund['id']}",
                "type": "order.refunded",
                "occurred_at": show(random, instant),
                "refund": refund,
            }
        )
    return refunds


def _refund_lines(random: Random, order: Document) -> list[Document]:
    lines = []
    for line in order["lines"]:
        paid = line["paid_minor"]
        if paid and random.random() < 0.6:
            amount = random.choice((paid, (paid + 2) // 3, random.randint(1, paid)))
            lines.append({"line_id": line["id"], "amount_minor": amount + (random.random() < 0.03)})
    if random.random() < 0.03:
        lines.append({"line_id": "none", "amount_minor": 1})
    return lines
