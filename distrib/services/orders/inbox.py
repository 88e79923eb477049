"""Accepting events: each recorded once by id, compared by content, and queued.

202 means on disk. Nothing is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, TypedDict
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.events import REFUNDED, DecodedEvent
from distrib.domain.json_values import JsonObject
from distrib.domain.orders.refusals import EventNotFailed, EventUnknown, RefundAmbiguous
from distrib.domain.refusals import IdConflict
from distrib.failpoints import reach
from distrib.services.context import Program, Unit
from distrib.services.orders.codec import EVENT_TYPES, decode_stored
from distrib.services.orders.failures import FailureView, failure_of
from distrib.services.programs.tenants import calendar_of
from distrib.store.orders import event_views
from distrib.store.orders import inbox as rows
from distrib.store.orders.event_views import EventFilters, EventStanding
from distrib.store.recorded import Part
from distrib.tracing import span

__all__ = [
    "Accepted",
    "EventFilters",
    "EventView",
    "KeptEventView",
    "accept_events",
    "get_event",
    "list_events",
    "retry_event",
]


class Accepted(NamedTuple):
    """What became of one posted event: ``accepted``, ``duplicate`` or ``refused`` with why."""

    id: str
    status: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class EventView:
    """One event and what became of it; ``error`` says why it waits or failed, ``remark`` is a code on what is done."""

    id: str
    type: str
    order_id: str | None
    group_id: str | None
    occurred_at: datetime
    received_at: datetime
    status: str
    attempts: int
    done_at: datetime | None
    error: FailureView | None
    remark: str | None


@dataclass(frozen=True, slots=True)
class KeptEventView(EventView):
    """One event with what was sent; None where the database no longer has it as it was."""

    payload: JsonObject | None


class _EventFields(TypedDict):
    id: str
    type: str
    order_id: str | None
    group_id: str | None
    occurred_at: datetime
    received_at: datetime
    status: str
    attempts: int
    done_at: datetime | None
    error: FailureView | None
    remark: str | None


@dataclass(slots=True)
class _Kept:
    """What is kept of the posted events: the ids that are new, digest and content of those known, and refusals."""

    fresh: set[str]
    known: dict[str, tuple[bytes, str | bytes]]
    refused: dict[str, Refusal]


def accept_events(unit: Unit, events: Sequence[DecodedEvent]) -> list[Accepted]:
    """Records the events that are new, in one transaction with their place in the queue.

    Returns:
        One answer an event, in the order given. The same id with the same content is
        ``duplicate``, with other content ``refused`` with ``id_conflict``. What undoes a refund by its id alone is
        ``refused`` with ``refund_ambiguous`` where several orders have such a refund.
    """
    first: dict[str, DecodedEvent] = {}
    for event in events:
        first.setdefault(event.id, event)
    zone, program_id = calendar_of(unit.conn, unit.program).zone, unit.program_id
    unplaced = rows.unplaced_among(unit.conn, program_id, first) if rows.has_unplaced(unit.conn, program_id) else {}
    kept = _Kept(set(), dict(unplaced), {})
    wanted = [event for event in first.values() if event.id not in unplaced]
    whose = [event for event in wanted if not _names_no_order(event)]
    with span("events.keep", program=unit.program.code, events=len(events)):
        if whose:
            kept.fresh = rows.insert_events(unit.conn, program_id, whose, _days(zone, whose), unit.now)
        if len(whose) < len(wanted):
            _keep_reversals(unit, zone, [event for event in wanted if _names_no_order(event)], kept)
    if any(event.type == REFUNDED for event in whose):
        rows.place_events(unit.conn, len(events), program_id)
    reach("event.recorded")
    if len(kept.fresh) == len(events):
        return [Accepted(event.id, "accepted") for event in events]
    others = {event.id for event in wanted if event.id not in kept.fresh and event.id not in kept.refused}
    if others:
        kept.known |= _known(unit.conn, program_id, list(others), [event for event in events if event.id in others])
    return [_answer(event, first, kept) for event in events]


def _days(zone: ZoneInfo, events: Sequence[DecodedEvent]) -> list[date]:
    """On which day of the program's time zone each event happened."""
    return [event.occurred_at.astimezone(zone).date() for event in events]


def _names_no_order(event: DecodedEvent) -> bool:
    return event.order_id is None and event.group_id is None


def _keep_reversals(unit: Unit, zone: ZoneInfo, events: Sequence[DecodedEvent], kept: _Kept) -> None:
    """Keeps what undoes refunds by their ids alone: under the refund's order, or apart until the refund comes."""
    conn, program_id = unit.conn, unit.program_id
    known = rows.digests_of(conn, program_id, [event.id for event in events])
    new = [event for event in events if event.id not in known]
    orders = rows.orders_of_refunds(conn, program_id, {event.refund_id for event in new if event.refund_id})
    placed, waiting = [], []
    for event in new:
        refund_id = event.refund_id or ""
        of_refund = orders.get(refund_id, set())
        if len(of_refund) > 1:
            kept.refused[event.id] = RefundAmbiguous(id=refund_id)
        elif of_refund:
            placed.append(event._replace(order_id=min(of_refund)))
        else:
            waiting.append(event)
    if placed:
        kept.fresh |= rows.insert_events(conn, program_id, placed, _days(zone, placed), unit.now)
    if waiting:
        kept.fresh |= rows.insert_unplaced(conn, program_id, waiting, _days(zone, waiting), unit.now)


def _known(
    conn: Connection, program_id: int, event_ids: Sequence[str], posted: Sequence[DecodedEvent]
) -> dict[str, tuple[bytes, str | bytes]]:
    """Digest and content of events that are known; the content only where a posted one's digest differs."""
    digests = rows.digests_of(conn, program_id, event_ids)
    unlike = [event.id for event in posted if event.id in digests and digests[event.id] != event.digest]
    payloads = rows.payloads_of(conn, program_id, unlike) if unlike else {}
    known: dict[str, tuple[bytes, str | bytes]] = {
        event_id: (digest, payloads.get(event_id, "")) for event_id, digest in digests.items()
    }
    missing = [event_id for event_id in event_ids if event_id not in known]
    return known | rows.unplaced_among(conn, program_id, missing) if missing else known


def get_event(conn: Connection, program: Program, event_id: str) -> KeptEventView:
    """Reads one event as it was first kept, and what became of it; raises ``event_unknown``."""
    event = event_views.event_view(conn, program.program_id, event_id)
    if event is None:
        raise EventUnknown(id=event_id)
    return KeptEventView(**_shown(event), payload=_content(event.payload))


def _content(payload: str) -> JsonObject | None:
    """What was sent; None where the database no longer has it as it was: the event is parked, and can be looked at."""
    try:
        content: JsonObject = json.loads(payload)
    except ValueError:
        return None
    return content


def list_events(
    conn: Connection, program: Program, filters: EventFilters, after: tuple[str, int] | None, limit: int
) -> tuple[list[EventView], tuple[str, int] | None]:
    """Lists events that pass the filters, and the place to go on after (None at the end).

    They come in the order they were recorded, or the other way round; where a type or a time alone is asked for, in
    that of their receipt.
    """
    first = event_views.NEWEST if filters.is_newest_first else event_views.FIRST
    place = first if after is None else after
    events = event_views.event_views(conn, program.program_id, filters, EVENT_TYPES, Part(place, limit + 1))
    page = events[:limit]
    if len(events) <= limit:
        return [_view(row) for row in page], None
    last = page[-1]
    since = last.received_at.isoformat() if filters.is_by_time else event_views.BEGINNING
    return [_view(row) for row in page], (since, last.event_no)


def retry_event(conn: Connection, program: Program, event_id: str) -> KeptEventView:
    """Queues a failed event again; raises ``event_unknown`` or ``event_not_failed``."""
    event = get_event(conn, program, event_id)
    if event.status == "failed" and event.order_id is None and event.group_id is None:
        rows.place_events(conn, 1, program.program_id)  # of several orders' refunds there may be one yet
    elif not rows.reopen(conn, program.program_id, event_id):
        raise EventNotFailed()
    return get_event(conn, program, event_id)


def _answer(event: DecodedEvent, first: Mapping[str, DecodedEvent], kept: _Kept) -> Accepted:
    """What became of one event; what differs in its digest is compared as content."""
    original, is_new = first[event.id], event.id in kept.fresh
    if event.id in kept.refused:
        return Accepted(event.id, "refused", kept.refused[event.id])
    if original is event and is_new:
        return Accepted(event.id, "accepted")
    digest, payload = (original.digest, original.payload) if is_new else kept.known[event.id]
    if digest != event.digest and not decode_stored(payload).has_content_of(decode_stored(event.payload)):
        return Accepted(event.id, "refused", IdConflict(id=event.id))
    return Accepted(event.id, "duplicate")


def _view(row: EventStanding) -> EventView:
    return EventView(**_shown(row))


def _shown(row: EventStanding) -> _EventFields:
    failure = failure_of(row.code, row.status, row.params)
    return {
        "id": row.id,
        "type": row.type,
        "order_id": row.order_id,
        "group_id": row.group_id,
        "occurred_at": row.occurred_at,
        "received_at": row.received_at,
        "status": row.status,
        "attempts": row.attempts,
        "done_at": row.done_at,
        "error": failure,
        "remark": row.code if failure is None else None,
    }
