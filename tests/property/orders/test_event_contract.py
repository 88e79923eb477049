"""The marshmallow contract for events and its compiled twin accept the same set."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from distrib.api.http.json_body import parse_json
from distrib.api.http.shapes import Validated, problems_of
from distrib.api.schemas.events import EventSchema
from distrib.services.orders.codec import decode_event, decode_stored

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
SETTLED: dict[str, Any] = {
    "id": "evt-1",
    "type": "order.settled",
    "occurred_at": "2026-03-09T10:00:00+08:00",
    "order": {
        "id": "o-1",
        "channel": "retail",
        "shop_id": "s-7",
        "customer_id": "c-5",
        "leader_id": None,
        "opener_id": None,
        "group_id": "g",
        "currency": "CNY",
        "paid_at": "2026-03-01T10:00:00+08:00",
        "lines": [
            {
                "id": "1",
                "sku": "A-1",
                "category": "beauty",
                "quantity": 2,
                "paid_minor": 19900,
                "list_minor": 21000,
                "cost_minor": 12000,
                "entry": False,
            },
            {"id": "2", "sku": "A-2", "quantity": 1, "paid_minor": 0},
        ],
    },
}
REFUNDED: dict[str, Any] = {
    "id": "evt-2",
    "type": "order.refunded",
    "occurred_at": "2026-03-20T10:00:00+08:00",
    "refund": {"id": "r-1", "order_id": "o-1", "lines": [{"line_id": "1", "amount_minor": 9950}]},
}
REFUNDED["occurred_at"] = "2026-03-08T10:00:00Z"
PAID: dict[str, Any] = SETTLED | {"type": "order.paid"}
CANCELLED: dict[str, Any] = {
    "id": "evt-3",
    "type": "order.cancelled",
    "occurred_at": "2026-03-08T10:00:00Z",
    "order_id": "o-1",
}
DECIDED: dict[str, Any] = {
    "id": "evt-4",
    "type": "group.failed",
    "occurred_at": "2026-03-08T10:00:00Z",
    "group_id": "g",
}
EXAMPLES = (SETTLED, REFUNDED, PAID, CANCELLED, DECIDED, DECIDED | {"type": "group.succeeded"})

NUMBERS: list[Any] = [
    0,
    1,
    -1,
    10**6,
    10**6 + 1,
    10**12,
    10**12 + 1,
    2**63,
    2**64,
    Decimal("1.0"),
    Decimal("0.5"),
    1772964000,
]
TEXTS = [
    "",
    "1",
    " a",
    "a ",
    ".",
    "..",
    "a/b",
    "a\x00b",
    "a\x1f",
    "a\x7f",
    "a\x85",
    "\ud800",
    "x" * 64,
    "x" * 65,
    "店" * 64,
    "x" * 255,
    "x" * 256,
    "\u3000a",
    "a\n",
    "CNY",
    "cny",
    "CNÉ",
    "CNYY",
    "retail",
    "group_buy",
    "community",
    "other",
    "order.settled",
    "order.refunded",
    "order.paid",
    "order.cancelled",
    "group.succeeded",
    "group.failed",
    "evt",
]
TIMES = [
    "2026-03-09T10:00:00Z",
    "2026-03-09T12:05:00Z",
    "2026-03-09T12:05:00.000001Z",
    "2026-03-09T12:05:01Z",
    "2026-03-09 10:00:00Z",
    "2026-03-09t10:00:00z",
    "2026-03-09",
    "2026-03-09T10:00:00",
    "2026-02-30T10:00:00Z",
    "2026-03-09T10:00:60Z",
    "2026-03-09T24:00:00Z",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-03-09T10:00:00.1234567891Z",
    "2026-03-09T10:00:00+24:00",
    "2026-03-09T10:00:00+0800",
    "２０２６-03-09T10:00:00Z",
]
SHAPES: list[Any] = [None, True, False, [], {}, [{}], [None], {"id": "1"}, [1, "2"], {"1": {}}]
ODD = [*NUMBERS, *TEXTS, *TIMES, *SHAPES]


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    paths = [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        paths += paths_of(below, (*path, key))
    return paths


def changed(event: Any, path: tuple[Any, ...], change: str, value: Any) -> Any:
    """The event with one place of it replaced, left out, or given a neighbour."""
    if not path:
        return value
    event = copy.deepcopy(event)
    place = event
    for step in path[:-1]:
        place = place[step]
    if change == "drop":
        del place[path[-1]]
    elif change == "add" and isinstance(place, dict):
        place["extra" if isinstance(value, list | dict) else str(value)] = value
    elif change == "add":
        place.append(copy.deepcopy(place[path[-1]]))
    else:
        place[path[-1]] = value
    return event


@st.composite
def events(draw: st.DrawFn) -> Any:
    """Events that are fit, or almost."""
    event: Any = draw(st.sampled_from(EXAMPLES))
    for _ in range(draw(st.integers(0, 3))):
        if not isinstance(event, dict | list) or not event:
            break
        path = draw(st.sampled_from(paths_of(event)))
        event = changed(event, path, draw(st.sampled_from(["put", "put", "drop", "add"])), draw(st.sampled_from(ODD)))
    return event


def both_accept(event: Any) -> tuple[bool, bool]:
    """What the contract and what the twin say."""
    problems = problems_of(EventSchema(now=lambda: NOW), copy.deepcopy(event))
    return isinstance(problems, Validated), decode_event(copy.deepcopy(event), NOW) is not None


@given(events())
@example(SETTLED)
@example(REFUNDED)
def test_the_contract_and_its_twin_accept_the_same_events(event: Any) -> None:
    contract, twin = both_accept(event)
    assert contract == twin


@given(events())
@example(SETTLED)
@example(REFUNDED)
def test_the_contract_and_its_twin_fill_the_same_value_of_the_domain(event: Any) -> None:
    filled, decoded = (
        problems_of(EventSchema(now=lambda: NOW), copy.deepcopy(event)),
        decode_event(copy.deepcopy(event), NOW),
    )
    if isinstance(filled, Validated) and decoded is not None:
        assert filled.value == decode_stored(decoded.payload)


def test_every_odd_value_at_every_place_is_judged_alike_by_both() -> None:
    for event in (SETTLED, REFUNDED, CANCELLED, DECIDED):
        for path in paths_of(event):
            for value in ODD:
                for change in ("put", "add"):
                    other = changed(event, path, change, value)
                    assert len(set(both_accept(other))) == 1, (path, change, value, both_accept(other))
            if path:
                assert len(set(both_accept(changed(event, path, "drop", None)))) == 1, path


def test_the_examples_of_the_contract_are_accepted_by_both() -> None:
    for event in EXAMPLES:
        assert both_accept(event) == (True, True), event


def test_a_fraction_is_never_taken_for_an_integer() -> None:
    event = copy.deepcopy(SETTLED)
    event["order"]["lines"][0]["paid_minor"] = parse_json(b"1.0")
    assert both_accept(event) == (False, False)


def test_times_that_stand_the_wrong_way_are_told_beside_what_else_is_wrong_with_an_order() -> None:
    event = copy.deepcopy(SETTLED)
    event["order"] |= {"currency": "cny", "paid_at": "2026-03-09T11:00:00+08:00"}
    problems = problems_of(EventSchema(now=lambda: NOW), event)
    assert not isinstance(problems, Validated)
    assert {problem.pointer for problem in problems} == {"/order/currency", "/order/paid_at"}
