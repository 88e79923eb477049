"""``distrib history``: writes a program's history as Parquet files by month, and verifies them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from distrib.bootstrap import open_container
from distrib.cli.history_answers import evaluate_command, monitors_command
from distrib.cli.output import (
    in_both,
    json_option,
    language_option,
    open_console,
    print_json,
    print_line,
    print_table,
    program_option,
)
from distrib.cli.progress import terminal_progress
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.context import COMMAND_LINE, Unit, format_period
from distrib.services.history.exporting import Exported, export_history
from distrib.services.history.extras import must_have
from distrib.services.simulations.running import enter_history

_DIRECTORY = click.Path(file_okay=False, path_type=Path)
_EXISTING = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("history")
def history() -> None:
    """A program's history as Parquet files, month by month."""


history.add_command(monitors_command)
history.add_command(evaluate_command)


@history.command("export")
@click.option(
    "--to",
    "directory",
    type=_DIRECTORY,
    required=True,
    help="The directory; made where it is not there.",
)
@program_option
@language_option
@json_option
def export_command(directory: Path, program_code: str | None, language: str, as_json: bool) -> None:
    """Write a program's history to a directory, as of one instant.

    Months of closed books that stand there already are not written again. docs/history.md describes the files.
    """
    must_have("parquet", "--to")
    with open_container() as container:
        with container.begin() as conn:
            program = container.program(conn, program_code)
        policies = container.policies
        with _progress() as tell, container.worker_engine.begin() as conn:
            enter_history(conn)
            unit = Unit(conn, program, COMMAND_LINE, container.now())
            exported = export_history(unit, policies, directory, tell)
    if as_json:
        print_json(_exported_view(directory, exported))
    else:
        _show_exported(directory, exported, language)


@history.command("verify")
@click.argument("directory", type=_EXISTING)
@language_option
@json_option
def verify_command(directory: Path, language: str, as_json: bool) -> None:
    """Check digests, schema and rows of a directory against its manifest; exit status 1 where something differs."""
    must_have("parquet", "DIRECTORY")
    from distrib.services.history.verifying import verify_history  # noqa: PLC0415 - an extra, asked for before

    verified = verify_history(directory)
    if as_json:
        unlike = [{"path": path, "what": render(what, language)} for path, what in verified.unlike]
        print_json(
            {
                "ok": not unlike,
                "directory": str(directory),
                "files": verified.files,
                "rows": verified.rows,
            }
            | {"differences": unlike}
        )
    else:
        console = open_console()
        words = Text(
            "{files:,} files, {rows:,} rows: {unlike:,} differ from the manifest.",
            files=verified.files,
            rows=verified.rows,
            unlike=len(verified.unlike),
        )
        print_line(console, render(words, language), "red" if verified.unlike else "green")
        for path, what in verified.unlike:
            print_line(console, f"{path}: {render(what, language)}")
    if verified.unlike:
        raise SystemExit(1)


def _exported_view(directory: Path, exported: Exported) -> dict[str, object]:
    manifest = exported.manifest
    return {
        "program": manifest.program.code,
        "directory": str(directory),
        "exported_at": manifest.exported_at,
        "last_event": manifest.last_event_no,
        "files": len(manifest.files),
        "rows": sum(file.rows for file in manifest.files),
        "bytes": sum(file.bytes for file in manifest.files),
        "written": [file.path for file in exported.written],
        "kept": [file.path for file in exported.kept],
    }


def _show_exported(directory: Path, exported: Exported, language: str) -> None:
    kinds: dict[str, list[int]] = {}
    for file in exported.manifest.files:
        counts = kinds.setdefault(file.kind, [0, 0, 0])
        counts[0] += 1
        counts[1] += file.rows
        counts[2] += file.bytes
    headings = {
        render(Text("kind"), language): False,
        render(Text("files"), language): True,
        render(Text("rows"), language): True,
        render(Text("bytes"), language): True,
    }
    months = [file.period for file in exported.manifest.files if file.period]
    words = Text(
        "{directory}: {months}; {written:,} files written, {kept:,} kept as they were",
        directory=directory,
        months=f"{format_period(min(months))} – {format_period(max(months))}" if months else "–",
        written=len(exported.written),
        kept=len(exported.kept),
    )
    rows = [[kind, *(f"{count:,}" for count in counts)] for kind, counts in kinds.items()]
    print_table(open_console(), render(words, language), headings, rows)


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """Shows on a terminal which file was written."""
    with terminal_progress() as progress:
        bar = progress.add_task(in_both(Text("Files")), total=None)
        yield lambda path, _rows: progress.update(bar, advance=1, description=path)
