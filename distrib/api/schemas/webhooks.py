"""Endpoints of webhooks and their deliveries."""

from __future__ import annotations

from typing import Any

from distrib.api.http.auth import ADMIN, STAFF
from distrib.api.schemas.fields import Choice, Identifier, Inner, Instant, Listed, PlainText, Shape, Whole
from distrib.api.schemas.held_changes import PENDING_FIELDS, pending
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged, within
from distrib.domain.webhooks import EVENT_TYPES, MOST_URL, PING

_STATUSES = ("enabled", "disabled")
_DELIVERY = ("pending", "delivered", "failed")


def _events(**options: Any) -> Listed:
    return Listed(Choice(EVENT_TYPES), low=1, high=len(EVENT_TYPES), **options)


def _url(**options: Any) -> PlainText:
    return PlainText(high=MOST_URL, metadata={"format": "uri"}, **options)


class WebhookDraftSchema(Shape):
    """An endpoint that is to be made."""

    id = Identifier(load_default=None, allow_none=True)
    url = _url(required=True)
    events = _events(required=True)


class WebhookChangeSchema(Shape):
    """What is to be changed of an endpoint; what is left out stays."""

    url = _url(load_default=None)
    events = _events(load_default=None)
    status = Choice(_STATUSES, load_default=None)


class WebhookSchema(Shape):
    """An endpoint without its secret."""

    id = Identifier(required=True)
    url = _url(required=True)
    events = _events(required=True)
    status = Choice(_STATUSES, required=True)
    disabled_reason = Choice(("by_hand", "gone", "lasting_failure"), required=True, allow_none=True)
    status_since = Instant(required=True)
    created_at = Instant(required=True)
    pending = pending(metadata={"description": "of one endpoint, not in lists"})


class WebhookWithSecretSchema(WebhookSchema):
    """An endpoint with the secret that signs what it is sent."""

    secret = PlainText(required=True, metadata={"examples": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]})


class DeliveryQuerySchema(PageQuerySchema):
    """Which deliveries."""

    status = Choice(_DELIVERY, load_default=None)


class DeliverySchema(Shape):
    """A message on its way to an endpoint, with its last attempt."""

    id = PlainText(required=True)
    message_id = PlainText(required=True, metadata={"description": "the header webhook-id, the same at every attempt"})
    type = Choice((*EVENT_TYPES, PING), required=True)
    occurred_at = Instant(required=True)
    status = Choice(_DELIVERY, required=True)
    attempts = Whole(required=True)
    next_attempt_at = Instant(required=True, allow_none=True)
    last_attempt_at = Instant(required=True, allow_none=True)
    response_status = Whole(required=True, allow_none=True)
    error = PlainText(required=True, allow_none=True)


class AttemptSchema(Shape):
    """One attempt; ``error`` says why it does not count as delivered."""

    attempt = Whole(required=True, low=1)
    attempted_at = Instant(required=True)
    milliseconds = Whole(required=True)
    response_status = Whole(required=True, allow_none=True)
    error = PlainText(required=True, allow_none=True)


class DeliveryWithLogSchema(DeliverySchema):
    """A delivery with its newest attempts."""

    log = Listed(Inner(AttemptSchema), required=True)


WebhooksPageSchema: Any = page_of(WebhookSchema, "WebhooksPage")
DeliveriesPageSchema: Any = page_of(DeliverySchema, "DeliveriesPage")

# Who sees what: endpoints are for staff; the secret of one stands in the answer to the admin who makes it.
_WEBHOOK = (
    "id",
    "url",
    "events",
    "status",
    "disabled_reason",
    "status_since",
    "created_at",
    *within("pending", PENDING_FIELDS),
)
_ENTRY = (
    "id",
    "message_id",
    "type",
    "occurred_at",
    "status",
    "attempts",
    "next_attempt_at",
    "last_attempt_at",
    "response_status",
    "error",
)
_ATTEMPT = ("attempt", "attempted_at", "milliseconds", "response_status", "error")
_WITH_LOG = (*_ENTRY, *within("log", _ATTEMPT))
WEBHOOK = Visible(WebhookSchema, dict.fromkeys(STAFF, _WEBHOOK))
WEBHOOKS = Visible(WebhooksPageSchema, dict.fromkeys(STAFF, paged(_WEBHOOK)))
WEBHOOK_WITH_SECRET = Visible(WebhookWithSecretSchema, {ADMIN: (*_WEBHOOK, "secret")})
DELIVERY = Visible(DeliveryWithLogSchema, dict.fromkeys(STAFF, _WITH_LOG))
DELIVERIES = Visible(DeliveriesPageSchema, dict.fromkeys(STAFF, paged(_ENTRY)))
