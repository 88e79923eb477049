"""``distrib import events``: records the events of a CSV or NDJSON file into the inbox.

An NDJSON line is an event as the API takes it. A CSV row is one line of an order or refund; the rows of an event id,
wherever they stand, are one event. Sent again, nothing counts twice, so an import that broke off is simply run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from distrib.api.http.shapes import Validated, problems_of
from distrib.api.schemas.events import EventSchema
from distrib.bootstrap import Container, open_container
from distrib.cli.imports.event_rows import COLUMNS, contradictions, event_of
from distrib.cli.imports.gathering import Gathered, gather_records, gather_rows, plain_digest
from distrib.cli.imports.records import HeaderUnfit, Record, RecordsFile
from distrib.cli.imports.refused import RefusedFile
from distrib.cli.imports.runs import RunIndex, index_runs
from distrib.cli.imports.shape import FileShape, shape_options
from distrib.cli.output import in_both, json_option, print_json, program_option
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.context import Program
from distrib.services.orders.codec import DecodedEvent, decode_event
from distrib.services.orders.inbox import accept_events

BATCH = 1_000


@dataclass
class EventTally:
    """How many events of a file were accepted, known before, or refused."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class FileEvent:
    """One event of a file, and the rows that it was read from."""

    rows: Gathered
    event: dict[str, Any]


@click.command("events")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@shape_options
@program_option
@json_option
def import_events_command(
    file: Path, encoding: str, ignored: frozenset[str], program_code: str | None, as_json: bool
) -> None:
    """Accept the events in FILE (CSV or NDJSON); 1 where some were refused."""
    try:
        with RecordsFile(file, COLUMNS, FileShape(encoding, ignored)) as source, open_container() as container:
            with container.begin() as conn:
                program = container.program(conn, program_code)
            refused = RefusedFile(file, source)
            tally = _import(container, program, source, refused)
            container.bell.ring()
    except HeaderUnfit as error:
        raise click.BadParameter(error.refusal(file.name)) from error
    _report(tally, refused, as_json)
    if tally.refused:
        raise SystemExit(1)


def events_in(source: RecordsFile, index: RunIndex, now: datetime) -> Iterator[FileEvent]:
    """Reads the events of a file, each with all its rows, in the order of their first rows."""
    if source.is_csv:
        for rows in gather_rows(source, index, contradictions):
            yield FileEvent(rows, {} if rows.fault else event_of(rows.records))
        return
    for rows in gather_records(source, index, lambda record: _digest(record, now)):
        record, *_ = rows.records
        yield FileEvent(rows, record.values)


def _digest(record: Record, now: datetime) -> bytes:
    """Computes a digest of an event's content as the inbox does; of what is no event, as it stands."""
    event = decode_event(record.values, now)
    return plain_digest(record) if event is None else event.digest


def _import(container: Container, program: Program, source: RecordsFile, refused: RefusedFile) -> EventTally:
    """Reads a file for where its events stand, then accepts them batch by batch; answers the counts."""
    console = Console(stderr=True)
    tally = EventTally()
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        reading = progress.add_task(in_both(Text("Reading")), total=source.size)
        with index_runs(source, "id", lambda offset: progress.update(reading, completed=offset)) as index:
            accepting = progress.add_task(in_both(Text("Accepting")), total=source.size)
            events = events_in(source, index, container.now())
            while batch := list(islice(events, BATCH)):
                _accept(container, program, batch, refused, tally)
                first, *_ = batch[-1].rows.records
                progress.update(accepting, completed=first.offset)
    return tally


def _accept(
    container: Container, program: Program, batch: list[FileEvent], refused: RefusedFile, tally: EventTally
) -> None:
    """Accepts one batch in one transaction; what is no event at all is refused before."""
    now = container.now()
    decoded = [None if read.rows.fault else decode_event(read.event, now) for read in batch]
    fit = [(read, event) for read, event in zip(batch, decoded, strict=True) if event is not None]
    for read, event in zip(batch, decoded, strict=True):
        if event is None:
            _refuse(read, "invalid", read.rows.fault or _all_problems(read.event, now), refused, tally)
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
        if answer.code is None:
            tally.duplicate += read.rows.repeats
        else:
            refusal = Refusal(answer.code, id=answer.id)
            _refuse(read, answer.code, render_both(refusal.text, " "), refused, tally)


def _refuse(read: FileEvent, code: str, reason: str, refused: RefusedFile, tally: EventTally) -> None:
    tally.refused += read.rows.is_first
    for record in read.rows.records:
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
