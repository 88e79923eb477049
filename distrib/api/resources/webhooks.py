"""Webhooks: where the service tells of what happened, and how that went."""

from __future__ import annotations

from distrib.api.calls.documentation import TAKES_SECOND_PERSON
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, shown
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.webhooks import (
    DELIVERIES,
    DELIVERY,
    WEBHOOK,
    WEBHOOK_WITH_SECRET,
    WEBHOOKS,
    DeliveryQuerySchema,
    WebhookChangeSchema,
    WebhookDraftSchema,
)
from distrib.services.webhooks import endpoints as service
from distrib.services.webhooks.endpoints import WebhookDraft
from distrib.services.webhooks.views import WebhookChanges

webhooks = Resource("webhooks", "Webhooks (Standard Webhooks) and their deliveries 投递记录")


@webhooks.operation("GET", "/webhooks", {200: WEBHOOKS}, Takes(query=PageQuerySchema))
def list_webhooks(call: Call) -> Answer:
    """The endpoints without their secrets."""
    listing = call.listing("webhooks")
    after = listing.key(call.query["cursor"])
    rows, follows = service.list_webhooks(call.conn, call.program, after, call.query["limit"])
    return Answer(listing.page_by_key(rows, follows))


@webhooks.operation(
    "POST",
    "/webhooks",
    {201: WEBHOOK_WITH_SECRET, 200: WEBHOOK_WITH_SECRET},
    Takes(body=WebhookDraftSchema),
    refusals=("id_conflict",),
)
def create_webhook(call: Call) -> Answer:
    """Makes an endpoint; its secret is in this answer alone. The same id and content again: 200."""
    body, backend = call.body, call.backend
    view, is_new = service.create_webhook(
        call.unit,
        WebhookDraft(body["id"], body["url"], body["events"]),
        backend.sealer,
        allows_private=backend.allows_private_webhooks,
    )
    return Answer(shown(view), 201 if is_new else 200)


@webhooks.operation("GET", "/webhooks/<id:webhook_id>", {200: WEBHOOK})
def get_webhook(call: Call, webhook_id: str) -> Answer:
    """One endpoint without its secret."""
    return Answer(shown(service.get_webhook(call.conn, call.program, webhook_id)))


@webhooks.operation("PATCH", "/webhooks/<id:webhook_id>", {200: WEBHOOK}, Takes(body=WebhookChangeSchema))
def change_webhook(call: Call, webhook_id: str) -> Answer:
    """Changes address or events, disables, or enables again: what waits is sent then. Another address waits."""
    backend = call.backend
    view = service.change_webhook(
        call.unit,
        webhook_id,
        WebhookChanges(**call.body),
        allows_private=backend.allows_private_webhooks,
        sealer=backend.sealer,
    )
    return Answer(shown(view))


@webhooks.operation(
    "POST", "/webhooks/<id:webhook_id>/approve", {200: WEBHOOK}, refusals=("change_unknown", *TAKES_SECOND_PERSON)
)
def approve_webhook_change(call: Call, webhook_id: str) -> Answer:
    """Puts the address that waits in force at once; by another person than proposed it."""
    sealer = call.backend.sealer
    return Answer(shown(service.approve_url(call.unit, webhook_id, sealer)))


@webhooks.operation(
    "POST", "/webhooks/<id:webhook_id>/cancel", {200: WEBHOOK}, refusals=("change_unknown", "change_in_force")
)
def cancel_webhook_change(call: Call, webhook_id: str) -> Answer:
    """Ends the address that waits; the one in force stays."""
    sealer = call.backend.sealer
    return Answer(shown(service.cancel_url(call.unit, webhook_id, sealer)))


@webhooks.operation("DELETE", "/webhooks/<id:webhook_id>", {204: None})
def end_webhook(call: Call, webhook_id: str) -> Answer:
    """Ends an endpoint for ever; nothing more is sent to it."""
    service.end_webhook(call.unit, webhook_id)
    return Answer(None, 204)


@webhooks.operation("POST", "/webhooks/<id:webhook_id>/rotate", {200: WEBHOOK_WITH_SECRET})
def rotate_webhook_secret(call: Call, webhook_id: str) -> Answer:
    """Makes a new secret; for 24 hours the one before signs as well."""
    return Answer(shown(service.rotate_secret(call.unit, webhook_id, call.backend.sealer)))


@webhooks.operation("POST", "/webhooks/<id:webhook_id>/test", {202: DELIVERY}, refusals=("webhook_disabled",))
def test_webhook(call: Call, webhook_id: str) -> Answer:
    """Sends a message of the type `ping`, soon, signed as every other; how that went stands in its delivery."""
    return Answer(shown(service.send_test(call.unit, webhook_id)), 202)


@webhooks.operation("GET", "/webhooks/<id:webhook_id>/deliveries", {200: DELIVERIES}, Takes(query=DeliveryQuerySchema))
def list_deliveries(call: Call, webhook_id: str) -> Answer:
    """What was sent to an endpoint or waits to be, the newest first."""
    status = call.query["status"]
    listing = call.listing(f"deliveries {webhook_id} {status}")
    before = listing.key(call.query["cursor"])
    rows, follows = service.list_deliveries(call.unit, webhook_id, status, before, call.query["limit"])
    return Answer(listing.page_by_key(rows, follows))


@webhooks.operation("GET", "/webhooks/<id:webhook_id>/deliveries/<id:delivery_id>", {200: DELIVERY})
def get_delivery(call: Call, webhook_id: str, delivery_id: str) -> Answer:
    """One delivery with its attempts."""
    return Answer(shown(service.get_delivery(call.conn, call.program, webhook_id, delivery_id)))


@webhooks.operation(
    "POST",
    "/webhooks/<id:webhook_id>/deliveries/<id:delivery_id>/resend",
    {202: DELIVERY},
    refusals=("webhook_disabled",),
)
def resend_delivery(call: Call, webhook_id: str, delivery_id: str) -> Answer:
    """Sends a delivery again, soon, under the same message id; its schedule begins anew."""
    return Answer(shown(service.resend(call.unit, webhook_id, delivery_id)), 202)
