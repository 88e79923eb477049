"""Webhooks: endpoints made, tried, disabled and ended; their deliveries read and sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import DELIVERY_STATES, WEBHOOK_STATES, id_cell, state_badge
from distrib.console.frame import Done, Page, Work, page
from distrib.console.lists import Column, ListSpec, Tab, linked, list_view
from distrib.console.second_person import check_typed
from distrib.domain.texts import Text
from distrib.domain.webhooks import EVENT_TYPES

_REASONS: Final[Mapping[str, Text]] = {
    "by_hand": Text("by hand"),
    "gone": Text("it answered 410: gone"),
    "lasting_failure": Text("ten attempts failed"),
}
_WEBHOOKS: Final = (
    Column("id", Text("Webhook"), is_fixed=True),
    Column("status", Text("State")),
    Column("url", Text("Address")),
    Column("events", Text("Messages")),
    Column("since", Text("Since"), "date"),
)
_DELIVERIES: Final = (
    Column("id", Text("Delivery"), is_fixed=True),
    Column("status", Text("State")),
    Column("type", Text("Message")),
    Column("occurred_at", Text("Happened"), "date"),
    Column("attempts", Text("Attempts"), "number"),
    Column("answer", Text("Last answer")),
    Column("next", Text("Next attempt"), "date"),
    Column("message", Text("Message id"), is_shown=False),
)


def webhook_pages(blueprint: Blueprint) -> None:
    """Adds the pages of endpoints."""

    @page(blueprint, "/operations/webhooks", needs="list_webhooks", entry="operations")
    def webhooks(work: Work) -> Page:
        return Page("console/webhooks.html", {"tab": "webhooks", "list": list_view(work, _webhooks(work))})

    @page(blueprint, "/operations/webhooks/new", needs="create_webhook", entry="operations")
    def webhook_draft(work: Work) -> Page:
        return Page("console/webhook_new.html", {"types": EVENT_TYPES})

    @page(blueprint, "/operations/webhooks/new", needs="create_webhook", post=True, entry="operations")
    def make_webhook(work: Work) -> Page:
        form = work.form
        body: dict[str, Any] = {"url": form.get("url", "").strip(), "events": form.getlist("event")}
        body["id"] = form.get("id", "").strip() or None
        return Page("console/webhook_secret.html", {"made": work.call("create_webhook", body=body)})

    @page(blueprint, "/operations/webhooks/<id:webhook_id>", needs="get_webhook", entry="operations")
    def webhook(work: Work, webhook_id: str) -> Page:
        known = work.call("get_webhook", webhook_id=webhook_id)
        reason = known["disabled_reason"]
        values = {
            "webhook": known,
            "state": state_badge(WEBHOOK_STATES, known["status"], work.reader.language),
            "reason": work.say(_REASONS[reason]) if reason else "",
            "list": list_view(work, _deliveries(work, webhook_id)),
        }
        return Page("console/webhook.html", values)

    @page(blueprint, "/operations/webhooks/<id:webhook_id>/test", needs="test_webhook", post=True, entry="operations")
    def send_test_message(work: Work, webhook_id: str) -> Done:
        sent = work.call("test_webhook", webhook_id=webhook_id)
        return Done(_delivery_address(work, webhook_id, sent["id"]), Text("A test message is on its way."))

    @page(blueprint, "/operations/webhooks/<id:webhook_id>/set", needs="change_webhook", post=True, entry="operations")
    def switch_webhook(work: Work, webhook_id: str) -> Done:
        changed = work.call("change_webhook", body={"status": work.form.get("status", "")}, webhook_id=webhook_id)
        is_on = changed["status"] == "enabled"
        words = Text("{id} is enabled.", id=webhook_id) if is_on else Text("{id} is disabled.", id=webhook_id)
        return Done(work.url("webhook", webhook_id=webhook_id), words)

    @page(blueprint, "/operations/webhooks/<id:webhook_id>/end", needs="end_webhook", post=True, entry="operations")
    def end_webhook(work: Work, webhook_id: str) -> Done:
        check_typed(work, webhook_id)
        work.call("end_webhook", webhook_id=webhook_id)
        return Done(work.url("webhooks"), Text("{id} has ended.", "key", id=webhook_id))


def delivery_pages(blueprint: Blueprint) -> None:
    """Adds the pages of deliveries."""
    rule = "/operations/webhooks/<id:webhook_id>/deliveries/<id:delivery_id>"

    @page(blueprint, rule, needs="get_delivery", entry="operations")
    def delivery(work: Work, webhook_id: str, delivery_id: str) -> Page:
        known = work.call("get_delivery", webhook_id=webhook_id, delivery_id=delivery_id)
        state = state_badge(DELIVERY_STATES, known["status"], work.reader.language)
        return Page("console/delivery.html", {"webhook_id": webhook_id, "delivery": known, "state": state})

    @page(blueprint, f"{rule}/resend", needs="resend_delivery", post=True, entry="operations")
    def resend_delivery(work: Work, webhook_id: str, delivery_id: str) -> Done:
        work.call("resend_delivery", webhook_id=webhook_id, delivery_id=delivery_id)
        return Done(_delivery_address(work, webhook_id, delivery_id), Text("It is sent again soon."))


def _delivery_address(work: Work, webhook_id: str, delivery_id: str) -> str:
    return work.url("delivery", webhook_id=webhook_id, delivery_id=delivery_id)


def _webhooks(work: Work) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": linked(row["id"], work.url("webhook", webhook_id=row["id"])),
            "status": state_badge(WEBHOOK_STATES, row["status"], work.reader.language),
            "url": row["url"],
            "events": ", ".join(row["events"]),
            "since": work.reader.time(row["created_at"]),
        }

    return ListSpec(
        name="webhooks",
        endpoint="webhooks",
        operation="list_webhooks",
        columns=_WEBHOOKS,
        cells=cells,
        empty=(Text("No webhooks"), Text("An endpoint of yours is told what happens as soon as it does.")),
    )


def _deliveries(work: Work, webhook_id: str) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        said = " ".join(str(part) for part in (row["response_status"], row["error"]) if part)
        return {
            "id": linked(row["id"], _delivery_address(work, webhook_id, row["id"])),
            "status": state_badge(DELIVERY_STATES, row["status"], work.reader.language),
            "type": row["type"],
            "occurred_at": work.reader.time(row["occurred_at"]),
            "attempts": work.reader.number(row["attempts"]),
            "answer": said,
            "next": work.reader.time(row["next_attempt_at"]),
            "message": id_cell(work, row["message_id"]),
        }

    tabs = [Tab(state.words, code) for code, state in DELIVERY_STATES.items()]
    return ListSpec(
        name="deliveries",
        endpoint="webhook",
        operation="list_deliveries",
        columns=_DELIVERIES,
        cells=cells,
        path={"webhook_id": webhook_id},
        tabs=(Tab(Text("All"), ""), *tabs),
        empty=(Text("Nothing was sent yet"), Text("Send a test message to see that it arrives.")),
    )
