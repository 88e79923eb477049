"""Who sees what of events: the order system that sends them and staff, and both the same; a payload as it was sent."""

from __future__ import annotations

from distrib.api.http.auth import ADMIN, OPERATIONS, ORDERS, STAFF
from distrib.api.schemas.events import (
    EventResultsSchema,
    EventsPageSchema,
    EventViewSchema,
    KeptEventSchema,
    QueueSchema,
)
from distrib.api.schemas.visible import Visible, paged, within

FAILURE_FIELDS = ("code", "detail", "detail_zh")
_RESULT = ("id", "status", "code", "detail", *within("errors", ("pointer", "detail")))
_POSTED = ("accepted", "duplicate", "refused", *within("results", _RESULT))
_EVENT = (
    "id",
    "type",
    "order_id",
    "group_id",
    "status",
    "occurred_at",
    "received_at",
    "done_at",
    "attempts",
    *within("error", FAILURE_FIELDS),
    "remark",
)
_QUEUE = ("orders_waiting", "first_day", "first_received_at", "waiting_events", "failed_events", "counted_up_to")
_READERS = (ORDERS, *STAFF)
_WRITERS = (ORDERS, ADMIN, OPERATIONS)
POSTED = Visible(EventResultsSchema, dict.fromkeys(_WRITERS, _POSTED))
EVENT = Visible(EventViewSchema, dict.fromkeys(_WRITERS, _EVENT))
KEPT_EVENT = Visible(KeptEventSchema, dict.fromkeys(_READERS, (*_EVENT, "payload")))
EVENTS = Visible(EventsPageSchema, dict.fromkeys(_READERS, paged(_EVENT)))
QUEUE = Visible(QueueSchema, dict.fromkeys(_READERS, _QUEUE))
