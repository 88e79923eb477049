"""Events in, and what became of them. 202 means on disk; what is worked out of them is the workers' business."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from flask import request

from distrib.api.calls.backend import Backend, current_backend
from distrib.api.calls.bodies import BATCH_BYTES, NDJSON
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, shown
from distrib.api.http.json_body import parse_json, readable
from distrib.api.http.problems import detail_of
from distrib.api.http.shapes import MOST_ERRORS, Validated, problems_of
from distrib.api.http.words import say, word
from distrib.api.schemas.events import (
    NEWEST,
    EventPostSchema,
    EventQuerySchema,
    EventSchema,
)
from distrib.api.schemas.events_seen import EVENT, EVENTS, KEPT_EVENT, POSTED, QUEUE
from distrib.api.schemas.workers import WORKERS
from distrib.domain.errors import Problem, Refusal
from distrib.domain.events import DecodedEvent
from distrib.languages import render
from distrib.languages.web import current_language
from distrib.services import heartbeats
from distrib.services.orders import inbox, queue
from distrib.services.orders.codec import MAX_EVENTS, decode_event, decode_line, decode_post

_MOST_ECHOED = 255

events = Resource("events", "Facts from the order system 事件")


@dataclass(frozen=True, slots=True)
class Posted:
    """A post as it was read: its events in order, None for each that is refused, and the results of those."""

    events: Sequence[DecodedEvent | None]
    is_batch: bool
    refused: Sequence[dict[str, Any]] = ()
    size_bytes: int = 0

    def __len__(self) -> int:
        """How many events were posted."""
        return len(self.events)


class Unreadable:
    """A line of NDJSON that is not JSON; it is refused, the others go on."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def read_posted(sent: bytes) -> Posted:
    """The events of a post.

    What is good as a whole is decoded at once; anything else is read value by value, for the full story.

    Raises:
        Refusal: there is nothing to keep: no JSON, no events or too many, or a single one that is refused.
    """
    now = current_backend().now()
    if request.mimetype == NDJSON:
        return _read_lines(sent, now)
    quick = decode_post(sent, now)
    if quick is not None:
        return Posted(*quick, size_bytes=len(sent))
    raws, is_batch = _read_json(sent)
    decoded = [decode_event(raw, now) for raw in raws]
    if not is_batch and decoded[0] is None:
        raise Refusal("invalid", _contract_problems(raws[0], now, MOST_ERRORS))
    refused = [raw for raw, event in zip(raws, decoded, strict=True) if event is None]
    return Posted(decoded, is_batch, _refusals(refused), len(sent))


def _read_json(sent: bytes) -> tuple[list[Any], bool]:
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


def _read_lines(sent: bytes, now: datetime) -> Posted:
    """The same of newline-delimited JSON, line by line."""
    decoded: list[DecodedEvent | None] = []
    refused: list[Any] = []
    is_json = False
    for line in _bounded(list(islice(_lines_of(sent), MAX_EVENTS + 1)), ""):
        event = decode_line(line, now)
        if event is None:
            raw = _read_line(line)
            event = decode_event(raw, now)
            is_json = is_json or not isinstance(raw, Unreadable)
            refused += [] if event is not None else [raw]
        decoded.append(event)
    if not is_json and len(refused) == len(decoded):
        raise refused[0].refusal
    return Posted(decoded, True, _refusals(refused), len(sent))


def _lines_of(sent: bytes) -> Iterator[bytes]:
    """The lines that hold something, one at a time: of empty ones there may be millions."""
    begin = 0
    while begin < len(sent):
        end = sent.find(b"\n", begin)
        end = len(sent) if end < 0 else end
        line = sent[begin:end]
        if line.strip(b" \t\r"):
            yield line
        begin = end + 1


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
    {202: POSTED},
    Takes(body=EventPostSchema, reads_body=read_posted, takes_ndjson=True, may_be_signed=True, most_bytes=BATCH_BYTES),
    refusals=("id_conflict", "refund_ambiguous", "backlog_full"),
)
def post_events(call: Call) -> Answer:
    """Takes one event, or up to 1,000, as JSON or one a line.

    One bad event does not touch the rest; a single event that is refused answers as its refusal.
    """
    posted: Posted = call.body
    good = [event for event in posted.events if event is not None]
    call.backend.backlog.check(call.conn, call.program.program_id, call.limits)
    accepted = inbox.accept_events(call.unit, good) if good else []
    if not posted.is_batch and accepted[0].refusal is not None:
        raise accepted[0].refusal
    kept, refused = iter(accepted), iter(posted.refused)
    answer_language = current_language()
    results = [next(refused) if event is None else _result(next(kept), answer_language) for event in posted.events]
    return _answer(call.backend, call.program.program_id, posted.size_bytes, results)


def _result(accepted: inbox.Accepted, answer_language: str) -> dict[str, Any]:
    if accepted.refusal is None:
        return {"id": accepted.id, "status": accepted.status}
    detail = render(accepted.refusal.text, answer_language)
    return {"id": accepted.id, "status": accepted.status, "code": accepted.refusal.code, "detail": detail}


def _refusals(raws: Sequence[Any]) -> list[dict[str, Any]]:
    """The results of what is refused: together no more than ``MOST_ERRORS`` errors, of each at least one."""
    now, answer_language = current_backend().now(), current_language()
    results = []
    left = MOST_ERRORS
    for raw in raws:
        results.append(_refused(raw, now, answer_language, max(1, min(left, MAX_EVENTS))))
        left -= len(results[-1].get("errors", ()))
    return results


def _refused(raw: Any, now: datetime, answer_language: str, most: int) -> dict[str, Any]:
    if isinstance(raw, Unreadable):
        return {
            "id": None,
            "status": "refused",
            "code": raw.refusal.code,
            "detail": detail_of(raw.refusal, answer_language),
        }
    errors = [
        {"pointer": readable(problem.pointer), "detail": readable(word(problem.detail, answer_language))}
        for problem in _contract_problems(raw, now, most)
    ]
    sent = raw.get("id") if isinstance(raw, dict) else None
    event_id = readable(sent) if isinstance(sent, str) and len(sent) <= _MOST_ECHOED else None
    return {"id": event_id, "status": "refused", "code": "invalid", "errors": errors}


def _contract_problems(raw: Any, now: datetime, most: int) -> Sequence[Problem]:
    """All that is wrong with an event, as the contract's schema says it; the first ``most`` of it."""
    problems = problems_of(EventSchema(now=lambda: now), raw, most=most)
    if isinstance(problems, Validated):
        raise TypeError("the twins of the event contract disagree")
    return problems


def _answer(backend: Backend, program_id: int, size_bytes: int, results: list[dict[str, Any]]) -> Answer:
    counts = {"accepted": 0, "duplicate": 0, "refused": 0}
    for result in results:
        counts[result["status"]] += 1
    report = partial(_report_accepted, backend, program_id, size_bytes, counts)
    return Answer(counts | {"results": results}, 202, after_commit=report)


def _report_accepted(backend: Backend, program_id: int, size_bytes: int, counts: dict[str, int]) -> None:
    backend.backlog.note(program_id, counts["accepted"], size_bytes)
    for status, number in counts.items():
        backend.metrics.count_events(status, number)
    if counts["accepted"]:
        backend.ring()


@events.operation("GET", "/queue", {200: QUEUE})
def get_queue(call: Call) -> Answer:
    """What is accepted and not yet worked on: how many orders, since when the next in line waits, what failed."""
    return Answer(shown(queue.queue_view(call.conn, call.program)))


@events.operation("GET", "/workers", {200: WORKERS})
def show_workers(call: Call) -> Answer:
    """The processes that work, with what they are at and when they were last heard of, and the periodic jobs."""
    return Answer(shown(heartbeats.show_workers(call.conn, call.now)))


@events.operation("GET", "/events", {200: EVENTS}, Takes(query=EventQuerySchema))
def list_events(call: Call) -> Answer:
    """Events in the order they were kept, or the newest first; of a type or a time alone in that of their receipt."""
    asked = {name: call.query[name] for name in ("status", "order_id", "type", "code", "from_at", "to_at")}
    filters = inbox.EventFilters(**asked, is_newest_first=call.query["sort"] == NEWEST)
    listing = call.listing(f"events {json.dumps(filters, default=str)}")
    after = listing.place(call.query["cursor"])
    rows, follows = inbox.list_events(call.conn, call.program, filters, after, call.query["limit"])
    return Answer(listing.page([_view(row) for row in rows], follows))


@events.operation("GET", "/events/<id:event_id>", {200: KEPT_EVENT}, refusals=("event_unknown",))
def get_event(call: Call, event_id: str) -> Answer:
    """One event with what was sent of it, and what became of it; of a conflict what was sent first."""
    return Answer(_view(inbox.get_event(call.conn, call.program, event_id)))


@events.operation("POST", "/events/<id:event_id>/retry", {202: EVENT}, refusals=("event_unknown", "event_not_failed"))
def retry_event(call: Call, event_id: str) -> Answer:
    """Puts a failed event back to work."""
    view = _view(inbox.retry_event(call.conn, call.program, event_id))
    del view["payload"]
    return Answer(view, 202, after_commit=call.backend.ring)


def _view(event: inbox.EventView) -> dict[str, Any]:
    """An event as it is answered; most have no remark."""
    return {name: value for name, value in shown(event).items() if name != "remark" or value is not None}
