"""The history goes out as events in the order of their times, in batches within the API's bounds."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import GivenBack, History, Sale, SaleLine
from distrib.cli.demo.posting.stream import Told, batches, tell
from distrib.cli.demo.sources import cdnow, recipe
from distrib.services.orders.codec import decode_event

NOON = datetime(1997, 3, 1, 12, tzinfo=UTC)


def sale(number: int, at: datetime) -> Sale:
    return Sale(f"o-{number}", f"c-{number}", at, at + timedelta(hours=1), (SaleLine("1", "CD", 1, 1000),))


SALES = [sale(number, NOON + timedelta(hours=number)) for number in range(60)]
HISTORY = History(
    cdnow.SOURCE,
    SALES,
    [
        GivenBack("r-1", "o-3", SALES[5].settled_at, (("1", 400),)),
        GivenBack("r-2", "o-3", SALES[9].settled_at, (("1", 600),), takes_the_rest=True),
    ],
)
NETWORK = recipe.invent_network(SALES, Dice(3))


def events() -> list[dict[str, Any]]:
    return [json.loads(told.body) for told in tell(HISTORY, NETWORK)]


def test_every_event_passes_the_check_of_the_api() -> None:
    assert len(events()) == 62
    assert all(decode_event(event, datetime.now(UTC)) is not None for event in events())


def test_events_go_out_by_time_and_a_sale_before_a_refund_of_the_same_instant() -> None:
    told = events()
    assert [event["occurred_at"] for event in told] == sorted(event["occurred_at"] for event in told)
    at = next(place for place, event in enumerate(told) if event["id"] == "refunded-r-1")
    assert told[at - 1]["id"] == "settled-o-5"


def test_a_refund_of_the_rest_names_no_lines() -> None:
    first, second = (event["refund"] for event in events() if event["type"] == "order.refunded")
    assert first["lines"] == [{"line_id": "1", "amount_minor": 400}]
    assert "lines" not in second


def test_an_order_of_nobody_names_no_shop() -> None:
    direct = replace(NETWORK, shop_of={}, sponsor_of={})
    assert all("shop_id" not in json.loads(told.body).get("order", {}) for told in tell(HISTORY, direct))


def made(*days: int) -> list[Told]:
    return [Told(date(1997, 3, day), f"{day}/{place}".encode()) for place, day in enumerate(days)]


def test_a_batch_holds_whole_days_where_they_fit() -> None:
    found = list(batches(made(1, 1, 2, 2, 2, 3), most_events=4))
    assert [len(batch) for batch in found] == [2, 4]


def test_a_day_too_large_for_a_call_is_cut() -> None:
    found = list(batches(made(1, 2, 2, 2, 2, 2, 3), most_events=3))
    assert [len(batch) for batch in found] == [1, 3, 3]
    assert [body for batch in found for body in batch] == [told.body for told in made(1, 2, 2, 2, 2, 2, 3)]


def test_a_batch_keeps_within_its_bytes() -> None:
    found = list(batches(made(1, 2, 3, 4), most_bytes=6))
    assert [len(batch) for batch in found] == [2, 2]
