"""The history as the events that an order system would post, in the order of their times.

Sales become ``order.settled``, refunds ``order.refunded``; batches keep within the bounds of
the API and, where it can be, hold whole days. No HTTP may enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from distrib.cli.demo.facts import GivenBack, History, Sale
from distrib.cli.demo.sources.recipe import Network

MOST_EVENTS = 1_000  # what POST /v1/events takes in one call
MOST_BYTES = 8 * 1024 * 1024  # half of what it takes
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class DatedEvent(NamedTuple):
    """One event on its way: the local day it belongs to, and its JSON."""

    day: date
    body: bytes


def events_of(history: History, network: Network) -> Iterator[DatedEvent]:
    """Every event of the history by its time; at the same instant sales go before refunds."""
    zone, currency = ZoneInfo(history.source.time_zone), history.source.currency
    sales: list[tuple[datetime, Sale | GivenBack]] = [(sale.settled_at, sale) for sale in history.sales]
    refunds = [(refund.given_back_at, refund) for refund in history.refunds]
    for instant, fact in sorted([*sales, *refunds], key=itemgetter(0)):  # a stable sort
        event = _settled(fact, network, currency) if isinstance(fact, Sale) else _refunded(fact)
        yield DatedEvent(instant.astimezone(zone).date(), _dumps(event).encode())


def batches(
    events: Iterable[DatedEvent], most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES
) -> Iterator[list[bytes]]:
    """The events as bodies of calls: whole days together as long as they fit, a day that does not is cut."""
    batch: list[DatedEvent] = []
    size = 0
    for event in events:
        while batch and (len(batch) >= most_events or size + len(event.body) > most_bytes):
            ready, batch = _cut(batch, event.day)
            size = sum(len(event.body) for event in batch)
            yield [event.body for event in ready]
        batch.append(event)
        size += len(event.body)
    if batch:
        yield [event.body for event in batch]


def _cut(batch: list[DatedEvent], next_day: date) -> tuple[list[DatedEvent], list[DatedEvent]]:
    """What goes now, and what of a day that goes on stays for the next call."""
    ends = next((place for place in range(len(batch), 0, -1) if batch[place - 1].day != next_day), 0)
    return (batch[:ends], batch[ends:]) if ends else (batch, [])


def _settled(sale: Sale, network: Network, currency: str) -> dict[str, Any]:
    order: dict[str, Any] = {
        "id": sale.order_id,
        "customer_id": sale.customer_id,
        "currency": currency,
        "paid_at": _text(sale.paid_at),
        "lines": [
            {"id": line.id, "sku": line.sku, "quantity": line.quantity, "paid_minor": line.paid_minor}
            for line in sale.lines
        ],
    }
    seller = network.seller(sale)
    if seller is not None:
        order["shop_id"] = seller
    return {
        "id": f"settled-{sale.order_id}",
        "type": "order.settled",
        "occurred_at": _text(sale.settled_at),
        "order": order,
    }


def _refunded(refund: GivenBack) -> dict[str, Any]:
    document: dict[str, Any] = {"id": refund.id, "order_id": refund.order_id}
    if not refund.takes_the_rest:
        document["lines"] = [{"line_id": line, "amount_minor": amount} for line, amount in refund.lines]
    return {
        "id": f"refunded-{refund.id}",
        "type": "order.refunded",
        "occurred_at": _text(refund.given_back_at),
        "refund": document,
    }


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
