"""A map's mistakes are refused by their path, all at once."""

from __future__ import annotations

from typing import Any

from distrib.cli.imports.maps.reading import read_map, with_settings

GOOD: dict[str, Any] = {
    "map": "mine",
    "money": {"unit": "major"},
    "order": {"id": "no", "currency": {"constant": "CNY"}, "paid_at": "paid"},
    "line": {"id": {"number": "line"}, "sku": "sku", "quantity": "count", "paid": "amount"},
    "events": {"settled": {"when": {"state": ["done"]}, "occurred_at": "done_at"}},
}


def paths_of(document: object) -> list[str]:
    return [problem.pointer for problem in read_map(document)[1]]


def test_a_sound_map_is_read() -> None:
    event_map, problems = read_map(GOOD)
    assert problems == []
    assert event_map is not None
    assert (event_map.order_column, event_map.has_nameless_rows) == ("no", True)
    assert event_map.missing(["no", "paid", "sku", "count", "amount", "state"]) == ["done_at"]


def test_every_mistake_of_a_map_is_named_by_its_path() -> None:
    wrong = {
        "map": "Mine!",
        "money": {"unit": "cents", "decimal": ";"},
        "times": {"zone": "Mars/Olympus", "formats": ["%Y", "%H:%M"]},
        "encoding": "utf-16",
        "order": {"id": {"constant": "x"}, "paid_at": {"column": "a", "join": ["b"]}, "shopid": "s", "lines_total": 5},
        "line": {
            "id": {"number": "row"},
            "sku": {"column": "s", "pattern": "("},
            "quantity": True,
            "paid": {"add": []},
        },
        "events": {
            "shipped": {},
            "settled": {"when": {"state": "done"}},
            "refunded": {
                "when": {"state": "filled"},
                "occurred_at": "t",
                "line_id": "l",
                "spread": "lines",
                "over": "x",
            },
        },
        "columns": [],
    }
    assert sorted(paths_of(wrong)) == sorted(
        [
            "columns",
            "map",
            "order.shopid",
            "order.currency",
            "order.id",
            "order.paid_at",
            "order.lines_total",
            "line.id.number",
            "line.sku.pattern",
            "line.quantity",
            "line.paid.add",
            "events.shipped",
            "events.settled.occurred_at",
            "events.refunded.amount",
            "events.refunded.line_id",
            "events.refunded.over",
            "money.unit",
            "money.decimal",
            "times.zone",
            "times.formats[0]",
            "times.formats[1]",
            "encoding",
        ]
    )


def test_what_is_missing_or_no_map_at_all_is_named() -> None:
    assert paths_of({}) == ["map", "money", "order", "line", "events"]
    assert paths_of(["map"]) == [""]
    assert paths_of(GOOD | {"events": {"cancelled": GOOD["events"]["settled"]}}) == ["events"]
    assert paths_of(GOOD | {"order": GOOD["order"] | {"lines_total": "a", "discounts": "b"}}) == ["order.discounts"]


def test_a_split_names_its_parts_as_columns() -> None:
    split = {"column": "goods", "separator": "|", "pattern": r"(?P<sku>\w+)x(?P<count>\d+)=(?P<amount>\d+)"}
    event_map, problems = read_map(GOOD | {"line": GOOD["line"] | {"split": split}})
    assert problems == []
    assert event_map is not None
    assert event_map.missing(["no", "paid", "state", "done_at"]) == ["goods"]
    nameless = GOOD | {"line": GOOD["line"] | {"split": split | {"pattern": r"(\w+)"}}}
    assert paths_of(nameless) == ["line.split.pattern"]


def test_keys_are_set_by_their_paths() -> None:
    document: dict[str, Any] = {"order": {"shop_id": "shop"}}
    assert with_settings(document, [("order.shop_id", "Tags"), ("times.zone", "UTC")]) == []
    assert document == {"order": {"shop_id": "Tags"}, "times": {"zone": "UTC"}}
    assert with_settings(document, [("order.shop_id.constant", "b")]) == []
    assert document["order"] == {"shop_id": {"constant": "b"}}
    assert [problem.pointer for problem in with_settings({"map": "m"}, [("map.x", "1")])] == ["map.x"]


def test_numbered_columns_need_the_first_and_are_not_split_as_well() -> None:
    line = {"id": {"number": "line"}, "sku": "sku {n}", "quantity": "count {n}", "paid": "amount {n}", "numbered": 2}
    event_map, problems = read_map(GOOD | {"line": line})
    assert problems == []
    assert event_map is not None
    header = ["no", "paid", "state", "done_at", "sku 1", "count 1", "amount 2"]
    assert event_map.missing(header) == ["amount 1"]
    assert {"sku 1", "sku 2", "amount 2"} <= event_map.columns()
    split = {"column": "goods", "separator": "|", "pattern": r"(?P<sku>\w+)"}
    assert paths_of(GOOD | {"line": line | {"split": split}}) == ["line.numbered"]
    assert paths_of(GOOD | {"line": line | {"numbered": 101}}) == ["line.numbered"]
