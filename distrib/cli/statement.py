"""``distrib statement``: a month's statement on the screen, or as CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.console import Console

from distrib.bootstrap import open_container
from distrib.cli.output import (
    json_option,
    language_option,
    money,
    open_console,
    print_json,
    print_line,
    print_table,
    program_option,
    time_text,
)  # fmt: skip
from distrib.services.context import parse_period
from distrib.services.statements import LINES, SHOPS, export_csv, statement_totals_and_rows

_WORDS = {
    "title": ("Statement of {program} for {period}, {currency}, as of {as_of}",
              "分销计划 {program} {period} 对账单，{currency}，截至 {as_of}"),
    "shop": ("shop", "店铺"),
    "opening_minor": ("opening", "期初"),
    "earned_minor": ("earned", "所得"),
    "reversed_minor": ("reversed", "冲回"),
    "adjusted_minor": ("adjusted", "调整"),
    "paid_minor": ("paid", "已付"),
    "tax_minor": ("tax", "代扣税"),
    "closing_minor": ("closing", "期末"),
    "held_minor": ("held", "冻结"),
    "reserved_minor": ("reserved", "预留"),
    "available_minor": ("available", "可提"),
    "orders": ("orders", "订单数"),
    "refunds": ("refunds", "退款数"),
    "total": ("all {shops} shops", "全部 {shops} 家店铺"),
    "more": ("… and more: --limit, or `distrib statement export {period}`",
             "……其余见 --limit 或 `distrib statement export {period}`"),
}  # fmt: skip
_COUNTS = ("orders", "refunds")


@click.group()
def statement() -> None:
    """Monthly statements. 对账单。"""


@statement.command()
@click.argument("month", metavar="MONTH")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="So many shops. 店铺数。")
@program_option
@language_option
@json_option
def show(month: str, limit: int, program_code: str | None, language: str, as_json: bool) -> None:
    """Show the totals of MONTH (as 2026-03) and its first shops. 显示某月对账单。"""
    period = parse_period(month)
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        view, follows = statement_totals_and_rows(conn, program, period, None, limit, container.now())
    if as_json:
        print_json({**view, "next": follows})
    else:
        _show(open_console(), view, follows is not None, 1 if language == "zh" else 0)


@statement.command()
@click.argument("month", metavar="MONTH")
@click.option(
    "--detail",
    type=click.Choice([SHOPS, LINES]),
    default=SHOPS,
    show_default=True,
    help="One row per shop or per commission. 按店铺或按明细。",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file. 文件；默认标准输出。")
@program_option
def export(month: str, detail: str, output: Path | None, program_code: str | None) -> None:
    """Write the statement of MONTH (as 2026-03) as CSV. 导出某月对账单。"""
    period = parse_period(month)
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        pieces = export_csv(conn, program, period, detail, container.now())
        if output is None:
            _write(sys.stdout.buffer, pieces)
        else:
            _write_file(output, pieces)


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


def _show(console: Console, view: Mapping[str, Any], has_more: bool, place: int) -> None:
    def say(word: str) -> str:
        return _WORDS[word][place]

    title = say("title").format(**{**view, "as_of": time_text(view["as_of"])})
    names = [name for name in _WORDS if name.endswith("_minor") or name in _COUNTS]
    columns = {say("shop"): False} | {say(name): True for name in names}
    rows = [[row["shop_id"], *_figures(row, names, view["currency"])] for row in view["data"]]
    totals = view["totals"]
    rows.append([say("total").format(shops=totals["shops"]), *_figures(totals, names, view["currency"])])
    print_table(console, title, columns, rows)
    if has_more:
        print_line(console, say("more").format(period=view["period"]))


def _figures(row: Mapping[str, Any], names: Iterable[str], currency: str) -> list[str]:
    return [str(row[name]) if name in _COUNTS else money(row[name], currency) for name in names]
