"""``distrib trail``: who changed or read what; seen by filters, and exported with the month."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from distrib.bootstrap import open_container
from distrib.cli.output import (
    in_both,
    json_option,
    open_console,
    options_as,
    print_json,
    print_table,
    program_option,
    time_text,
)
from distrib.cli.payouts.files import write_pieces
from distrib.cli.payouts.payout import output_option
from distrib.domain.texts import Text
from distrib.domain.trail import KINDS
from distrib.services.context import parse_period
from distrib.services.trail import CSV, FORMATS, TrailFilter, list_trail, trail_file


@click.group()
def trail() -> None:
    """See and export who changed or read what."""


@dataclass(frozen=True, slots=True)
class _ListOptions:
    """What `list` is asked."""

    actor: str | None
    operation: str | None
    subject: str | None
    shop_id: str | None
    kind: str | None
    limit: int
    program_code: str | None
    as_json: bool


@trail.command("list")
@click.option("--actor", help="The id of a key, or `cli`.")
@click.option("--operation", help="As its operationId, or the words of a command.")
@click.option("--subject", help="The id that it was about.")
@click.option("--shop", "shop_id", help="About one shop.")
@click.option("--kind", type=click.Choice(KINDS), help="Changes or reads alone.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="So many rows.")
@program_option
@json_option
@options_as(_ListOptions)
def list_command(asked: _ListOptions) -> None:
    """List who changed or read what, the newest first."""
    wanted = TrailFilter(asked.actor, asked.operation, asked.subject, asked.shop_id, asked.kind)
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, asked.program_code)
        rows, _ = list_trail(conn, program, wanted, None, asked.limit)
    if asked.as_json:
        print_json(rows)
        return
    names = (
        Text("no", "column"),
        Text("when", "column"),
        Text("who", "column"),
        Text("key", "column"),
        Text("operation", "column"),
        Text("about", "column"),
        Text("request", "column"),
    )
    columns = dict.fromkeys(names, False)
    cells = [
        (
            row.no,
            time_text(row.recorded_at),
            row.os_user or row.owner,
            row.actor,
            row.operation,
            row.subject,
            row.request_id,
        )
        for row in rows
    ]
    print_table(open_console(), f"{in_both(Text('Trail'))}: {program.code}", columns, cells)


@trail.command()
@click.argument("month", metavar="MONTH")
@click.option("--format", "form", type=click.Choice(FORMATS), default=CSV, show_default=True, help="Of the file.")
@output_option
@program_option
def export(month: str, form: str, output: Path | None, program_code: str | None) -> None:
    """Write the trail of MONTH (as 2026-03) as a file, in its order."""
    period = parse_period(month)
    with open_container() as container, container.begin() as conn:
        write_pieces(trail_file(conn, container.program(conn, program_code), period, form), output)
