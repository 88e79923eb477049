"""Events: the list by state, and the inspector: what was sent, what became of it, how it differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import EVENT_STATES, id_cell, state_badge
from distrib.console.frame import Done, Page, Work, page
from distrib.console.lists import BEGIN, END, Column, Filter, ListSpec, Tab, list_view
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text

CONFLICTS: Final = frozenset({"order_conflict"})
"""Why an event fails that says of an order something else than is known."""
TYPE_WORDS: Final[Mapping[str, Text]] = {
    "order.paid": Text("order paid", "event"),
    "order.settled": Text("order settled", "event"),
    "order.refunded": Text("order refunded", "event"),
    "order.cancelled": Text("order cancelled", "event"),
    "order.payment_failed": Text("payment failed", "event"),
    "refund.reversed": Text("refund undone", "event"),
    "group.succeeded": Text("group succeeded", "event"),
    "group.failed": Text("group failed", "event"),
}


def type_words(work: Work, type_code: str) -> str:
    """The type of an event in words; one that nobody put into words stands as it is."""
    return work.say(TYPE_WORDS[type_code]) if type_code in TYPE_WORDS else type_code


def event_pages(blueprint: Blueprint) -> None:
    """Adds the pages of events."""

    @page(blueprint, "/events", needs="list_events")
    def events(work: Work) -> Page:
        return Page(
            "console/list.html", {"title": work.say(Text("Events", "menu")), "list": list_view(work, _list(work))}
        )

    @page(blueprint, "/events/<event_id>", needs="get_event", entry="events")
    def event(work: Work, event_id: str) -> Page:
        known = work.call("get_event", event_id=event_id)
        sent = known.get("payload")
        error = known["error"] or {}
        values = {
            "known": known,
            "type_words": type_words(work, known["type"]),
            "badge": state_badge(EVENT_STATES, known["status"], work.reader.language),
            "error_words": error.get("detail_zh" if work.reader.language == "zh" else "detail"),
            "sent": json.dumps(sent, ensure_ascii=False, indent=2, default=str) if sent is not None else None,
            "differences": list(_differences(work, known, sent)) if error.get("code") in CONFLICTS else [],
        }
        return Page("console/event.html", values)

    @page(blueprint, "/events/<event_id>/retry", needs="retry_event", post=True, entry="events")
    def retry_event(work: Work, event_id: str) -> Done:
        work.call("retry_event", event_id=event_id)
        return Done(work.url("event", event_id=event_id), Text("The event is put back to work."))


def _differences(work: Work, known: Mapping[str, Any], sent: Any) -> Iterator[tuple[str, str, str]]:
    """Yields where the order that was sent differs from the one that is known: path, known, sent."""
    order = sent.get("order") if isinstance(sent, dict) else None
    if not isinstance(order, dict) or known["order_id"] is None:
        return
    try:
        kept = work.call("get_order", order_id=known["order_id"])
    except Refusal:
        return
    before, after = dict(_leaves(kept)), dict(_leaves(order))
    for path in sorted(after.keys() | {path for path in before if path.startswith("lines/")}):
        if path in before and path in after and before[path] != after[path]:
            yield path, before[path], after[path]
        elif path in after and path not in before and path.startswith("lines/"):
            yield path, "", after[path]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yields the values of a document by their paths; entries of lists by their ids where they have any."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}/{name}" if path else str(name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            name = inner.get("id", place) if isinstance(inner, Mapping) else place
            yield from _leaves(inner, f"{path}/{name}")
    elif value is not None:
        yield path, str(value)


def _list(work: Work) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        error = row["error"] or {}
        return {
            "id": id_cell(work, row["id"], "event", event_id=row["id"]),
            "type": type_words(work, row["type"]),
            "status": state_badge(EVENT_STATES, row["status"], work.reader.language),
            "order": id_cell(work, row["order_id"], "order", order_id=row["order_id"]) if row["order_id"] else "",
            "occurred": work.reader.time(row["occurred_at"]),
            "received": work.reader.time(row["received_at"]),
            "done": work.reader.time(row["done_at"]),
            "attempts": work.reader.number(row["attempts"]),
            "why": error.get("detail_zh" if work.reader.language == "zh" else "detail", ""),
        }

    columns = (
        Column("id", Text("Event"), is_fixed=True),
        Column("type", Text("Type")),
        Column("status", Text("State")),
        Column("order", Text("Order")),
        Column("occurred", Text("Occurred"), "date"),
        Column("received", Text("Received"), "date"),
        Column("done", Text("Done", "event"), "date", is_shown=False),
        Column("attempts", Text("Attempts"), "number", is_shown=False),
        Column("why", Text("Why")),
    )
    return ListSpec(
        "events",
        "events",
        "list_events",
        columns,
        cells,
        filters=(
            Filter("order_id", Text("Order")),
            Filter("type", Text("Type"), list(TYPE_WORDS.items())),
            Filter("code", Text("Code of the error")),
            Filter("from", Text("Received from"), type="date", day=BEGIN),
            Filter("to", Text("Received to"), type="date", day=END),
        ),
        tabs=(Tab(Text("All"), ""), *(Tab(state.words, code) for code, state in EVENT_STATES.items())),
        empty=(Text("No event yet"), Text("Events appear as soon as the order system posts them.")),
    )
