"""``distrib import events``: records the events of a CSV or NDJSON file into the inbox.

An NDJSON line is an event as the API takes it. A CSV row is one line of an order or refund; the rows of an event id,
wherever they stand, are one event; with a map, the rows of an order are its events. Sent again, nothing counts twice,
so an import that broke off is simply run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import click

from distrib.bootstrap import open_container
from distrib.cli.imports.accepting import BesideEvents, EventTally, FileEvents, Target, accept
from distrib.cli.imports.event_rows import COLUMNS, contradictions, event_of
from distrib.cli.imports.gathering import gather_records, gather_rows, plain_digest
from distrib.cli.imports.maps.composing import compose, contradictions_of
from distrib.cli.imports.maps.event_map import EventMap
from distrib.cli.imports.maps.loading import MapUnfit, load_map
from distrib.cli.imports.preview import Preview
from distrib.cli.imports.records import HeaderUnfit, Record, RecordsFile
from distrib.cli.imports.refused import RefusedFile
from distrib.cli.imports.reporting import report
from distrib.cli.imports.runs import RunIndex, index_runs
from distrib.cli.imports.shape import UTF_8, FileShape, shape_options
from distrib.cli.output import in_both, json_option, options_as, program_option
from distrib.cli.progress import terminal_progress
from distrib.domain.identifiers import parse_instant
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.orders.codec import decode_event

BATCH = 1_000


@dataclass(frozen=True, slots=True)
class EventReading:
    """How the events of a file are read.

    Args:
        event_map: what its columns mean; None where they are the contract's.
        exported_at: the time of what the file has no time of.
        is_trial: whether nothing is sent.
    """

    event_map: EventMap | None = None
    exported_at: datetime | None = None
    is_trial: bool = False


def _instant(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise click.BadParameter(in_both(Text("must be an RFC 3339 time with an offset"))) from error


def _settings(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in given]
    if not all(path and sign for path, sign, _ in pairs):
        raise click.BadParameter(in_both(Text("must be KEY=TEXT, such as times.zone=Asia/Shanghai")))
    return [(path, text) for path, _, text in pairs]


@dataclass(frozen=True, slots=True)
class _ImportOptions:
    """What `import-events` is asked."""

    file: Path
    map_name: str | None
    settings: list[tuple[str, str]]
    exported_at: datetime | None
    is_trial: bool
    encoding: str | None
    ignored: frozenset[str]
    program_code: str | None
    as_json: bool


@click.command("events")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--map", "map_name", metavar="MAP", help="What the columns mean: a YAML file, or one of `import maps`.")
@click.option("--set", "settings", multiple=True, metavar="KEY=TEXT", callback=_settings, help="Set a key of the map.")
@click.option("--exported-at", callback=_instant, metavar="TIME", help="Time of what the export has no time of.")
@click.option("--dry-run", "is_trial", is_flag=True, help="Show what would be sent and what not; send nothing.")
@shape_options
@program_option
@json_option
@options_as(_ImportOptions)
def import_events_command(asked: _ImportOptions) -> None:
    """Accept the events in FILE (CSV or NDJSON); 1 where some were refused."""
    reading = EventReading(_map_of(asked.file, asked.map_name, asked.settings), asked.exported_at, asked.is_trial)
    event_map = reading.event_map
    shape = FileShape(asked.encoding or (event_map.encoding if event_map else None) or UTF_8, asked.ignored)
    try:
        with RecordsFile(asked.file, None if event_map else COLUMNS, shape) as source, open_container() as container:
            if event_map is not None:
                _refuse_missing(event_map, source.header)
            with container.begin() as conn:
                target = Target(
                    container,
                    container.program(conn, asked.program_code),
                    Preview(asked.file) if asked.is_trial else None,
                )
            beside = BesideEvents(RefusedFile(asked.file, source), RefusedFile(asked.file, source, "left_out"))
            tally = _import(target, source, beside, reading)
            container.bell.ring()
            unread = [] if event_map is None else [name for name in source.header if name not in event_map.columns()]
            report(tally, beside, target.preview, unread, asked.as_json)
    except HeaderUnfit as error:
        raise click.BadParameter(error.refusal(asked.file.name)) from error
    if tally.refused:
        raise SystemExit(1)


def _map_of(file: Path, map_name: str | None, settings: list[tuple[str, str]]) -> EventMap | None:
    if map_name is None:
        if settings:
            raise click.UsageError(in_both(Text("--set is for a map: give --map")))
        return None
    if file.suffix.lower() != ".csv":
        raise click.UsageError(in_both(Text("a map reads CSV files; save the file as CSV UTF-8")))
    try:
        return load_map(map_name, settings)
    except MapUnfit as error:
        raise click.BadParameter(str(error)) from error


def _refuse_missing(event_map: EventMap, header: list[str]) -> None:
    missing = event_map.missing(header)
    if missing:
        raise HeaderUnfit(Text("the map needs the columns {missing}; there are {given}", missing=missing, given=header))


def events_in(source: RecordsFile, index: RunIndex, reading: EventReading, now: datetime) -> Iterator[FileEvents]:
    """Reads the events of a file, each with all its rows, in the order of their first rows."""
    event_map = reading.event_map
    if event_map is not None:
        may_repeat = not event_map.has_nameless_rows
        for rows in gather_rows(source, index, contradictions_of(event_map), may_repeat):
            yield _composed(event_map, FileEvents(rows), now, reading.exported_at)
    elif source.is_csv:
        for rows in gather_rows(source, index, contradictions):
            yield FileEvents(rows, [] if rows.fault else [event_of(rows.records)], rows.fault)
    else:
        for rows in gather_records(source, index, lambda record: _digest(record, now)):
            record, *_ = rows.records
            yield FileEvents(rows, [] if rows.fault else [record.values], rows.fault)


def _composed(event_map: EventMap, read: FileEvents, now: datetime, exported_at: datetime | None) -> FileEvents:
    if read.rows.fault is not None:
        return FileEvents(read.rows, [], read.rows.fault)
    composed = compose(event_map, read.rows.records, now, exported_at)
    fault = "; ".join(render_both(fault) for fault in composed.faults) or None
    return FileEvents(read.rows, composed.events, fault, [render_both(reason) for reason in composed.left_out])


def _digest(record: Record, now: datetime) -> bytes:
    """Computes a digest of an event's content as the inbox does; of what is no event, as it stands."""
    event = decode_event(record.values, now)
    return plain_digest(record) if event is None else event.digest


def _import(target: Target, source: RecordsFile, beside: BesideEvents, reading: EventReading) -> EventTally:
    """Reads a file for where its events stand, then accepts them batch by batch; answers the counts."""
    tally = EventTally()
    id_column = "id" if reading.event_map is None else reading.event_map.order_column
    with terminal_progress() as progress:
        indexing = progress.add_task(in_both(Text("Reading")), total=source.size)
        with index_runs(source, id_column, lambda offset: progress.update(indexing, completed=offset)) as index:
            accepting = progress.add_task(in_both(Text("Accepting")), total=source.size)
            events = events_in(source, index, reading, target.container.now())
            while batch := list(islice(events, BATCH)):
                accept(target, batch, beside, tally)
                first, *_ = batch[-1].rows.records
                progress.update(accepting, completed=first.offset)
    return tally
