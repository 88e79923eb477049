"""``distrib import events``: records the events of a CSV or NDJSON file into the inbox.

An NDJSON line is an event as the API takes it. A CSV row is one line of an order or refund;
rows of the same event id that follow each other are one event. Sent again, nothing counts
twice, so an import that broke off is simply run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from distrib.api.http.shapes import Validated, problems_of
from distrib.api.schemas.events import EventSchema
from distrib.bootstrap import Container, open_container
from distrib.cli.imports.records import HeaderUnfit, Record, RecordsFile, RefusedFile
from distrib.cli.output import in_both, json_option, print_json, program_option
from distrib.domain.events import CANCELLED, FAILED, SUCCEEDED
from distrib.domain.identifiers import parse_instant
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.context import Program
from distrib.services.orders.codec import DecodedEvent, decode_event
from distrib.services.orders.inbox import accept_events

BATCH = 1_000
_EVENT = ("id", "type", "occurred_at")
_ORDER = (
    "order_id",
    "channel",
    "shop_id",
    "customer_id",
    "leader_id",
    "opener_id",
    "group_id",
    "currency",
    "paid_at",
)
_LINE = ("line_id", "sku", "category", "quantity", "paid_minor", "list_minor", "cost_minor", "entry")
_REFUND = ("refund_id", "amount_minor")
_ABOUT = {CANCELLED: "order_id", SUCCEEDED: "group_id", FAILED: "group_id"}
COLUMNS = (*_EVENT, *_ORDER, *_LINE, *_REFUND)
_SHARED = (*_EVENT, *_ORDER, "refund_id")
_TIMES = ("occurred_at", "paid_at")
_WHOLE = ("quantity", "paid_minor", "list_minor", "cost_minor", "amount_minor")


@dataclass
class EventTally:
    """How many events of a file were accepted, known before, or refused."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class FileEvent:
    """One event of a file: the records it was read from, and the event or what makes it unreadable."""

    records: list[Record] = field(default_factory=list)
    event: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None


@click.command("events")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@program_option
@json_option
def import_events_command(file: Path, program_code: str | None, as_json: bool) -> None:
    """Accept the events in FILE (CSV or NDJSON); 1 where some were refused."""
    try:
        with RecordsFile(file, COLUMNS) as source, open_container() as container:
            with container.begin() as conn:
                program = container.program(conn, program_code)
            refused = RefusedFile(file, source)
            tally = _import(container, program, source, refused)
            container.bell.ring()
    except HeaderUnfit as error:
        raise click.BadParameter(error.refusal(file.name, COLUMNS)) from error
    _report(tally, refused, as_json)
    if tally.refused:
        raise SystemExit(1)


def events_in(source: RecordsFile) -> Iterator[FileEvent]:
    """Reads the events of a file, one after the other."""
    if not source.is_csv:
        for record in source:
            yield FileEvent([record], record.values, record.fault)
        return
    for event_id, group in groupby(source, key=lambda record: record.values.get("id")):
        records = list(group)
        faults = [record.fault for record in records if record.fault] or contradictions(records)
        event = {} if event_id is None or faults else event_of(records)
        yield FileEvent(records, event, "; ".join(faults) or None)


def contradictions(records: Sequence[Record]) -> list[str]:
    """Words which rows of one event say otherwise than its first, and of what; empty where they are of one event.

    A later row may leave a field of the event, the order or the refund empty, or repeat it.
    """
    first, *later = records
    unlike = {
        record.line: [name for name in _SHARED if name in record.values and not _is_same(name, record, first)]
        for record in later
    }
    return [
        render_both(Text("line {line} says otherwise than line {first}: {names}", line=line, first=first.line, names=n))
        for line, names in unlike.items()
        if (n := ", ".join(names))
    ]


def _is_same(name: str, record: Record, first: Record) -> bool:
    """Whether a field says what the first row says; times as instants."""
    given, known = record.values[name], first.values.get(name)
    if given == known or known is None or name not in _TIMES:
        return bool(given == known)
    try:
        return parse_instant(given) == parse_instant(known)
    except ValueError:
        return False


def event_of(records: list[Record]) -> dict[str, Any]:
    """Composes an event of the CSV rows of one id: its own fields are the first row's, its lines one a row.

    A refund's row that has an amount is a line even where it names none, to be refused by name: a refund without lines
    would take back all that is left.
    """
    rows = [record.values for record in records]
    first, *_ = rows
    event: dict[str, Any] = _named(first, _EVENT)
    if first.get("type") == "order.refunded":
        lines = [_named(row, ("line_id", "amount_minor")) for row in rows if {"line_id", "amount_minor"} & row.keys()]
        refund = {"id": first.get("refund_id"), "order_id": first.get("order_id")}
        return event | {"refund": refund | ({"lines": lines} if lines else {})}
    about = _ABOUT.get(first.get("type", ""))
    if about is not None:
        return event | _named(first, (about,))
    order = _named(first, _ORDER)
    order["id"] = order.pop("order_id", None)
    return event | {"order": order | {"lines": [_line(row) for row in rows]}}


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    line = _named(row, _LINE)
    line["id"] = line.pop("line_id", None)
    return line


def _named(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _value(name, row[name]) for name in names if name in row}


def _value(name: str, text: str) -> object:
    """Converts a field of a CSV file to its JSON type; what does not convert stays text, to be refused by name."""
    if name in _WHOLE and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20:
        return int(text)
    if name == "entry" and text in ("true", "false"):
        return text == "true"
    return text


def _import(container: Container, program: Program, source: RecordsFile, refused: RefusedFile) -> EventTally:
    """Accepts the events of a file batch by batch; answers the counts."""
    console = Console(stderr=True)
    tally, batch = EventTally(), list[FileEvent]()
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        reading = progress.add_task(in_both(Text("Accepting")), total=source.size)
        for read in events_in(source):
            batch.append(read)
            if len(batch) == BATCH:
                _accept(container, program, batch, refused, tally)
                progress.update(reading, completed=read.records[-1].offset)
                batch = []
        _accept(container, program, batch, refused, tally)
    return tally


def _accept(
    container: Container, program: Program, batch: list[FileEvent], refused: RefusedFile, tally: EventTally
) -> None:
    """Accepts one batch in one transaction; what is no event at all is refused before."""
    now = container.now()
    decoded = [None if read.fault else decode_event(read.event, now) for read in batch]
    fit = [(read, event) for read, event in zip(batch, decoded, strict=True) if event is not None]
    for read, event in zip(batch, decoded, strict=True):
        if event is None:
            _refuse(read, "invalid", read.fault or _all_problems(read.event, now), refused, tally)
    if fit:
        _record(container, program, fit, refused, tally, now)
    refused.flush()


def _record(
    container: Container,
    program: Program,
    fit: list[tuple[FileEvent, DecodedEvent]],
    refused: RefusedFile,
    tally: EventTally,
    now: datetime,
) -> None:
    with container.begin() as conn:
        answers = accept_events(conn, program, [event for _, event in fit], now)
    for (read, _), answer in zip(fit, answers, strict=True):
        tally.accepted += answer.status == "accepted"
        tally.duplicate += answer.status == "duplicate"
        if answer.refusal is not None:
            _refuse(read, answer.refusal.code, render_both(answer.refusal.text, " "), refused, tally)


def _refuse(read: FileEvent, code: str, reason: str, refused: RefusedFile, tally: EventTally) -> None:
    tally.refused += 1
    for record in read.records:
        refused.add(record, code, reason)


def _all_problems(event: Mapping[str, Any], now: datetime) -> str:
    """Words every problem of an event that the compiled twin of the contract refused."""
    problems = problems_of(EventSchema(now=lambda: now), event)
    if isinstance(problems, Validated):
        raise TypeError("the twins of the event contract disagree")
    return "; ".join(f"{entry.pointer}: {render_both(entry.detail)}" for entry in problems)


def _report(tally: EventTally, refused: RefusedFile, as_json: bool) -> None:
    beside = str(refused.path) if tally.refused else None
    if as_json:
        figures = {"accepted": tally.accepted, "duplicate": tally.duplicate, "refused": tally.refused}
        print_json(figures | {"refused_file": beside})
        return
    click.echo(
        render_both(
            Text(
                "{accepted:,} accepted, {duplicate:,} known before, {refused:,} refused",
                accepted=tally.accepted,
                duplicate=tally.duplicate,
                refused=tally.refused,
            )
        )
    )
    if beside is not None:
        click.echo(in_both(Text("Refused events with their reasons: {path}", path=beside)), err=True)
