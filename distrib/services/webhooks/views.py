"""Endpoints and deliveries as they are shown. Nothing is read or decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from distrib.domain.webhooks import message_id
from distrib.services.context import Program
from distrib.services.held_changes import PendingChange
from distrib.store.webhooks.endpoints import AttemptRow, DeliveryRow, WebhookRow

_Delivery: TypeAlias = tuple[
    str, str, str, datetime, str, int, datetime | None, datetime | None, int | None, str | None
]


@dataclass(frozen=True, slots=True)
class WebhookView:
    """An endpoint without its secret."""

    id: str
    url: str
    events: list[str]
    status: str
    disabled_reason: str | None
    status_since: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookInFull(WebhookView):
    """An endpoint with the address that waits for it."""

    pending: PendingChange | None


@dataclass(frozen=True, slots=True)
class WebhookWithSecret(WebhookInFull):
    """An endpoint with its secret, which is shown when it is made and when it is changed."""

    secret: str


@dataclass(frozen=True, slots=True)
class WebhookChanges:
    """What is to be another of an endpoint; what is None stays."""

    url: str | None = None
    events: Sequence[str] | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery with how its last attempt went."""

    id: str
    message_id: str
    type: str
    occurred_at: datetime
    status: str
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    response_status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class DeliveryInFull(DeliveryView):
    """A delivery with its attempts, the newest first."""

    log: list[AttemptRow]


def webhook_values(row: WebhookRow) -> tuple[str, str, list[str], str, str | None, datetime, datetime]:
    """The fields of a ``WebhookView``, in their order."""
    return (
        row.webhook_id,
        row.url,
        list(row.events),
        row.status,
        row.disabled_reason,
        row.status_since,
        row.created_at,
    )


def delivery_values(program: Program, row: DeliveryRow) -> _Delivery:
    """The fields of a ``DeliveryView``, in their order."""
    return (
        f"dlv_{row.delivery_no}",
        message_id(program.program_id, row.message_no),
        row.type,
        row.occurred_at,
        row.status,
        row.attempts,
        row.next_attempt_at,
        row.attempted_at,
        row.response_status,
        row.error,
    )
