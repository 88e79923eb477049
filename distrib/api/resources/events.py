"""Events in, and what became of them. 202 means on disk; what is worked out of them is the workers' business."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from flask import request

from distrib.api.calls.operations import NDJSON, Call, Resource
from distrib.api.http.answers import Answer
from distrib.api.http.json_body import parse_json, readable
from distrib.api.http.problems import detail_of
from distrib.api.http.shapes import Validated, problems_of
from distrib.api.http.words import say, word
from distrib.api.schemas.events import (
    EventPostSchema,
    EventQuerySchema,
    EventResultsSchema,
    EventSchema,
    EventsPageSchema,
    EventViewSchema,
)
from distrib.domain.errors import Problem, Refusal
from distrib.domain.events import DecodedEvent
from distrib.languages import render
from distrib.languages.web import current_language
from distrib.services.orders import inbox
from distrib.services.orders.codec import MAX_EVENTS, decode_event, decode_line, decode_post

_MOST_ECHOED = 255

events = Resource("events", "Facts from the order system 事件")


class Unreadable:
    """A line of NDJSON that is not JSON; it is refused, the others go on."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def as_sent(sent: bytes) -> bytes:
    """The body of a post as it came: most are decoded in one pass."""
    return sent


def _decoded(sent: bytes, now: datetime) -> tuple[list[DecodedEvent | None], bool, Sequence[Any]]:
    """The events of a post, None for those that are refused; whether they came as a batch; what was refused, in order.

    What is good as a whole is decoded at once; anything else is read value by value, for the full story.
    """
    if request.mimetype == NDJSON:
        return _decoded_lines(sent, now)
    quick = decode_post(sent, now)
    if quick is not None:
        events, is_batch = quick
        return list(events), is_batch, ()
    raws, is_batch = _read_posted(sent)
    decoded = [decode_event(raw, now) for raw in raws]
    return decoded, is_batch, [raw for raw, event in zip(raws, decoded, strict=True) if event is None]


def _read_posted(sent: bytes) -> tuple[list[Any], bool]:
    """The raw events of a post in JSON, and whether they came as a batch."""
    value = parse_json(sent)
    if not isinstance(value, dict) or "events" not in value:
        return [value], False
    unknown = [Problem("/" + readable(key), say("unknown")) for key in value if key != "events"]
    if unknown:
        raise Refusal("invalid", unknown)
    if not isinstance(value["events"], list):
        raise Refusal("invalid", [Problem("/events", say("list"))])
    return _bounded(value["events"], "/events"), True


def _decoded_lines(sent: bytes, now: datetime) -> tuple[list[DecodedEvent | None], bool, Sequence[Any]]:
    """The same of newline-delimited JSON, line by line."""
    decoded: list[DecodedEvent | None] = []
    refused: list[Any] = []
    is_json = False
    for line in _bounded([line for line in sent.split(b"\n") if line.strip(b" \t\r")], ""):
        event = decode_line(line, now)
        if event is None:
            raw = _read_line(line)
            event = decode_event(raw, now)
            is_json = is_json or not isinstance(raw, Unreadable)
            refused += [] if event is not None else [raw]
        decoded.append(event)
    if not is_json and len(refused) == len(decoded):
        raise refused[0].refusal
    return decoded, True, refused


def _read_line(line: bytes) -> Any:
    try:
        return parse_json(line)
    except Refusal as refusal:
        return Unreadable(refusal)


def _bounded(values: list[Any], pointer: str) -> list[Any]:
    if not 1 <= len(values) <= MAX_EVENTS:
        raise Refusal("invalid", [Problem(pointer, say("count", low=1, high=MAX_EVENTS))])
    return values


@events.operation(
    "POST",
    "/events",
    {202: EventResultsSchema},
    body=EventPostSchema,
    reads_body=as_sent,
    takes_ndjson=True,
    refusals=("id_conflict", "refund_ambiguous", "backlog_full"),
    may_be_signed=True,
)
def post_events(call: Call) -> Answer:
    """Takes one event, or up to 1,000, as JSON or one a line.

    One bad event does not touch the rest; a single event that is refused answers as its refusal.
    """
    decoded, is_batch, refused = _decoded(call.body, call.now)
    if not is_batch and decoded[0] is None:
        raise Refusal("invalid", _contract_problems(refused[0], call.now))
    good = [event for event in decoded if event is not None]
    call.backend.backlog.check(call.conn, call.program.program_id, call.limits)
    accepted = inbox.accept_events(call.conn, call.program, good, call.now) if good else []
    if not is_batch and accepted[0].refusal is not None:
        raise accepted[0].refusal
    kept, raws = iter(accepted), iter(refused)
    answer_language = current_language()
    results = [
        _refused(next(raws), call.now, answer_language) if event is None else _result(next(kept), answer_language)
        for event in decoded
    ]
    return _answer(call, results)


def _result(accepted: inbox.Accepted, answer_language: str) -> dict[str, Any]:
    if accepted.refusal is None:
        return {"id": accepted.id, "status": accepted.status}
    detail = render(accepted.refusal.text, answer_language)
    return {"id": accepted.id, "status": accepted.status, "code": accepted.refusal.code, "detail": detail}


def _refused(raw: Any, now: datetime, answer_language: str) -> dict[str, Any]:
    if isinstance(raw, Unreadable):
        return {
            "id": None,
            "status": "refused",
            "code": raw.refusal.code,
            "detail": detail_of(raw.refusal, answer_language),
        }
    errors = [
        {"pointer": readable(problem.pointer), "detail": readable(word(problem.detail, answer_language))}
        for problem in islice(_contract_problems(raw, now), MAX_EVENTS)
    ]
    sent = raw.get("id") if isinstance(raw, dict) else None
    event_id = readable(sent) if isinstance(sent, str) and len(sent) <= _MOST_ECHOED else None
    return {"id": event_id, "status": "refused", "code": "invalid", "errors": errors}


def _contract_problems(raw: Any, now: datetime) -> Sequence[Problem]:
    """All that is wrong with an event, as the contract's schema tells it."""
    problems = problems_of(EventSchema(now=lambda: now), raw)
    if isinstance(problems, Validated):
        raise TypeError("the twins of the event contract disagree")
    return problems


def _answer(call: Call, results: list[dict[str, Any]]) -> Answer:
    counts = {"accepted": 0, "duplicate": 0, "refused": 0}
    for result in results:
        counts[result["status"]] += 1
    return Answer(counts | {"results": results}, 202, after_commit=partial(_report_accepted, call, counts))


def _report_accepted(call: Call, counts: dict[str, int]) -> None:
    backend = call.backend
    backend.backlog.note(call.program.program_id, counts["accepted"], len(call.body))
    for status, number in counts.items():
        backend.metrics.count_events(status, number)
    if counts["accepted"]:
        backend.ring()


@events.operation("GET", "/events", {200: EventsPageSchema}, query=EventQuerySchema)
def list_events(call: Call) -> Answer:
    """Events in the order they were kept."""
    status, limit = call.query["status"], call.query["limit"]
    listing = call.listing(f"events {status}")
    after = listing.key(call.query["cursor"])
    rows, follows = inbox.list_events(call.conn, call.program, status, after or 0, limit)
    return Answer(listing.page_by_key([_view(row) for row in rows], follows))


@events.operation("GET", "/events/<id:event_id>", {200: EventViewSchema}, refusals=("event_unknown",))
def get_event(call: Call, event_id: str) -> Answer:
    """One event and what became of it."""
    return Answer(_view(inbox.get_event(call.conn, call.program, event_id)))


@events.operation(
    "POST", "/events/<id:event_id>/retry", {202: EventViewSchema}, refusals=("event_unknown", "event_not_failed")
)
def retry_event(call: Call, event_id: str) -> Answer:
    """Puts a failed event back to work."""
    view = _view(inbox.retry_event(call.conn, call.program, event_id))
    return Answer(view, 202, after_commit=call.backend.ring)


def _view(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "event_no"}
