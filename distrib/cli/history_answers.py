"""``distrib history monitors`` and ``evaluate``: what files of history answer beside simulations, from files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from distrib.cli.compliance.compliance import COLUMNS_OF_FINDINGS, SERIOUS, show_findings
from distrib.cli.instants import instant_of
from distrib.cli.output import (
    json_option,
    language_option,
    open_console,
    options_as,
    print_json,
    print_line,
    print_table,
    time_text,
)
from distrib.cli.simulations.by_files import (
    EXISTING,
    ByFiles,
    OpenedHistory,
    engine_options,
    months_progress,
    open_history,
)
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.logs import configure_logs
from distrib.services.compliance.by_name import by_name
from distrib.services.compliance.monitors import structure_view
from distrib.services.context import parse_period

_FILES = Text("From the files of {directory}, as of {at}: up to event {event}.")
_DIRECTORY = "DIRECTORY"
_EVALUATED = Text(
    "{month}: {shops:,} shops, {promoted:,} promoted, {lowered:,} lowered, {taken_back:,} taken back,"
    " {failing:,} failed to keep their rank, {kept:,} kept it. In effect from {effective_at}."
)
_OUTCOMES = {
    "promoted": Text("promoted"),
    "lowered": Text("lowered"),
    "taken_back": Text("taken back", "outcome"),
    "failing": Text("failing"),
    "kept": Text("kept"),
}
_MOST_SHOWN = 50
"""So many shops a table has; --json has all."""


@dataclass(frozen=True, slots=True)
class _MonitorsOptions:
    """What `monitors` is asked."""

    directory: Path
    on: str | None
    engine: str | None
    processes: int | None
    scheduler: str | None
    language: str
    as_json: bool


@click.command("monitors")
@click.argument("directory", type=EXISTING)
@click.option("--on", help="RFC 3339, or the beginning of a day of the program's; the export's instant if not given.")
@engine_options
@language_option
@json_option
@options_as(_MonitorsOptions)
def monitors_command(asked: _MonitorsOptions) -> None:
    """What the structure monitors find in DIRECTORY; 1 where anything serious was found.

    The figures and findings are those of the database at that instant; nothing is recorded and no case is opened.
    """
    opened = _opened(ByFiles(asked.directory, asked.engine, asked.processes, asked.scheduler))
    from distrib.services.history.structure import structure_of_files  # noqa: PLC0415 - an extra, asked for before

    program, manifest = opened.directory.program, opened.directory.manifest
    as_of: datetime = manifest.now if asked.on is None else instant_of(asked.on, program, "--on").astimezone(UTC)
    with months_progress() as shown:
        structure = structure_of_files(opened.directory, opened.policies, as_of, opened.engine, shown)
    view = structure_view(program, structure)
    if asked.as_json:
        print_json({**_source_of(asked.directory, manifest), **by_name(view)})
    else:
        show_findings(view, program, asked.language, COLUMNS_OF_FINDINGS)
        _show_source(asked.directory, manifest, asked.language)
    if any(finding.severity in SERIOUS for finding in view.findings):
        raise SystemExit(1)


def _opened(how: ByFiles) -> OpenedHistory:
    """The directory that is asked, and who works on its months; standard output is the result's alone."""
    how.check({})
    configure_logs("WARNING", "text")
    return open_history(how, _DIRECTORY)


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


@dataclass(frozen=True, slots=True)
class _EvaluateOptions:
    """What `evaluate` is asked."""

    directory: Path
    period: str
    engine: str | None
    processes: int | None
    scheduler: str | None
    language: str
    as_json: bool


@click.command("evaluate")
@click.argument("directory", type=EXISTING)
@click.option("--period", metavar="MONTH", required=True, help="A month that is over, as 2026-03.")
@engine_options
@language_option
@json_option
@options_as(_EvaluateOptions)
def evaluate_command(asked: _EvaluateOptions) -> None:
    """Which shops of DIRECTORY keep, win and lose a rank by the evaluation of a month.

    What the database's evaluation decides with all that the files know; nothing is recorded.
    """
    month, opened = (
        parse_period(asked.period),
        _opened(ByFiles(asked.directory, asked.engine, asked.processes, asked.scheduler)),
    )
    from distrib.services.history.evaluating import evaluate_files, evaluated_view  # noqa: PLC0415 - asked for before

    manifest = opened.directory.manifest
    with months_progress() as shown:
        evaluation = evaluate_files(opened.directory, month, opened.engine, shown)
    view = evaluated_view(opened.directory, evaluation)
    if asked.as_json:
        print_json({**_source_of(asked.directory, manifest), **view})
    else:
        _show_evaluation(view, asked.language)
        _show_source(asked.directory, manifest, asked.language)


def _show_evaluation(view: Mapping[str, Any], language: str) -> None:
    console = open_console()
    counts = {name: figure for name, figure in view.items() if isinstance(figure, int)}
    words = _EVALUATED.with_params(**counts, month=view["month"], effective_at=time_text(view["effective_at"]))
    print_line(console, render(words, language))
    texts = (Text("shop"), Text("outcome"), Text("rank before"), Text("rank"))
    headings = {**{render(text, language): False for text in texts}, render(Text("failures"), language): True}
    rows = [
        [row["shop_id"], render(_OUTCOMES[row["outcome"]], language), row["before"], row["rank"], row["failures"]]
        for row in view["decisions"][:_MOST_SHOWN]
    ]
    if rows:
        print_table(console, view["program"], headings, rows)
