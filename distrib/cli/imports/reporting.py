"""Reports what became of the events of a file, or what would: counts, amounts, and the files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from distrib.cli.imports.accepting import BesideEvents, EventTally
from distrib.cli.imports.preview import Preview
from distrib.cli.imports.refused import RefusedFile
from distrib.cli.output import in_both, open_console, print_json, print_table
from distrib.domain.texts import Text
from distrib.languages import render_both


def report(
    tally: EventTally, beside: BesideEvents, preview: Preview | None, unread: Sequence[str], as_json: bool
) -> None:
    """Prints the outcome of an import; of a preview, what would be sent.

    Args:
        unread: the columns that a map does not read, named in a preview: what stands in them is not sent.
    """
    if as_json:
        print_json(_document(tally, beside) | ({} if preview is None else _preview_document(preview, unread)))
        return
    if preview is not None:
        _show_preview(preview, unread)
    words = (
        Text("{accepted:,} accepted, {duplicate:,} known before, {refused:,} refused")
        if preview is None
        else Text("{accepted:,} would be sent, {duplicate:,} stand again, {refused:,} refused")
    )
    counts = words.with_params(accepted=tally.accepted, duplicate=tally.duplicate, refused=tally.refused)
    click.echo(render_both(counts))
    if tally.refused:
        click.echo(in_both(Text("Refused events with their reasons: {path}", path=beside.refused.path)), err=True)
    if tally.left_out:
        left_out = Text("{count:,} orders with something left out, and why: {path}")
        click.echo(in_both(left_out.with_params(count=tally.left_out, path=beside.left_out.path)), err=True)


def _document(tally: EventTally, beside: BesideEvents) -> dict[str, Any]:
    return {
        "accepted": tally.accepted,
        "duplicate": tally.duplicate,
        "refused": tally.refused,
        "refused_file": _path(beside.refused),
        "left_out": tally.left_out,
        "left_out_file": _path(beside.left_out),
    }


def _preview_document(preview: Preview, unread: Sequence[str]) -> dict[str, Any]:
    return {
        "would_send": dict(preview.counts),
        "amounts_minor": {kind: dict(amounts) for kind, amounts in preview.amounts.items()},
        "events_file": str(preview.path) if preview.counts else None,
        "unread_columns": list(unread),
    }


def _show_preview(preview: Preview, unread: Sequence[str]) -> None:
    headings = {Text("Event", "import"): False, Text("Count", "import"): True, Text("Amount", "import"): True}
    print_table(open_console(), in_both(Text("Would be sent")), headings, preview.rows())
    if preview.counts:
        click.echo(in_both(Text("As the API takes them: {path}", path=preview.path)), err=True)
    if unread:
        click.echo(in_both(Text("Not read by the map: {columns}", columns=list(unread))), err=True)


def _path(file: RefusedFile) -> str | None:
    return str(file.path) if file.count else None
