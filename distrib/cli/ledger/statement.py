"""``distrib statement``: a month's statement on the screen or as a file, and its close by two keys."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.console import Console
from sqlalchemy import Connection

from distrib.bootstrap import open_container
from distrib.cli.acting_key import acting_as, key_option
from distrib.cli.output import (
    json_option,
    language_option,
    open_console,
    print_json,
    print_line,
    print_table,
    program_option,
    time_text,
)
from distrib.domain.amounts import show_amount
from distrib.services.context import Actor, Program, parse_period
from distrib.services.statements.closing import confirm_close, find_closed, propose_close, standing_proposal
from distrib.services.statements.files import DETAILS, FORMATS, FileWish, export_file
from distrib.services.statements.months import FIGURES, SHOPS, statement_totals_and_rows

_WORDS = {
    "title": (
        "Statement of {program} for {period}, {currency}, as of {as_of}",
        "分销计划 {program} {period} 对账单，{currency}，截至 {as_of}",
    ),
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
    "more": (
        "… and more: --limit, or `distrib statement export {period}`",
        "……其余见 --limit 或 `distrib statement export {period}`",
    ),
}
_COUNTS = ("orders", "refunds")
_CLOSE_WORDS = {
    "proposed": (
        "{period} of {program} as it would be closed, {count} shops, {currency}:",
        "{program} {period} 拟结账数据，{count} 家店铺，{currency}：",
    ),
    "closed": (
        "{period} of {program} is closed, {count} shops, {currency}:",
        "{program} {period} 已结账，{count} 家店铺，{currency}：",
    ),
    "next": (
        "Another key confirms: distrib statement close {period} --confirm --key KEY",
        "由另一密钥确认：distrib statement close {period} --confirm --key KEY",
    ),
}


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
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    default="csv",
    show_default=True,
    help="PDF is for one shop. PDF 仅限单店。",
)
@click.option(
    "--detail",
    type=click.Choice(DETAILS),
    default=SHOPS,
    show_default=True,
    help="One row per shop or per commission. 按店铺或按明细。",
)
@click.option("--shop", "shop_id", help="Only what concerns this shop. 仅此店铺。")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file. 文件；默认标准输出。")
@program_option
def export(
    month: str, file_format: str, detail: str, shop_id: str | None, output: Path | None, program_code: str | None
) -> None:
    """Write the statement of MONTH (as 2026-03) as a file. 导出某月对账单。"""
    wish = FileWish(parse_period(month), file_format, detail, shop_id)
    if wish.format == "pdf" and shop_id is None:
        raise click.UsageError("a PDF is for one shop: --shop / PDF 须用 --shop 指定店铺")
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        pieces = export_file(conn, program, wish, container.now())
        if output is None:
            _write(sys.stdout.buffer, pieces)
        else:
            _write_file(output, pieces)


@statement.command()
@click.argument("month", metavar="MONTH")
@key_option()
@click.option("--propose", "step", flag_value="propose", help="Propose only. 仅提议。")
@click.option("--confirm", "step", flag_value="confirm", help="Confirm only. 仅确认。")
@program_option
@language_option
@json_option
def close(month: str, key: str, step: str | None, program_code: str | None, language: str, as_json: bool) -> None:
    """Close the books of MONTH (as 2026-03), by two keys. 结账，须两个密钥。

    The first key proposes, the second confirms. What is confirmed is closed for ever.
    先由一个密钥提议，再由另一个确认；确认后不可撤销。
    """
    period = parse_period(month)
    with open_container() as container, container.begin() as conn:
        program, actor = acting_as(container, conn, key, program_code)
        if step is None:
            step = _next_step(conn, program, period, actor)
        act = confirm_close if step == "confirm" else propose_close
        view = act(conn, program, period, actor, container.now())
    if as_json:
        print_json(view)
    else:
        _show_close(open_console(), view, 1 if language == "zh" else 0)


def _next_step(conn: Connection, program: Program, period: int, actor: Actor) -> str:
    """Confirming is next where another key's proposal stands, or where it was done."""
    if find_closed(conn, program, period) is not None:
        return "confirm"
    standing = standing_proposal(conn, program, period)
    return "confirm" if standing is not None and standing["proposed_by"] != actor.key_id else "propose"


def _show_close(console: Console, view: Mapping[str, Any], place: int) -> None:
    def say(word: str) -> str:
        return _CLOSE_WORDS[word][place].format(**view)

    print_line(console, say(view["status"]))
    for name in FIGURES:
        amount = view["totals"][name]
        shown = str(amount) if name in _COUNTS else show_amount(amount, view["currency"])
        print_line(console, f"  {_WORDS[name][place]}: {shown}")
    print_line(console, f"  SHA-256: {view['digest']}")
    if view["status"] == "proposed":
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
    return [str(row[name]) if name in _COUNTS else show_amount(row[name], currency) for name in names]
