"""``distrib statement``: a month's statement on the screen or as a file, and its close by two keys."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console

from distrib.bootstrap import open_container
from distrib.cli.acting_key import acting_as, key_option
from distrib.cli.output import (
    in_both,
    json_option,
    language_option,
    open_console,
    options_as,
    print_json,
    print_line,
    print_table,
    program_option,
    time_text,
)
from distrib.domain.amounts import show_amount
from distrib.domain.identifiers import parse_instant
from distrib.domain.texts import Text
from distrib.languages import render, render_both
from distrib.languages.readers import BOTH, READERS
from distrib.services.context import Unit, parse_period
from distrib.services.statements.closing import ClosedView, confirm_close, find_closed, propose_close, standing_proposal
from distrib.services.statements.files import DETAILS, FORMATS, FileWish, export_file
from distrib.services.statements.months import FIGURES, SHOPS, MonthStatement, statement_totals_and_rows

_WORDS = {
    "title": Text("Statement of {program} for {period}, {currency}, as of {as_of}"),
    "shop": Text("shop"),
    "opening_minor": Text("opening"),
    "earned_minor": Text("earned", "statement"),
    "reversed_minor": Text("reversed"),
    "adjusted_minor": Text("adjusted"),
    "paid_minor": Text("paid"),
    "tax_minor": Text("tax", "statement"),
    "closing_minor": Text("closing"),
    "held_minor": Text("held", "statement"),
    "reserved_minor": Text("reserved"),
    "available_minor": Text("available", "statement"),
    "orders": Text("orders", "statement"),
    "refunds": Text("refunds", "statement"),
    "total": Text("all {shops} shops"),
    "more": Text("… and more: --limit, or `distrib statement export {period}`"),
}
_COUNTS = ("orders", "refunds")
_CLOSE_WORDS = {
    "proposed": Text("{period} of {program} as it would be closed, {count} shops, {currency}:"),
    "closed": Text("{period} of {program} is closed, {count} shops, {currency}:"),
    "next": Text("Another key confirms: distrib statement close {period} --confirm --key KEY"),
}


def _instant(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise click.BadParameter(in_both(Text("must be an RFC 3339 time with an offset"))) from error


@click.group()
def statement() -> None:
    """Monthly statements."""


@statement.command()
@click.argument("month", metavar="MONTH")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="So many shops.")
@program_option
@language_option
@json_option
def show(month: str, limit: int, program_code: str | None, language: str, as_json: bool) -> None:
    """Show the totals of MONTH (as 2026-03) and its first shops."""
    period = parse_period(month)
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        view, follows = statement_totals_and_rows(unit, period, None, limit)
    if as_json:
        print_json({**{each.name: getattr(view, each.name) for each in fields(view)}, "next": follows})
    else:
        _show(open_console(), view, follows is not None, language)


@dataclass(frozen=True, slots=True)
class _StatementFileOptions:
    """What `export` is asked."""

    month: str
    file_format: str
    detail: str
    shop_id: str | None
    language: str
    output: Path | None
    program_code: str | None


@statement.command()
@click.argument("month", metavar="MONTH")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    default="csv",
    show_default=True,
    help="PDF is for one shop.",
)
@click.option(
    "--detail",
    type=click.Choice(DETAILS),
    default=SHOPS,
    show_default=True,
    help="One row per shop or per commission.",
)
@click.option("--shop", "shop_id", help="Only what concerns this shop.")
@click.option(
    "--language",
    type=click.Choice(READERS),
    default=BOTH,
    show_default=True,
    help="Of XLSX and PDF.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
@program_option
@options_as(_StatementFileOptions)
def export(asked: _StatementFileOptions) -> None:
    """Write the statement of MONTH (as 2026-03) as a file."""
    wish = FileWish(parse_period(asked.month), asked.file_format, asked.detail, asked.shop_id, asked.language)
    if wish.format == "pdf" and asked.shop_id is None:
        raise click.UsageError(render_both(Text("a PDF is for one shop: --shop")))
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, asked.program_code)
        pieces = export_file(unit, wish)
        if asked.output is None:
            _write(sys.stdout.buffer, pieces)
        else:
            _write_file(asked.output, pieces)


@dataclass(frozen=True, slots=True)
class _CloseOptions:
    """What `close` is asked."""

    month: str
    key: str
    step: str | None
    cut_off: datetime | None
    program_code: str | None
    language: str
    as_json: bool


@statement.command()
@click.argument("month", metavar="MONTH")
@key_option()
@click.option("--propose", "step", flag_value="propose", help="Propose only.")
@click.option("--confirm", "step", flag_value="confirm", help="Confirm only.")
@click.option("--cut-off", metavar="TIME", callback=_instant, help="Wait for what was received before it alone.")
@program_option
@language_option
@json_option
@options_as(_CloseOptions)
def close(asked: _CloseOptions) -> None:
    """Close the books of MONTH (as 2026-03), by two keys.

    The first key proposes, the second confirms. What is confirmed is closed for ever.
    """
    step = asked.step
    period = parse_period(asked.month)
    with open_container() as container, container.begin() as conn:
        if step is None:
            unit = acting_as(container, conn, asked.key, asked.program_code, "read")
            step = _next_step(unit, period)
        unit = acting_as(container, conn, asked.key, asked.program_code, step)
        is_second = step == "confirm"
        view = confirm_close(unit, period) if is_second else propose_close(unit, period, asked.cut_off)
    if asked.as_json:
        print_json(view)
    else:
        _show_close(open_console(), view, asked.language)


def _next_step(unit: Unit, period: int) -> str:
    """Confirming is next where another key's proposal stands, or where it was done."""
    if find_closed(unit.conn, unit.program, period) is not None:
        return "confirm"
    standing = standing_proposal(unit.conn, unit.program, period)
    return "confirm" if standing is not None and standing.proposed_by != unit.actor.key_id else "propose"


def _show_close(console: Console, view: ClosedView, language: str) -> None:
    def say(word: str) -> str:
        named = {"period": view.period, "program": view.program, "count": view.count, "currency": view.currency}
        return render(_CLOSE_WORDS[word].with_params(**named), language)

    print_line(console, say(view.status))
    for name in FIGURES:
        amount = (view.totals or {})[name]
        shown = str(amount) if name in _COUNTS else show_amount(amount, view.currency)
        print_line(console, f"  {render(_WORDS[name], language)}: {shown}")
    print_line(console, f"  SHA-256: {view.digest}")
    if view.status == "proposed":
        print_line(console, say("next"))


def _write(file: BinaryIO, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        file.write(piece)
    file.flush()


def _write_file(output: Path, pieces: Iterable[bytes]) -> None:
    """The file appears when it is whole, so that half of one is never taken for a month."""
    unfinished = output.with_name(output.name + ".part")
    with unfinished.open("wb") as file:
        _write(file, pieces)
    unfinished.replace(output)


def _show(console: Console, view: MonthStatement, has_more: bool, language: str) -> None:
    def say(word: str, **params: object) -> str:
        return render(_WORDS[word].with_params(**params), language)

    head = {"program": view.program, "period": view.period, "currency": view.currency, "status": view.status}
    names = [name for name in _WORDS if name.endswith("_minor") or name in _COUNTS]
    columns = {say("shop"): False} | {say(name): True for name in names}
    rows = [[row.shop_id, *_figures(asdict(row), names, view.currency)] for row in view.data]
    totals = view.totals or {}
    rows.append([say("total", shops=totals["shops"]), *_figures(totals, names, view.currency)])
    print_table(console, say("title", **head, as_of=time_text(view.as_of)), columns, rows)
    if has_more:
        print_line(console, say("more", period=view.period))


def _figures(row: Mapping[str, int], names: Iterable[str], currency: str) -> list[str]:
    return [str(row[name]) if name in _COUNTS else show_amount(row[name], currency) for name in names]
