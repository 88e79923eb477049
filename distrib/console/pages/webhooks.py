"""Webhooks: endpoints made, tried, disabled and ended; their deliveries read and sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import DELIVERY_STATES, WEBHOOK_STATES, id_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.lists import ListColumn, ListSpec, ListTab, linked, list_view
from distrib.console.second_person import check_typed
from distrib.domain.texts import Text
from distrib.domain.webhooks import EVENT_TYPES

_REASONS: Final[Mapping[str, Text]] = {
    "by_hand": Text("by hand"),
    "gone": Text("it answered 410: gone"),
    "lasting_failure": Text("ten attempts failed"),
}
_WEBHOOKS: Final = (
    ListColumn("id", Text("Webhook"), is_fixed=True),
    ListColumn("status", Text("State")),
    ListColumn("url", Text("Address")),
    ListColumn("events", Text("Messages")),
    ListColumn("since", Text("Since"), "date"),
)
_DELIVERIES: Final = (
    ListColumn("id", Text("Delivery"), is_fixed=True),
    ListColumn("status", Text("State")),
    ListColumn("type", Text("Message")),
    ListColumn("occurred_at", Text("Happened"), "date"),
    ListColumn("attempts", Text("Attempts"), "number"),
    ListColumn("answer", Text("Last answer")),
    ListColumn("next", Text("Next attempt"), "date"),
    ListColumn("message", Text("Message id"), is_shown=False),
)


def webhook_pages(blueprint: Blueprint) -> None:
    """Adds the pages of endpoints."""

    @page(blueprint, "/operations/webhooks", needs="list_webhooks", entry="operations")
    def webhooks(visit: Visit) -> HtmlPage:
        return HtmlPage("console/webhooks.html", {"tab": "webhooks", "list": list_view(visit, _webhooks(visit))})

    @page(blueprint, "/operations/webhooks/new", needs="create_webhook", entry="operations")
    def webhook_draft(visit: Visit) -> HtmlPage:
        return HtmlPage("console/webhook_new.html", {"types": EVENT_TYPES})

    @page(blueprint, "/operations/webhooks/new", needs="create_webhook", post=True, entry="operations")
    def make_webhook(visit: Visit) -> HtmlPage:
        form = visit.form
        body: dict[str, Any] = {"url": form.get("url", "").strip(), "events": form.getlist("event")}
        body["id"] = form.get("id", "").strip() or None
        return HtmlPage("console/webhook_secret.html", {"made": visit.call("create_webhook", body=body)})

    @page(blueprint, "/operations/webhooks/<id:webhook_id>", needs="get_webhook", entry="operations")
    def webhook(visit: Visit, webhook_id: str) -> HtmlPage:
        known = visit.call("get_webhook", webhook_id=webhook_id)
        reason = known["disabled_reason"]
        values = {
            "webhook": known,
            "state": state_badge(WEBHOOK_STATES, known["status"], visit.reader.language),
            "reason": visit.say(_REASONS[reason]) if reason else "",
            "list": list_view(visit, _deliveries(visit, webhook_id)),
        }
        return HtmlPage("console/webhook.html", values)

    @page(blueprint, "/operations/webhooks/<id:webhook_id>/test", needs="test_webhook", post=True, entry="operations")
    def send_test_message(visit: Visit, webhook_id: str) -> Done:
        sent = visit.call("test_webhook", webhook_id=webhook_id)
        return Done(_delivery_address(visit, webhook_id, sent["id"]), Text("A test message is on its way."))

    @page(blueprint, "/operations/webhooks/<id:webhook_id>/set", needs="change_webhook", post=True, entry="operations")
    def switch_webhook(visit: Visit, webhook_id: str) -> Done:
        changed = visit.call("change_webhook", body={"status": visit.form.get("status", "")}, webhook_id=webhook_id)
        is_on = changed["status"] == "enabled"
        words = Text("{id} is enabled.", id=webhook_id) if is_on else Text("{id} is disabled.", id=webhook_id)
        return Done(visit.url("webhook", webhook_id=webhook_id), words)

    @page(blueprint, "/operations/webhooks/<id:webhook_id>/end", needs="end_webhook", post=True, entry="operations")
    def end_webhook(visit: Visit, webhook_id: str) -> Done:
        check_typed(visit, webhook_id)
        visit.call("end_webhook", webhook_id=webhook_id)
        return Done(visit.url("webhooks"), Text("{id} has ended.", "key", id=webhook_id))


def delivery_pages(blueprint: Blueprint) -> None:
    """Adds the pages of deliveries."""
    rule = "/operations/webhooks/<id:webhook_id>/deliveries/<id:delivery_id>"

    @page(blueprint, rule, needs="get_delivery", entry="operations")
    def delivery(visit: Visit, webhook_id: str, delivery_id: str) -> HtmlPage:
        known = visit.call("get_delivery", webhook_id=webhook_id, delivery_id=delivery_id)
        state = state_badge(DELIVERY_STATES, known["status"], visit.reader.language)
        return HtmlPage("console/delivery.html", {"webhook_id": webhook_id, "delivery": known, "state": state})

    @page(blueprint, f"{rule}/resend", needs="resend_delivery", post=True, entry="operations")
    def resend_delivery(visit: Visit, webhook_id: str, delivery_id: str) -> Done:
        visit.call("resend_delivery", webhook_id=webhook_id, delivery_id=delivery_id)
        return Done(_delivery_address(visit, webhook_id, delivery_id), Text("It is sent again soon."))


def _delivery_address(visit: Visit, webhook_id: str, delivery_id: str) -> str:
    return visit.url("delivery", webhook_id=webhook_id, delivery_id=delivery_id)


def _webhooks(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": linked(row["id"], visit.url("webhook", webhook_id=row["id"])),
            "status": state_badge(WEBHOOK_STATES, row["status"], visit.reader.language),
            "url": row["url"],
            "events": ", ".join(row["events"]),
            "since": visit.reader.time(row["created_at"]),
        }

    return ListSpec(
        name="webhooks",
        endpoint="webhooks",
        operation="list_webhooks",
        columns=_WEBHOOKS,
        cells=cells,
        empty=(Text("No webhooks"), Text("An endpoint of yours is told what happens as soon as it does.")),
    )


def _deliveries(visit: Visit, webhook_id: str) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        said = " ".join(str(part) for part in (row["response_status"], row["error"]) if part)
        return {
            "id": linked(row["id"], _delivery_address(visit, webhook_id, row["id"])),
            "status": state_badge(DELIVERY_STATES, row["status"], visit.reader.language),
            "type": row["type"],
            "occurred_at": visit.reader.time(row["occurred_at"]),
            "attempts": visit.reader.number(row["attempts"]),
            "answer": said,
            "next": visit.reader.time(row["next_attempt_at"]),
            "message": id_cell(visit, row["message_id"]),
        }

    tabs = [ListTab(state.words, code) for code, state in DELIVERY_STATES.items()]
    return ListSpec(
        name="deliveries",
        endpoint="webhook",
        operation="list_deliveries",
        columns=_DELIVERIES,
        cells=cells,
        path={"webhook_id": webhook_id},
        tabs=(ListTab(Text("All"), ""), *tabs),
        empty=(Text("Nothing was sent yet"), Text("Send a test message to see that it arrives.")),
    )
