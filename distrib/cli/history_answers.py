"""``distrib history monitors``: what files of history answer beside simulations, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from distrib.cli.compliance.compliance import COLUMNS_OF_FINDINGS, SERIOUS, show_findings
from distrib.cli.instants import instant_of
from distrib.cli.output import json_option, language_option, open_console, print_json, print_line
from distrib.cli.simulations.by_files import EXISTING, ByFiles, engine_options, months_progress, open_history
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.logs import configure_logs
from distrib.services.compliance.monitors import structure_view

_FILES = Text("From the files of {directory}, as of {at}: up to event {event}.")
_DIRECTORY = "DIRECTORY"


@click.command("monitors")
@click.argument("directory", type=EXISTING)
@click.option("--on", help="RFC 3339, or the beginning of a day of the program's; the export's instant if not given.")
@engine_options
@language_option
@json_option
def monitors_command(
    directory: Path,
    on: str | None,
    engine: str | None,
    processes: int | None,
    scheduler: str | None,
    language: str,
    as_json: bool,
) -> None:
    """What the structure monitors find in DIRECTORY; 1 where anything serious was found.

    The figures and findings are those of the database at that instant; nothing is recorded and no case is opened.
    """
    how = ByFiles(directory, engine, processes, scheduler)
    how.check({})
    configure_logs("WARNING", "text")  # on standard error: standard output is the result's
    opened = open_history(how, _DIRECTORY)
    from distrib.services.history.structure import structure_of_files  # noqa: PLC0415 - an extra, asked for before

    program, manifest = opened.directory.program, opened.directory.manifest
    as_of: datetime = manifest.now if on is None else instant_of(on, program, "--on").astimezone(UTC)
    with months_progress() as shown:
        structure = structure_of_files(opened.directory, opened.policies, as_of, opened.engine, shown)
    view = structure_view(program, structure)
    if as_json:
        print_json({**_source_of(directory, manifest), **view})
    else:
        show_findings(view, program, language, COLUMNS_OF_FINDINGS)
        _show_source(directory, manifest, language)
    if any(finding["severity"] in SERIOUS for finding in view["findings"]):
        raise SystemExit(1)


def _source_of(directory: Path, manifest: Any) -> Mapping[str, Any]:
    """Which files answered, and up to where they know."""
    return {
        "history": str(directory),
        "exported_at": manifest.exported_at,
        "last_event": manifest.last_event_no,
    }


def _show_source(directory: Path, manifest: Any, language: str) -> None:
    words = _FILES.with_params(directory=directory, at=manifest.exported_at, event=manifest.last_event_no)
    print_line(open_console(), render(words, language))
