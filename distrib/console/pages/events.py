"""Events: the list by state, and the inspector: what was sent, what became of it, how it differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import EVENT_STATES, id_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.lists import BEGIN, END, ListColumn, ListFilter, ListSpec, ListTab, list_view
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.services.plans.words import REASONS

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


def type_words(visit: Visit, type_code: str) -> str:
    """The type of an event in words; one that nobody put into words stands as it is."""
    return visit.say(TYPE_WORDS[type_code]) if type_code in TYPE_WORDS else type_code


def event_pages(blueprint: Blueprint) -> None:
    """Adds the pages of events."""

    @page(blueprint, "/events", needs="list_events")
    def events(visit: Visit) -> HtmlPage:
        return HtmlPage(
            "console/list.html", {"title": visit.say(Text("Events", "menu")), "list": list_view(visit, _list(visit))}
        )

    @page(blueprint, "/events/<event_id>", needs="get_event", entry="events")
    def event(visit: Visit, event_id: str) -> HtmlPage:
        known = visit.call("get_event", event_id=event_id)
        sent = known.get("payload")
        error = known["error"] or {}
        values = {
            "known": known,
            "type_words": type_words(visit, known["type"]),
            "badge": state_badge(EVENT_STATES, known["status"], visit.reader.language),
            "remark": visit.say(REASONS[known["remark"]]) if known.get("remark") in REASONS else known.get("remark"),
            "error_words": error.get("detail_zh" if visit.reader.language == "zh" else "detail"),
            "sent": json.dumps(sent, ensure_ascii=False, indent=2, default=str) if sent is not None else None,
            "differences": list(_differences(visit, known, sent)) if error.get("code") in CONFLICTS else [],
        }
        return HtmlPage("console/event.html", values)

    @page(blueprint, "/events/<event_id>/retry", needs="retry_event", post=True, entry="events")
    def retry_event(visit: Visit, event_id: str) -> Done:
        visit.call("retry_event", event_id=event_id)
        return Done(visit.url("event", event_id=event_id), Text("The event is put back to work."))


def _differences(visit: Visit, known: Mapping[str, Any], sent: Any) -> Iterator[tuple[str, str, str]]:
    """Yields where the order that was sent differs from the one that is known: path, known, sent."""
    order = sent.get("order") if isinstance(sent, dict) else None
    if not isinstance(order, dict) or known["order_id"] is None:
        return
    try:
        kept = visit.call("get_order", order_id=known["order_id"])
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
    elif isinstance(value, datetime):
        yield path, value.astimezone(UTC).isoformat().replace("+00:00", "Z")  # as an event is kept
    elif value is not None:
        yield path, str(value)


def _list(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        error = row["error"] or {}
        return {
            "id": id_cell(visit, row["id"], "event", event_id=row["id"]),
            "type": type_words(visit, row["type"]),
            "status": state_badge(EVENT_STATES, row["status"], visit.reader.language),
            "order": id_cell(visit, row["order_id"], "order", order_id=row["order_id"]) if row["order_id"] else "",
            "occurred": visit.reader.time(row["occurred_at"]),
            "received": visit.reader.time(row["received_at"]),
            "done": visit.reader.time(row["done_at"]),
            "attempts": visit.reader.number(row["attempts"]),
            "why": error.get("detail_zh" if visit.reader.language == "zh" else "detail", ""),
        }

    columns = (
        ListColumn("id", Text("Event"), is_fixed=True),
        ListColumn("type", Text("Type")),
        ListColumn("status", Text("State")),
        ListColumn("order", Text("Order")),
        ListColumn("occurred", Text("Occurred"), "date"),
        ListColumn("received", Text("Received"), "date"),
        ListColumn("done", Text("Done", "event"), "date", is_shown=False),
        ListColumn("attempts", Text("Attempts"), "number", is_shown=False),
        ListColumn("why", Text("Why")),
    )
    return ListSpec(
        "events",
        "events",
        "list_events",
        columns,
        cells,
        filters=(
            ListFilter("order_id", Text("Order")),
            ListFilter("type", Text("Type"), list(TYPE_WORDS.items())),
            ListFilter("code", Text("Code of the error")),
            ListFilter("from", Text("Received from"), type="date", day=BEGIN),
            ListFilter("to", Text("Received to"), type="date", day=END),
        ),
        turns="" if any(visit.query.get(name) for name in ("type", "from", "to")) else "kept",
        tabs=(ListTab(Text("All"), ""), *(ListTab(state.words, code) for code, state in EVENT_STATES.items())),
        empty=(Text("No event yet"), Text("Events appear as soon as the order system posts them.")),
    )
