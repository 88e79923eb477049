"""Whatever an export says, the lines of an order come to what was paid for them, and a refund to no more."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from distrib.cli.imports.maps.composing import compose
from distrib.cli.imports.maps.loading import load_map
from distrib.cli.imports.records import Record
from distrib.domain.currencies import major_text

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SHOPIFY = load_map("shopify")


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 20)), min_size=1, max_size=8),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_lines_come_to_the_subtotal_and_a_refund_to_its_part_of_it(
    lines: list[tuple[int, int]], off: int, freight: int, back: int, currency: str
) -> None:
    whole = sum(price * quantity for price, quantity in lines)
    subtotal = max(0, whole - off)
    total = subtotal + freight
    back = min(back, total)
    order = {
        "Financial Status": "paid",
        "Paid at": "2026-03-01 09:00:00 +0000",
        "Fulfilled at": "2026-03-02 09:00:00 +0000",
        "Currency": currency,
        "Subtotal": major_text(subtotal, currency),
        "Total": major_text(total, currency),
        "Refunded Amount": major_text(back, currency),
    }
    rows = [
        {
            "Name": "#1",
            "Lineitem sku": "tea",
            "Lineitem quantity": str(quantity),
            "Lineitem price": major_text(price, currency),
        }
        for price, quantity in lines
    ]
    records = [Record(0, number, row | (order if number == 1 else {})) for number, row in enumerate(rows, 1)]
    composed = compose(SHOPIFY, records, NOW, NOW)
    assert composed.faults == []
    paid = [line["paid_minor"] for line in composed.events[0]["order"]["lines"]]
    assert sum(paid) == subtotal
    assert all(0 <= share <= price * quantity for share, (price, quantity) in zip(paid, lines, strict=True))
    refunds = [event["refund"]["amount_minor"] for event in composed.events if "refund" in event]
    assert sum(refunds) == (0 if total == 0 else (2 * back * subtotal + total) // (2 * total))
    assert sum(refunds) <= subtotal
