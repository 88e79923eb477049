"""The history goes out as events in the order of their times, in batches within the API's bounds."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import GivenBack, History, Sale, SaleLine
from distrib.cli.demo.posting.stream import DatedEvent, batches, events_of
from distrib.cli.demo.sources import cdnow, recipe
from distrib.services.orders.codec import decode_event

NOON = datetime(1997, 3, 1, 12, tzinfo=UTC)


def sale(number: int, paid_at: datetime) -> Sale:
    return Sale(f"o-{number}", f"c-{number}", paid_at, paid_at + timedelta(hours=1), (SaleLine("1", "CD", 1, 1000),))


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
    return [json.loads(event.body) for event in events_of(HISTORY, NETWORK)]


def test_every_event_passes_the_check_of_the_api() -> None:
    assert len(events()) == 62
    assert all(decode_event(event, datetime.now(UTC)) is not None for event in events())


def test_events_go_out_by_time_and_a_sale_before_a_refund_of_the_same_instant() -> None:
    posted = events()
    assert [event["occurred_at"] for event in posted] == sorted(event["occurred_at"] for event in posted)
    place_of_refund = next(place for place, event in enumerate(posted) if event["id"] == "refunded-r-1")
    assert posted[place_of_refund - 1]["id"] == "settled-o-5"


def test_a_refund_of_the_rest_names_no_lines() -> None:
    first, second = (event["refund"] for event in events() if event["type"] == "order.refunded")
    assert first["lines"] == [{"line_id": "1", "amount_minor": 400}]
    assert "lines" not in second


def test_an_order_of_nobody_names_no_shop() -> None:
    direct = replace(NETWORK, shop_of={}, sponsor_of={})
    assert all("shop_id" not in json.loads(event.body).get("order", {}) for event in events_of(HISTORY, direct))


def made(*days: int) -> list[DatedEvent]:
    return [DatedEvent(date(1997, 3, day), f"{day}/{place}".encode()) for place, day in enumerate(days)]


def test_a_batch_holds_whole_days_where_they_fit() -> None:
    calls = list(batches(made(1, 1, 2, 2, 2, 3), most_events=4))
    assert [len(batch) for batch in calls] == [2, 4]


def test_a_day_too_large_for_a_call_is_cut() -> None:
    calls = list(batches(made(1, 2, 2, 2, 2, 2, 3), most_events=3))
    assert [len(batch) for batch in calls] == [1, 3, 3]
    assert [body for batch in calls for body in batch] == [event.body for event in made(1, 2, 2, 2, 2, 2, 3)]


def test_a_batch_keeps_within_its_bytes() -> None:
    calls = list(batches(made(1, 2, 3, 4), most_bytes=6))
    assert [len(batch) for batch in calls] == [2, 2]
