"""The newer words of plans and events by lot, woven into what the older lots drew. Nothing of ``distrib`` may enter."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.acceptance.random_events import show

Document = dict[str, Any]

KNOWN = (
    "per",
    "round_per",
    "spread",
    "undone",
    "payment_failed",
    "customer",
)
"""What the service understands today, of: per, round_per, customer, spread, undone, payment_failed."""
PAID = "order.paid"


def weave_plan(random: Random, plan: Document, words: Container[str], is_in_order: bool) -> None:
    """Amounts and rounding per order, and rules for customers who are new or return.

    Args:
        is_in_order: whether the events will be worked on one by one, so that a customer's earlier orders can be told.
    """
    if "round_per" in words and random.random() < 0.7:
        plan["round_per"] = random.choice(("order", "order", "line"))
    for rule in plan["rules"]:
        if "per" in words:
            _weave_amount(random, rule)
        if "customer" in words and is_in_order and random.random() < 0.4:
            where = rule.setdefault("where", {})
            part = where if random.random() < 0.6 else where.setdefault("not", {})
            part["customer"] = _draw_customer(random)


def _weave_amount(random: Random, rule: Document) -> None:
    if "rate" in rule and rule["pay"] != "chain" and "of" not in rule and random.random() < 0.3:
        del rule["rate"]
        rule["amount_minor"] = random.choice((0, 1, 88, 500))
    if "amount_minor" in rule and random.random() < 0.7:
        rule["per"] = "order"


def _draw_customer(random: Random) -> Any:
    kind = random.choice(("new", "returning"))
    bounds = {"within_orders": random.randint(1, 3), "within_days": random.choice((1, 5, 20))}
    named = random.sample(sorted(bounds), random.randint(0, 2))
    return {"is": kind} | {name: bounds[name] for name in named} if named else kind


def weave_events(
    random: Random, settled: Document, refunds: Sequence[Document], words: Container[str], may_be_paid: bool
) -> list[Document]:
    """All events of one order by their time: its settlement, its refunds, and what the newer words add.

    Refunds that would come between another and its undoing are left out: where both ask for what the undoing frees,
    whichever is worked on first has it.

    Args:
        may_be_paid: whether the order may be paid before it is settled.
    """
    taken: list[Document] = []
    for refund in refunds:
        if not taken or instant_of(refund) > instant_of(taken[-1]):
            taken += _weave_refund(random, refund, words)
    events = [settled, *taken]
    if "payment_failed" in words and may_be_paid and random.random() < 0.5:
        events = _weave_payment(random, settled, taken)
    return sorted(events, key=instant_of)


def instant_of(event: Document) -> datetime:
    """When it happened."""
    return datetime.fromisoformat(event["occurred_at"])


def _weave_refund(random: Random, event: Document, words: Container[str]) -> list[Document]:
    """A refund as it was drawn or as an amount; perhaps undone, and made again."""
    events = [_spread(random, event) if "spread" in words and random.random() < 0.5 else event]
    if "undone" in words and random.random() < 0.4:
        refund = events[0]["refund"]
        undone: Document = {"id": f"u-{event['id']}", "type": "refund.reversed", "refund_id": refund["id"]}
        if random.random() < 0.3:
            undone["order_id"] = refund["order_id"]
        events.append(_later(random, event, undone))
        if random.random() < 0.4:
            again = {"id": f"a-{event['id']}", "refund": refund | {"id": f"a-{refund['id']}"}}
            events.append(_later(random, events[-1], event | again))
    return events


def _spread(random: Random, event: Document) -> Document:
    refund = {key: value for key, value in event["refund"].items() if key != "lines"}
    lines = event["refund"].get("lines") or [{"amount_minor": random.choice((1, 7, 500, 4_999, 20_000))}]
    refund["amount_minor"] = sum(line["amount_minor"] for line in lines)
    refund["spread"] = random.choice(("lines", "lines", "none"))
    return event | {"refund": refund}


def _later(random: Random, before: Document, event: Document) -> Document:
    """The event some odd time after another, so that no two of an order meet."""
    instant = instant_of(before) + timedelta(minutes=random.randint(0, 9_000), seconds=random.randint(1, 59))
    return event | {"occurred_at": show(random, instant.replace(microsecond=random.randint(1, 999_999)))}


def _weave_payment(random: Random, settled: Document, taken: Sequence[Document]) -> list[Document]:
    """Paid, perhaps failed and paid again, before it settles or never does; refunds only of what stands."""
    paid_at = datetime.fromisoformat(settled["order"]["paid_at"])
    paid = settled | {"id": f"p-{settled['id']}", "type": PAID, "occurred_at": show(random, paid_at)}
    events = [paid]
    for number in range(random.choice((0, 1, 1, 2))):
        failed = {
            "id": f"f{number}-{settled['id']}",
            "type": "order.payment_failed",
            "order_id": settled["order"]["id"],
        }
        events.append(_later(random, events[-1], failed))
        if random.random() < 0.7:
            events.append(_later(random, events[-1], paid | {"id": f"p{number}-{settled['id']}"}))
    if random.random() < 0.6:
        return [*events, settled, *taken]
    return [*events, *taken] if events[-1]["type"] == PAID else events
