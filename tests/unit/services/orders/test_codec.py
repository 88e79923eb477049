"""What the inbox keeps and gives back."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import msgspec

from distrib.domain.events import Event, Order, OrderLine
from distrib.services.orders import codec
from distrib.services.orders.codec import decode_event, decode_stored
from tests.world.documents import line, refunded, settled

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TWINS: dict[Any, Any] = {
    Event: codec._StoredEvent,
    Order: codec._StoredOrder,
    OrderLine: codec._StoredLine,
}


def test_the_stored_twins_have_the_fields_of_the_domains_values() -> None:
    for domain, twin in TWINS.items():
        assert [field.name for field in fields(domain)] == [field.name for field in msgspec.structs.fields(twin)]


def test_what_was_accepted_comes_back_as_it_was_said() -> None:
    decoded = decode_event(settled("e1", "o1", "s", line(1_000, category="tea", entry=True), channel="community"), NOW)
    assert decoded is not None
    event = decode_stored(decoded.payload)
    assert event.order is not None
    assert (event.order_id, event.order.channel, event.order.paid_minor) == ("o1", "community", 1_000)
    assert (event.order.lines[0].category, event.order.lines[0].entry) == ("tea", True)


def test_a_refund_without_lines_stays_without_lines() -> None:
    decoded = decode_event(refunded("r1", "o1", None), NOW)
    assert decoded is not None
    assert decoded.order_id == "o1"
    assert decode_stored(decoded.payload).refund is not None
    assert decode_stored(decoded.payload).refund.lines is None  # type: ignore[union-attr]
