"""Accepting events: each recorded once by id, compared by content, and queued.

202 means on disk. Nothing is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from distrib.domain.errors import CODES, Refusal
from distrib.languages import CHINESE, ENGLISH, render
from distrib.services.context import Program
from distrib.services.orders.codec import DecodedEvent, decode_stored
from distrib.services.programs.tenants import calendar_of
from distrib.store.orders import inbox as rows


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one posted event: ``accepted``, ``duplicate`` or ``refused`` with a code."""

    id: str
    status: str
    code: str | None = None


def accept_events(conn: Connection, program: Program, events: Sequence[DecodedEvent], now: datetime) -> list[Accepted]:
    """Records the events that are new, in one transaction with their place in the queue.

    Returns:
        One answer an event, in the order given. The same id with the same content is
        ``duplicate``, with other content ``refused`` with ``id_conflict``.
    """
    first: dict[str, DecodedEvent] = {}
    for event in events:
        first.setdefault(event.id, event)
    zone = calendar_of(conn, program).zone
    fresh = rows.insert_events(conn, program.program_id, [_row(zone, event) for event in first.values()], now)
    known = [event_id for event_id in first if event_id not in fresh]
    digests = rows.digests_of(conn, program.program_id, known) if known else {}
    unlike = [event.id for event in events if event.id in digests and digests[event.id] != event.digest]
    payloads = rows.payloads_of(conn, program.program_id, unlike) if unlike else {}
    return [_answer(event, first, fresh, digests, payloads) for event in events]


def get_event(conn: Connection, program: Program, event_id: str) -> dict[str, Any]:
    """Reads one event and what became of it; raises ``event_unknown``."""
    event = rows.event_view(conn, program.program_id, event_id)
    if event is None:
        raise Refusal("event_unknown", id=event_id)
    return _with_error(event)


def list_events(
    conn: Connection, program: Program, status: str | None, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Lists events in the order they were recorded, and the number to go on after (None at the end)."""
    events = rows.event_views(conn, program.program_id, status, after, limit + 1)
    page = events[:limit]
    return [_with_error(row) for row in page], page[-1]["event_no"] if len(events) > limit else None


def retry_event(conn: Connection, program: Program, event_id: str) -> dict[str, Any]:
    """Queues a failed event again; raises ``event_unknown`` or ``event_not_failed``."""
    get_event(conn, program, event_id)
    if not rows.reopen(conn, program.program_id, event_id):
        raise Refusal("event_not_failed")
    return get_event(conn, program, event_id)


def _row(zone: ZoneInfo, event: DecodedEvent) -> rows.NewEvent:
    day = event.occurred_at.astimezone(zone).date()
    content = (event.digest, event.payload)
    return rows.NewEvent(
        event.id, event.type, event.order_id, event.occurred_at, day, *content, event.group_id, event.refund_id
    )


def _answer(
    event: DecodedEvent,
    first: Mapping[str, DecodedEvent],
    fresh: Collection[str],
    digests: Mapping[str, bytes],
    payloads: Mapping[str, str],
) -> Accepted:
    """What became of one event; what differs in its digest is compared as content."""
    original = first[event.id]
    is_new = event.id in fresh
    if original is event and is_new:
        return Accepted(event.id, "accepted")
    digest = original.digest if is_new else digests[event.id]
    if digest != event.digest:
        payload = original.payload if is_new else payloads[event.id]
        if not decode_stored(payload).has_content_of(decode_stored(event.payload)):
            return Accepted(event.id, "refused", "id_conflict")
    return Accepted(event.id, "duplicate")


def _with_error(row: dict[str, Any]) -> dict[str, Any]:
    """Turns the code in an event's row into an ``error`` with texts in both languages."""
    view = {name: value for name, value in row.items() if name not in ("code", "params", "event_no")}
    view["event_no"] = row["event_no"]
    view["error"] = None
    if row["code"] is not None and row["status"] != "done":
        refusal = Refusal(row["code"] if row["code"] in CODES else "poison", **json.loads(row["params"] or "{}"))
        view["error"] = {
            "code": row["code"],
            "detail": render(refusal.text, ENGLISH),
            "detail_zh": render(refusal.text, CHINESE),
        }
    elif row["code"] is not None:
        view["remark"] = row["code"]
    return view
