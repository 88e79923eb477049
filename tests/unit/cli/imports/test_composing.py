"""What a map makes of the rows of one order: money that is no line's is kept out, and what cannot be read is named."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from distrib.cli.imports.maps.composing import Composed, compose, contradictions_of
from distrib.cli.imports.maps.reading import read_map
from distrib.cli.imports.records import Record

NOW = datetime(2026, 3, 31, tzinfo=UTC)
MAP: dict[str, Any] = {
    "map": "mine",
    "money": {"unit": "major"},
    "times": {"zone": "UTC"},
    "order": {"id": "no", "shop_id": "shop", "currency": {"constant": "CNY"}, "paid_at": "paid_at"},
    "line": {"id": "line", "sku": "sku", "quantity": "count", "paid": "amount"},
    "events": {"settled": {"when": {"state": ["done", "back"]}, "occurred_at": "done_at"}},
}
ROW = {
    "no": "A",
    "shop": "s",
    "paid_at": "2026-03-01",
    "state": "done",
    "done_at": "2026-03-10",
    "sku": "tea",
    "count": "1",
}


def composed(changes: dict[str, Any], *rows: dict[str, str]) -> Composed:
    """Composes rows by the map with some keys changed, given by their paths; lines are numbered and cost 10.00."""
    document = deepcopy(MAP)
    for path, value in changes.items():
        *above, last = path.split(".")
        part = document
        for key in above:
            part = part.setdefault(key, {})
        part[last] = value
    event_map, problems = read_map(document)
    assert event_map is not None, problems
    records = [
        Record(0, number, ROW | {"line": str(number), "amount": "10.00"} | row) for number, row in enumerate(rows, 1)
    ]
    return compose(event_map, records, NOW, None)


def paid_of(result: Composed) -> list[int]:
    assert [str(fault) for fault in result.faults] == []
    return [line["paid_minor"] for line in result.events[0]["order"]["lines"]]


def faults_of(result: Composed) -> list[str]:
    assert result.events == []
    return [str(fault) for fault in result.faults]


def refund_of(result: Composed) -> dict[str, Any]:
    assert [str(fault) for fault in result.faults] == []
    refund: dict[str, Any] = result.events[-1]["refund"]
    return {key: value for key, value in refund.items() if key in ("lines", "amount_minor", "spread")}


def test_a_discount_of_the_order_is_shared_by_largest_remainder_and_the_first_of_equals_comes_first() -> None:
    three = [{"discount": "0.01"}, {}, {}]
    assert paid_of(composed({"order.discounts": "discount"}, *three)) == [1000, 1000, 999]
    assert paid_of(composed({"order.discounts": "discount"}, {"discount": "-1.00"}, {})) == [950, 950]


def test_a_total_scales_the_lines_down_and_more_than_they_come_to_is_freight_only_if_the_map_says_so() -> None:
    rows = [{"total": "25.00"}, {}]
    assert faults_of(composed({"order.lines_total": "total"}, *rows)) == [
        "order.lines_total: must be from 0 to 2000 minor units, not 2500"
    ]
    freight = {"order.lines_total": "total", "order.lines_total_over": "freight"}
    assert paid_of(composed(freight, *rows)) == [1000, 1000]
    assert paid_of(composed(freight, {"total": "15.00"}, {})) == [750, 750]
    assert paid_of(composed(freight, {}, {})) == [1000, 1000]


def test_an_amount_is_added_multiplied_and_subtracted_whatever_the_sign_of_what_is_subtracted() -> None:
    paid = {"line.paid": {"add": ["amount", "extra"], "times": "count", "subtract": ["off"]}}
    assert paid_of(composed(paid, {"count": "3", "extra": "1.00", "off": "-0.50"}, {"off": "0.50"})) == [3250, 950]


def test_fields_are_picked_out_translated_and_joined() -> None:
    changes = {
        "order.shop_id": {"column": "tags", "pattern": "shop:([^,]+)"},
        "order.channel": {"column": "kind", "values": {"plain": "retail", "group": "group_buy"}},
        "line.sku": {"columns": ["code", "sku"]},
        "line.category": {"join": ["a", "b"]},
        "line.entry": "flag",
    }
    result = composed(changes, {"tags": "new, shop:mei, x", "kind": "group", "a": "x", "b": "y", "flag": "TRUE"})
    order = result.events[0]["order"]
    assert (order["shop_id"], order["channel"], order["lines"][0]["sku"]) == ("mei", "group_buy", "tea")
    assert (order["lines"][0]["category"], order["lines"][0]["entry"]) == ("x y", True)
    assert "shop_id" not in composed(changes, {"tags": "none", "kind": "plain"}).events[0]["order"]
    assert faults_of(composed(changes, {"kind": "other"})) == ['order.channel: "other" is none of plain, group']


def test_all_that_cannot_be_read_is_named_and_nothing_of_the_order_is_sent() -> None:
    rows = [{"amount": "1.005", "count": "x"}, {"amount": ""}, {"amount": "-1"}, {"done_at": "soon", "paid_at": "soon"}]
    rows[0] |= {"paid_at": "then"}
    assert faults_of(composed({}, *rows)) == [
        'order.paid_at: "then" is no time of the formats %Y-%m-%d %H:%M:%S, %Y-%m-%d %H:%M, %Y-%m-%d',
        'line.quantity: "x" is no whole quantity',
        'line.paid: "1.005" has more decimals than CNY has (2)',
        "line.paid: is required",
        "line.paid: must not be below zero",
    ]
    assert faults_of(composed({"order.currency": "code"}, {"code": "RMB"})) == [
        "order.currency: must be an ISO 4217 currency such as CNY"
    ]
    assert faults_of(composed({}, {"done_at": ""})) == ["events.settled.occurred_at: is required"]


def test_what_lies_ahead_or_has_not_happened_is_left_out_with_the_reason() -> None:
    window = {"events.settled.after_days": 30}
    assert [str(reason) for reason in composed(window, {}).left_out] == [
        "order.settled not before 2026-04-09T00:00:00Z",
        "no event of the map has happened to it",
    ]
    assert composed({"events.settled.after_days": 21}, {}).events[0]["occurred_at"] == "2026-03-31T00:00:00Z"
    assert composed({}, {"state": "open"}).events == []


REFUND = {"events.refunded": {"when": {"back": "above_zero"}, "occurred_at": "done_at", "amount": "back"}}


def test_an_amount_back_is_that_of_the_order_once_and_no_more_than_the_lines() -> None:
    assert refund_of(composed(REFUND, {"back": "5.00"}, {"back": "5.00"})) == {"amount_minor": 500, "spread": "lines"}
    assert faults_of(composed(REFUND, {"back": "10.01"})) == [
        "events.refunded.amount: must be from 0 to 1000 minor units, not 1001"
    ]
    freight = deepcopy(REFUND)
    freight["events.refunded"] |= {"over": "freight", "spread": "none"}
    assert refund_of(composed(freight, {"back": "10.01"})) == {"amount_minor": 1000, "spread": "none"}


def test_of_an_amount_out_of_a_total_with_tax_and_freight_the_part_of_the_lines_counts_rounded_half_up() -> None:
    part = deepcopy(REFUND)
    part["events.refunded"] |= {"out_of": "whole"}
    assert refund_of(composed(part, {"back": "11.90", "whole": "11.90"}))["amount_minor"] == 1000
    assert refund_of(composed(part, {"back": "0.03", "whole": "20.00"}))["amount_minor"] == 2
    assert composed(part, {"back": "0.01", "whole": "1000"}).left_out != []
    assert faults_of(composed(part, {"back": "11.91", "whole": "11.90"})) == [
        "events.refunded.amount: must be from 0 to 1190 minor units, not 1191"
    ]


def test_money_back_by_line_takes_no_more_than_is_left_of_the_line_over_all_refunds() -> None:
    by_line = {
        "events.refunded": {
            "when": {"state": ["done"]},
            "rows": {"back": "above_zero"},
            "occurred_at": "done_at",
            "line_id": "of",
            "amount": "back",
            "id": "refund",
        },
        "line.rows": {"back": "empty"},
    }
    rows = [{}, {"back": "6.00", "of": "1", "refund": "r1"}, {"back": "4.00", "of": "1", "refund": "r2"}]
    events = composed(by_line, *rows).events
    assert [event["id"] for event in events] == ["A:settled", "A:refunded:r1", "A:refunded:r2"]
    assert [event["refund"]["lines"] for event in events[1:]] == [
        [{"line_id": "1", "amount_minor": 600}],
        [{"line_id": "1", "amount_minor": 400}],
    ]
    rows[2]["back"] = "4.01"
    assert faults_of(composed(by_line, *rows)) == ["events.refunded.amount: must be from 0 to 400 minor units, not 401"]
    rows[2] |= {"back": "1", "of": "9"}
    assert faults_of(composed(by_line, *rows)) == ['events.refunded.line_id: "9" is no line of the order']


def test_a_refund_without_amount_is_of_all_that_is_left_and_of_an_order_never_paid_it_is_left_out() -> None:
    whole = {"events.refunded": {"when": {"state": ["back"]}, "occurred_at": "done_at"}}
    assert refund_of(composed(whole, {"state": "back"})) == {}
    never = whole | {"events.settled.when": {"state": ["done"]}}
    cancelled = never | {"events.cancelled": {"when": {"state": ["back"]}, "occurred_at": "done_at"}}
    result = composed(cancelled, {"state": "back"})
    assert [event["type"] for event in result.events] == ["order.cancelled"]
    assert [str(reason) for reason in result.left_out] == ["its refund is not sent: it was neither paid nor settled"]


@pytest.mark.parametrize("cell", ["tea x2 = 3.00", "tea x2 = 3.00 | nonsense"])
def test_lines_in_one_cell_are_split_or_named(cell: str) -> None:
    pattern = r"(?P<name>.+) x(?P<n>\d+) = (?P<sum>[\d.]+)"
    changes = {
        "line.split": {"column": "goods", "separator": "|", "pattern": pattern},
        "line.id": {"number": "line"},
        "line.sku": "name",
        "line.quantity": "n",
        "line.paid": "sum",
    }
    result = composed(changes, {"goods": cell})
    if "nonsense" in cell:
        assert faults_of(result) == ['line.split: "nonsense" is no line']
    else:
        assert result.events[0]["order"]["lines"] == [{"id": "1", "sku": "tea", "quantity": 2, "paid_minor": 300}]


def test_rows_of_an_order_may_leave_its_fields_empty_and_not_say_otherwise() -> None:
    event_map, _ = read_map(MAP)
    assert event_map is not None
    check = contradictions_of(event_map)
    rows = [Record(0, 2, ROW), Record(0, 3, {"no": "A"}), Record(0, 4, ROW | {"shop": "t", "paid_at": "2026-03-02"})]
    assert check(rows[:2]) == []
    assert [str(fault) for fault in check(rows)] == ["line 4 says otherwise than line 2: shop_id, paid_at"]


NUMBERED = {
    "line.numbered": 3,
    "line.id": {"number": "line"},
    "line.sku": "sku {n}",
    "line.quantity": "count {n}",
    "line.paid": "amount {n}",
}


def test_lines_in_numbered_columns_of_one_row_are_those_that_are_filled() -> None:
    row = {"sku 1": "tea", "count 1": "2", "amount 1": "3.00", "sku 2": " ", "sku 3": "cup", "count 3": "1"}
    result = composed(NUMBERED, row | {"amount 3": "5.00"})
    assert result.events[0]["order"]["lines"] == [
        {"id": "1", "sku": "tea", "quantity": 2, "paid_minor": 300},
        {"id": "2", "sku": "cup", "quantity": 1, "paid_minor": 500},
    ]
    assert faults_of(composed(NUMBERED, row)) == ["line.paid: is required"]


def test_an_order_of_one_row_that_stands_twice_counts_once_and_must_say_the_same() -> None:
    row = {"sku 1": "tea", "count 1": "2", "amount 1": "3.00", "line": "", "amount": ""}
    assert paid_of(composed(NUMBERED, row, row)) == [300]
    document = deepcopy(MAP)
    document["line"] = {path.removeprefix("line."): value for path, value in NUMBERED.items()}
    event_map, problems = read_map(document)
    assert event_map is not None, problems
    check = contradictions_of(event_map)
    rows = [Record(0, 2, ROW | row), Record(0, 3, ROW | row), Record(0, 4, ROW | row | {"count 1": "3", "sku 2": "x"})]
    assert check(rows[:2]) == []
    assert [str(fault) for fault in check(rows)] == ["line 4 says otherwise than line 2: count 1, sku 2"]
