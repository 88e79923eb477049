"""What the inbox keeps and gives back."""

from __future__ import annotations

from datetime import UTC, datetime

from distrib.services.orders.codec import decode_event, decode_stored
from tests.world.documents import line, refunded, settled

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_what_was_accepted_comes_back_as_it_was_said() -> None:
    decoded = decode_event(settled("e1", "o1", "s", line(1_000, category="tea", entry=True), channel="community"), NOW)
    assert decoded is not None
    event = decode_stored(decoded.payload)
    assert event.order is not None
    assert (event.about_order_id, event.order.channel, event.order.paid_minor) == ("o1", "community", 1_000)
    assert (event.order.lines[0].category, event.order.lines[0].entry) == ("tea", True)


def test_a_refund_without_lines_stays_without_lines() -> None:
    decoded = decode_event(refunded("r1", "o1", None), NOW)
    assert decoded is not None
    assert decoded.order_id == "o1"
    assert decode_stored(decoded.payload).refund is not None
    assert decode_stored(decoded.payload).refund.lines is None  # type: ignore[union-attr]
