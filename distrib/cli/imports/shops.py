"""``distrib import shops``: registers the shops of a CSV or NDJSON file, sponsors before those they brought.

Streams in batches; what was registered before stays as it is, so an import that broke off is
simply run again. Rows that are refused go to a file beside it, with the reason; shops that joined as roots because
the tree would have been too deep go to another.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import click

from distrib.bootstrap import Container, open_container
from distrib.cli.imports.cells import read_time
from distrib.cli.imports.records import HeaderUnfit, Record, RecordsFile
from distrib.cli.imports.refused import RefusedFile
from distrib.cli.imports.shape import UTF_8, FileShape, shape_options
from distrib.cli.output import in_both, json_option, print_json, program_option
from distrib.cli.progress import terminal_progress
from distrib.domain.errors import Refusal
from distrib.domain.identifiers import ID_RULE, MAX_TEXT, is_identifier, is_storable_text, is_text, parse_instant
from distrib.domain.network.graph import NOBODY, arrange_places, name_loops
from distrib.domain.network.refusals import SponsorCycle, SponsorUnknown, TreeTooDeep
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.network.shops import ShopDraft, introduced_by, register_shops

COLUMNS = ("id", "sponsor_id", "invite_code", "name", "joined_at", "identity", "attributes")
BATCH = 1_000
MAX_ATTRIBUTES = 50
MAX_WHOLE = 2**53
DETACHED = Text("Joined as a root, introduced by {by}: the tree would be too deep.")


@dataclass
class ShopTally:
    """How many rows of a file created a shop, or named one that is in unchanged."""

    created: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Beside:
    """The files beside: rows that were refused, and shops that joined as roots as the tree would have been too deep."""

    refused: RefusedFile
    detached: RefusedFile


@dataclass
class Index:
    """Where the records of a file stand, and in which order they can be registered."""

    offsets: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    order: Sequence[int] = ()
    loops: dict[str, tuple[str, ...]] = field(default_factory=dict)


@click.command("shops")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@shape_options
@program_option
@json_option
def import_shops_command(
    file: Path, encoding: str | None, ignored: frozenset[str], program_code: str | None, as_json: bool
) -> None:
    """Register the shops in FILE (CSV or NDJSON); 1 where rows were refused."""
    try:
        with RecordsFile(file, COLUMNS, FileShape(encoding or UTF_8, ignored)) as source, open_container() as container:
            with container.begin() as conn:
                program = container.program(conn, program_code)
            beside = Beside(RefusedFile(file, source), RefusedFile(file, source, "detached"))
            tally = _import(container, program, source, beside)
    except HeaderUnfit as error:
        raise click.BadParameter(error.refusal(file.name)) from error
    _report(tally, beside, as_json)
    if beside.refused.count:
        raise SystemExit(1)


def draft_of(values: dict[str, Any]) -> ShopDraft | str:
    """Reads the registration in a record; a text where anything is wrong, with all of it.

    >>> draft_of({"id": "a", "joined_at": "2026-03-09"})
    'joined_at: must be an RFC 3339 time with an offset / 须为带时区偏移的时间'
    """
    wrong = [f"{name}: {render_both(Text('is not a known key'))}" for name in values if name not in COLUMNS]
    values = {name: value for name, value in values.items() if value is not None}
    named = [name for name in ("id", "sponsor_id") if name in values]
    wrong += [f"{name}: {render_both(ID_RULE)}" for name in named if not is_identifier(values[name])]
    if "id" not in values:
        wrong.append(f"id: {render_both(Text('is required'))}")
    for name in ("invite_code", "name", "identity"):
        if name in values and (not is_storable_text(values[name]) or not values[name]):
            wrong.append(f"{name}: {render_both(Text('must have 1 to {most} characters', most=MAX_TEXT))}")
        elif name in values and not is_text(values[name]):
            wrong.append(f"{name}: {render_both(Text('holds a control character', 'service'))}")
    joined_at, attributes = _instant(values.get("joined_at"), wrong), _attributes(values.get("attributes"), wrong)
    if wrong:
        return "; ".join(wrong)
    return ShopDraft(**values | {"joined_at": joined_at, "attributes": attributes})


def _import(container: Container, program: Program, source: RecordsFile, beside: Beside) -> ShopTally:
    tally = ShopTally()
    with terminal_progress() as progress:
        reading = progress.add_task(in_both(Text("Reading")), total=source.size)
        index = read_index(source, lambda offset: progress.update(reading, completed=offset))
        writing = progress.add_task(in_both(Text("Registering")), total=len(index.order))
        for start in range(0, len(index.order), BATCH):
            places = index.order[start : start + BATCH]
            records = [source.read(index.offsets[place], index.lines[place]) for place in places]
            _register(container, program, records, _Noted(index, beside, tally))
            beside.refused.flush()
            beside.detached.flush()
            progress.advance(writing, len(places))
    return tally


def read_index(source: RecordsFile, seen: Any) -> Index:
    """Reads a file once for its sponsors and arranges its rows; rows without an id of their own come last.

    Ids are kept while the file is read, and numbers alone from then on.
    """
    index, sponsors = Index(), array("q")
    first: dict[str, int] = {}
    ahead: dict[int, str] = {}
    rest = array("q")
    for place, record in enumerate(source):
        index.offsets.append(record.offset)
        index.lines.append(record.line)
        sponsors.append(NOBODY)
        shop_id, sponsor_id = record.values.get("id"), record.values.get("sponsor_id")
        if not isinstance(shop_id, str) or shop_id in first:
            rest.append(place)
            continue
        first[shop_id] = place
        if isinstance(sponsor_id, str) and sponsor_id in first:
            sponsors[place] = first[sponsor_id]
        elif isinstance(sponsor_id, str):
            ahead[place] = sponsor_id
        if place % BATCH == 0:
            seen(record.offset)
    seen(source.size)
    for place, sponsor_id in ahead.items():
        sponsors[place] = first.get(sponsor_id, NOBODY)
    del first, ahead
    order, stuck = arrange_places(sponsors)
    last = set(rest)
    index.order = array("q", chain((place for place in order if place not in last), stuck, rest))
    index.loops = _loops(source, index, stuck)
    return index


def _loops(source: RecordsFile, index: Index, stuck: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Finds by id the loop that a shop stands in; its rows are read again, for they are few."""
    records = [source.read(index.offsets[place], index.lines[place]) for place in stuck]
    loops = name_loops({record.values["id"]: record.values["sponsor_id"] for record in records})
    return {shop_id: loop for loop in loops for shop_id in loop}


@dataclass(frozen=True, slots=True)
class _Noted:
    """What is known of the file, and where what becomes of its rows is noted."""

    index: Index
    beside: Beside
    tally: ShopTally


def _register(container: Container, program: Program, records: Sequence[Record], noted: _Noted) -> None:
    """Registers one batch in one transaction; what is no registration at all is refused before."""
    beside, tally = noted.beside, noted.tally
    fit: list[tuple[Record, ShopDraft]] = []
    for record in records:
        draft = draft_of(record.values) if record.fault is None else render_both(record.fault)
        if isinstance(draft, str):
            beside.refused.add(record, "invalid", draft)
        else:
            fit.append((record, draft))
    drafts = [draft for _, draft in fit]
    if not drafts:
        return
    policy, pepper = container.policies[program.policy], container.identity_pepper
    with container.begin() as conn:
        results = register_shops(Unit(conn, program, COMMAND_LINE, container.now()), policy, drafts, pepper)
        introduced = introduced_by(conn, program, [result.id for result in results if result.refusal is None])
    for (record, _), result in zip(fit, results, strict=True):
        if result.refusal is not None:
            beside.refused.add(record, *_reason(result.id, result.refusal, noted.index))
            continue
        tally.created += result.status == "created"
        tally.unchanged += result.status == "unchanged"
        if result.id in introduced:
            beside.detached.add(record, TreeTooDeep.code, in_both(DETACHED.with_params(by=introduced[result.id])))


def _reason(shop_id: str, refusal: Refusal, index: Index) -> tuple[str, str]:
    """Words a refusal by code and reason; for a shop in a loop of the file, the loop, however far it is spread."""
    loop = index.loops.get(shop_id)
    if loop is not None and refusal.code in {SponsorCycle.code, SponsorUnknown.code}:
        first, *_ = loop
        shown = " -> ".join([*loop[:20], *(["..."] if len(loop) > 20 else []), first])
        refusal = SponsorCycle()
        return refusal.code, f"{render_both(refusal.text, ' ')} {shown}"
    return refusal.code, render_both(refusal.text, " ")


def _report(tally: ShopTally, beside: Beside, as_json: bool) -> None:
    refused, detached = beside.refused, beside.detached
    if as_json:
        figures = {"created": tally.created, "unchanged": tally.unchanged, "refused": refused.count}
        files = {"refused_file": _path(refused), "detached": detached.count, "detached_file": _path(detached)}
        print_json(figures | files)
        return
    click.echo(
        render_both(
            Text(
                "{created:,} created, {unchanged:,} unchanged, {refused:,} refused",
                created=tally.created,
                unchanged=tally.unchanged,
                refused=refused.count,
            )
        )
    )
    if refused.count:
        click.echo(in_both(Text("Refused rows with their reasons: {path}", path=refused.path)), err=True)
    if detached.count:
        words = in_both(
            Text("{count:,} joined as roots, being too deep: {path}", count=detached.count, path=detached.path)
        )
        click.echo(words, err=True)


def _path(file: RefusedFile) -> str | None:
    return str(file.path) if file.count else None


def _instant(value: object, wrong: list[str]) -> Any:
    if value is None:
        return None
    try:
        return parse_instant(read_time(value) if isinstance(value, str) else "")
    except ValueError:
        wrong.append(f"joined_at: {render_both(Text('must be an RFC 3339 time with an offset', 'shops'))}")
    return None


def _attributes(value: object, wrong: list[str]) -> Any:
    """An object, in a CSV file as JSON."""
    if value is None:
        return None
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or not _is_flat(parsed):
        text = Text("must be a JSON object of up to {most} texts, integers, flags and nulls", most=MAX_ATTRIBUTES)
        wrong.append(f"attributes: {render_both(text)}")
        return None
    return parsed


def _is_flat(attributes: dict[str, Any]) -> bool:
    if len(attributes) > MAX_ATTRIBUTES:
        return False
    return all(is_storable_text(name) and _is_plain(value) for name, value in attributes.items())


def _is_plain(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) < MAX_WHOLE
    return value is None or is_storable_text(value)
