"""Deliveries that are due, and what came of each attempt. Nothing is sent from here, no network may enter.

A delivery is claimed for a while and its outcome written apart, so that no transaction waits for another's
server. Whoever claims and dies is overtaken when the while is over: what was sent may be sent again, nothing is lost.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from distrib.domain.webhooks import message_body, message_id, signature, wait_after
from distrib.services.encryption import Sealer
from distrib.services.webhooks.endpoints import open_secret
from distrib.store.webhooks import endpoints as rows
from distrib.store.webhooks.endpoints import Attempt, CourierRoom, DeliveryStanding, DueDelivery

LOST_AFTER = timedelta(seconds=60)
"""From a claim on: several times what an attempt may last."""
GONE = 410
_AGENT = "distrib-webhooks/1"


@dataclass(frozen=True, slots=True)
class Request:
    """The HTTP request of one attempt."""

    url: str
    headers: dict[str, str]
    body: bytes


def claim_due(conn: Connection, now: datetime, limit: int, each: int, full: Collection[int]) -> list[DueDelivery]:
    """Claims up to ``limit`` deliveries that are due, ``each`` of one endpoint, none of those in ``full``."""
    return rows.claim_due(conn, now, now + LOST_AFTER, CourierRoom(limit, each, full))


def make_request(due: DueDelivery, sealer: Sealer, now: datetime) -> Request:
    """Builds the request of an attempt, signed for this instant; only time and signature differ from those before."""
    sealed = [due.secret]
    if due.former_secret is not None and due.former_until is not None and now < due.former_until:
        sealed.append(due.former_secret)
    secrets = [open_secret(sealer, due.program_id, due.webhook_id, secret) for secret in sealed]
    name, timestamp = message_id(due.program_id, due.message_no), int(now.timestamp())
    body = message_body(due.type, due.occurred_at, due.payload)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secrets, name, timestamp, body),
    }
    return Request(due.url, headers, body)


def record(conn: Connection, due: DueDelivery, attempt: Attempt, now: datetime) -> str | None:
    """Records what came of an attempt: delivered, to be tried again, or given up.

    An endpoint that answers 410, or lets a schedule run out, is disabled; what waits for it stays and is sent when
    it is enabled again.

    Returns:
        Why the endpoint was disabled by this, if it was.
    """
    attempts, tries, status = rows.lock_delivery(conn, due)
    if attempt.error is None:
        rows.note_attempt(conn, due, attempts + 1, attempt, DeliveryStanding("delivered"))
        return None
    if status == "delivered":  # a twin has had success meanwhile: what is delivered stays so
        rows.note_attempt(conn, due, attempts + 1, attempt, DeliveryStanding(status))
        return None
    wait = wait_after(tries + 1, f"{due.webhook_no} {due.message_no}")
    reason = "gone" if attempt.response_status == GONE else "lasting_failure" if wait is None else None
    next_at = None if wait is None or reason == "gone" else now + wait
    standing = DeliveryStanding("failed" if next_at is None else "pending", next_at)
    rows.note_attempt(conn, due, attempts + 1, attempt, standing)
    return reason if reason is not None and rows.disable(conn, due, reason, now) else None


def delivery_figures(conn: Connection) -> tuple[int, int]:
    """Counts, over all programs, the deliveries that wait and the endpoints disabled for what they did."""
    waiting, disabled = rows.delivery_figures(conn)
    return waiting, disabled
