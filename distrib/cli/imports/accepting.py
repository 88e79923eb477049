"""Accepts the events of a file in batches; what is refused or left out goes to files beside it, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from distrib.api.http.shapes import Validated, problems_of
from distrib.api.schemas.events import EventSchema
from distrib.bootstrap import Container
from distrib.cli.imports.gathering import Gathered
from distrib.cli.imports.preview import Preview
from distrib.cli.imports.refused import RefusedFile
from distrib.domain.errors import Refusal
from distrib.domain.events import DecodedEvent
from distrib.failpoints import reach
from distrib.languages import render_both
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import Accepted, accept_events


@dataclass
class EventTally:
    """How many events of a file were accepted, known before, or refused, and how many orders had some left out."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class FileEvents:
    """The events that rows of a file come to: one, or those of an order.

    Args:
        fault: why they come to none.
        left_out: why an event that might be expected is not among them.
    """

    rows: Gathered
    events: list[dict[str, Any]] = field(default_factory=list)
    fault: str | None = None
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go: a program, or, where nothing is sent, a preview."""

    container: Container
    program: Program
    preview: Preview | None = None


@dataclass(frozen=True, slots=True)
class BesideEvents:
    """The files beside: rows that were refused, and rows that not all was sent of."""

    refused: RefusedFile
    left_out: RefusedFile


def accept(target: Target, batch: Sequence[FileEvents], beside: BesideEvents, tally: EventTally) -> None:
    """Accepts one batch in one transaction; what is no event at all is refused before, with all events of its rows."""
    now = target.container.now()
    fit: list[tuple[FileEvents, list[DecodedEvent]]] = []
    for read in batch:
        decoded = [decode_event(event, now) for event in read.events]
        if read.fault is not None or None in decoded:
            _refuse(read, _Why("invalid", read.fault or _all_problems(read.events, now)), beside, tally)
        else:
            fit.append((read, [event for event in decoded if event is not None]))
            _leave_out(read, beside, tally)
    if target.preview is not None:
        _preview(target.preview, fit, tally)
    elif any(events for _, events in fit):
        _record(target, fit, beside, tally, now)
    beside.refused.flush()
    beside.left_out.flush()


def _preview(preview: Preview, fit: Sequence[tuple[FileEvents, list[DecodedEvent]]], tally: EventTally) -> None:
    for read, events in fit:
        preview.add(read.events)
        tally.accepted += len(events)
        tally.duplicate += len(events) * read.rows.repeats


def _record(
    target: Target,
    fit: Sequence[tuple[FileEvents, list[DecodedEvent]]],
    beside: BesideEvents,
    tally: EventTally,
    now: datetime,
) -> None:
    with target.container.begin() as conn:
        answers = iter(
            accept_events(
                Unit(conn, target.program, COMMAND_LINE, now), [event for _, events in fit for event in events]
            )
        )
    reach("import.committed")
    for read, events in fit:
        refusals = [refusal for _ in events if (refusal := _count(next(answers), read, tally)) is not None]
        if refusals:
            first, *_ = refusals
            reason = "; ".join(render_both(refusal.text, " ") for refusal in refusals)
            _refuse(read, _Why(first.code, reason, len(refusals)), beside, tally)


def _count(answer: Accepted, read: FileEvents, tally: EventTally) -> Refusal | None:
    """Counts an answer; why the event is not in, or None."""
    refusal = answer.refusal
    tally.accepted += answer.status == "accepted"
    tally.duplicate += (answer.status == "duplicate") + (read.rows.repeats if refusal is None else 0)
    return refusal


@dataclass(frozen=True, slots=True)
class _Why:
    """Why the events of a row are refused, and how many they are."""

    code: str
    reason: str
    count: int = 1


def _refuse(read: FileEvents, why: _Why, beside: BesideEvents, tally: EventTally) -> None:
    tally.refused += why.count if read.rows.is_first else 0
    for record in read.rows.records:
        beside.refused.add(record, why.code, why.reason)


def _leave_out(read: FileEvents, beside: BesideEvents, tally: EventTally) -> None:
    if not read.left_out:
        return
    tally.left_out += 1
    for record in read.rows.records:
        beside.left_out.add(record, "left_out", "; ".join(read.left_out))


def _all_problems(events: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """Words every problem of events that the compiled twin of the contract refused, each once."""
    schema = EventSchema(now=lambda: now)
    problems: dict[str, None] = {}
    for event in events:
        wrong = problems_of(schema, event)
        if not isinstance(wrong, Validated):
            problems |= {f"{entry.pointer}: {render_both(entry.detail)}": None for entry in wrong}
    if not problems:
        raise TypeError("the twins of the event contract disagree")
    return "; ".join(problems)
