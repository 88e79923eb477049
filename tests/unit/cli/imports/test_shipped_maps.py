"""Each map that comes with the program turns a sample of its system's export into the events that are right.

The samples are our own, under the headings of the exports.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from distrib.cli.imports.accepting import FileEvents
from distrib.cli.imports.events import EventReading, events_in
from distrib.cli.imports.maps.loading import load_map, shipped_maps
from distrib.cli.imports.records import RecordsFile
from distrib.cli.imports.runs import index_runs
from distrib.services.orders.codec import decode_event

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EXPORTED_AT = datetime(2026, 4, 1, tzinfo=UTC)
SETTINGS = {
    "square": [("times.zone", "America/New_York")],
    "woocommerce": [("times.zone", "Europe/Berlin")],
}


def read_sample(name: str, exported_at: datetime | None = EXPORTED_AT) -> list[FileEvents]:
    """Reads the sample of a map by it."""
    event_map = load_map(name, SETTINGS.get(name, ()))
    with (
        RecordsFile(SAMPLES / f"{name}.csv", None) as source,
        index_runs(source, event_map.order_column, lambda _: None) as index,
    ):
        assert event_map.missing(source.header) == []
        return list(events_in(source, index, EventReading(event_map, exported_at), NOW))


def documents(name: str) -> list[dict[str, Any]]:
    read = read_sample(name)
    assert [order.fault for order in read if order.fault] == []
    return [event for order in read for event in order.events]


def lines_of(events: list[dict[str, Any]], kind: str) -> dict[str, list[tuple[str, int, int]]]:
    """Sku, quantity and amount of the lines by order, of the events of a type."""
    return {
        event["order"]["id"]: [(line["sku"], line["quantity"], line["paid_minor"]) for line in event["order"]["lines"]]
        for event in events
        if event["type"] == kind
    }


def refunds_of(events: list[dict[str, Any]]) -> dict[str, tuple[str, Any]]:
    """When and what is given back, by the id of the event."""
    return {
        event["id"]: (
            event["occurred_at"],
            {key: value for key, value in event["refund"].items() if key not in ("id", "order_id")},
        )
        for event in events
        if event["type"] == "order.refunded"
    }


def test_shopify_shares_the_discount_of_the_order_and_takes_the_lines_part_of_a_refund() -> None:
    events = documents("shopify")
    lines = {
        "#1001": [("OOL", 1, 19567), ("CUP", 1, 19567), ("POT", 1, 19566)],
        "#1002": [("OOL", 2, 10000)],
    }
    assert lines_of(events, "order.paid") == lines_of(events, "order.settled") == lines
    back = {"amount_minor": 1000, "spread": "lines"}
    assert refunds_of(events) == {"#1002:refunded": ("2026-04-01T00:00:00Z", back)}
    assert events[0]["order"]["paid_at"] == "2026-03-01T12:30:00Z"
    assert read_sample("shopify")[2].left_out[0].startswith("no event of the map has happened to it")


def test_shopify_refuses_an_order_with_a_refund_where_the_time_of_the_export_is_not_given() -> None:
    faults = [order.fault for order in read_sample("shopify", None)]
    assert [fault is None for fault in faults] == [True, False, True]
    assert "give --exported-at" in str(faults[1])


def test_woocommerce_gives_lines_back_by_line_without_tax_and_money_without_lines_in_proportion() -> None:
    events = documents("woocommerce")
    settled = {"501": [("OOL", 2, 4000), ("CUP", 1, 2000)], "502": [("OOL", 5, 10000)]}
    assert lines_of(events, "order.settled") == settled
    assert lines_of(events, "order.paid") == settled | {"503": [("Cup", 1, 2000)]}
    assert refunds_of(events) == {
        "501:refunded": ("2026-03-10T08:00:00Z", {"lines": [{"line_id": "11", "amount_minor": 2000}]}),
        "502:refunded": ("2026-03-11T08:00:00Z", {"amount_minor": 1000, "spread": "lines"}),
    }


def test_guests_of_woocommerce_are_no_customer_they_have_in_common() -> None:
    orders = [event["order"] for event in documents("woocommerce") if event["type"] == "order.paid"]
    assert {order["id"]: order.get("customer_id") for order in orders} == {"501": "7", "502": "8", "503": None}


def test_square_sells_and_gives_back_rows_and_leaves_out_a_refund_whose_sale_is_not_in_the_file() -> None:
    events = documents("square")
    assert lines_of(events, "order.settled") == {"T1": [("OOL", 2, 3600), ("Cup", 1, 1500)]}
    assert refunds_of(events) == {
        "T1:refunded:P1R": ("2026-03-09T20:20:00Z", {"amount_minor": 1800, "spread": "lines"})
    }
    order = events[0]["order"]
    assert (order["shop_id"], order["paid_at"]) == ("north", "2026-03-01T15:15:00Z")
    assert [order.left_out[0][:25] for order in read_sample("square") if order.left_out] == [
        "its lines are not in the "
    ]


def test_crmeb_reads_the_lines_out_of_one_cell_and_keeps_freight_out() -> None:
    events = documents("crmeb")
    lines = {"wx1": [("乌龙茶 (大)", 2, 9231), ("杯子 (默认)", 1, 2769)], "wx2": [("杯子 (默认)", 1, 3000)]}
    assert lines_of(events, "order.paid") == lines
    assert lines_of(events, "order.settled") == {"wx1": lines["wx1"]}
    assert [event["occurred_at"] for event in events if event["type"] == "order.settled"] == ["2026-03-16T02:00:00Z"]
    assert refunds_of(events) == {"wx2:refunded": ("2026-04-01T00:00:00Z", {})}


def test_yudao_takes_freight_off_the_lines_and_gives_them_back_by_line() -> None:
    events = documents("yudao")
    lines = {"o2026030100001": [("901", 2, 10000), ("902", 1, 3000)]}
    assert lines_of(events, "order.settled") == lines
    assert lines_of(events, "order.paid") == lines | {"o2026030200002": [("902", 1, 3000)]}
    assert refunds_of(events) == {
        "o2026030100001:refunded:as1": ("2026-03-12T07:00:00Z", {"lines": [{"line_id": "51", "amount_minor": 5400}]}),
        "o2026030100001:refunded:as2": ("2026-03-13T07:00:00Z", {"lines": [{"line_id": "52", "amount_minor": 3000}]}),
    }
    assert [event["id"] for event in events if event["type"] == "order.cancelled"] == ["o2026030200002:cancelled"]


def test_the_generic_map_reads_amounts_as_people_write_them_and_shares_a_discount_by_largest_remainder() -> None:
    events = documents("generic")
    # 2 × 1299.00 and 19.99 − 5.00 are 2612.99; of 10.00 off, 9.94 and 0.06 by largest remainder.
    assert lines_of(events, "order.settled") == {"A-1": [("oolong", 2, 258806), ("cup", 1, 1493)]}
    assert refunds_of(events) == {
        "A-1:refunded": ("2026-03-20T01:00:00Z", {"lines": [{"line_id": "2", "amount_minor": 1400}]})
    }


@pytest.mark.parametrize("name", sorted(shipped_maps()))
def test_what_a_shipped_map_makes_is_what_the_contract_takes(name: str) -> None:
    by_contract = [event for event in documents(name) if "amount_minor" not in event.get("refund", {})]
    assert by_contract
    assert [event["id"] for event in by_contract if decode_event(event, NOW) is None] == []


def test_there_is_a_sample_for_every_shipped_map() -> None:
    assert {path.stem for path in SAMPLES.glob("*.csv")} == set(shipped_maps())
