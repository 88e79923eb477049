"""The CSV rows of one id are the event that the API would take."""

from __future__ import annotations

from typing import Any

from distrib.cli.imports.event_rows import event_of
from distrib.cli.imports.records import Record

HEAD = {"id": "e1", "occurred_at": "2026-03-02T00:00:00Z"}


def event(*rows: dict[str, str]) -> dict[str, Any]:
    return event_of([Record(0, number, HEAD | row) for number, row in enumerate(rows, 2)])


def test_a_refund_by_lines_has_a_line_a_row() -> None:
    row = {"type": "order.refunded", "refund_id": "r1", "order_id": "o1"}
    lines = [{"line_id": "1", "amount_minor": "500"}, {"line_id": "2", "amount_minor": "300"}]
    assert event(*[row | line for line in lines])["refund"] == {
        "id": "r1",
        "order_id": "o1",
        "lines": [{"line_id": "1", "amount_minor": 500}, {"line_id": "2", "amount_minor": 300}],
    }


def test_a_refund_of_an_amount_says_how_it_is_spread_and_has_no_lines() -> None:
    row = {"type": "order.refunded", "refund_id": "r1", "order_id": "o1", "amount_minor": "500"}
    assert event(row | {"spread": "lines"})["refund"] == {
        "id": "r1",
        "order_id": "o1",
        "amount_minor": 500,
        "spread": "lines",
    }
    assert event(row)["refund"]["lines"] == [{"amount_minor": 500}]


def test_what_is_about_an_order_a_refund_or_a_group_names_it_alone() -> None:
    about = {"order_id": "o1", "refund_id": "r1", "group_id": "g1"}
    assert {
        kind: event(about | {"type": kind}).keys() - HEAD.keys() - {"type"}
        for kind in ("order.cancelled", "order.payment_failed", "refund.reversed", "group.succeeded", "group.failed")
    } == {
        "order.cancelled": {"order_id"},
        "order.payment_failed": {"order_id"},
        "refund.reversed": {"refund_id"},
        "group.succeeded": {"group_id"},
        "group.failed": {"group_id"},
    }
