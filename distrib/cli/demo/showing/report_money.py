"""Prints the life of the money: what was closed, paid, taken back and paid again, and that nothing is unexplained.

Computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from distrib.cli.demo.showing.texts import Say
from distrib.cli.output import print_line
from distrib.domain.amounts import show_amount

Figures = Mapping[str, Any]
COLUMNS = ("opening", "earned", "reversed", "adjusted", "paid", "tax", "closing", "held", "reserved", "available")


def print_life(console: Console, figures: Figures, say: Say) -> None:
    """What happened to the money, step by step, and what it did to one shop."""
    life, currency = figures["money"], figures["program"]["currency"]
    table = _table(say("life"))
    table.add_column("", overflow="fold")
    table.add_column(say("count"), justify="right")
    table.add_column(f"{say('amount')} {currency}", justify="right")
    for name, values, count, amount in _steps(life):
        table.add_row(say(name).format(**values), f"{count:,}", "" if amount is None else show_amount(amount, currency))
    console.print()
    console.print(table)
    print_line(console, say("added"), "yellow")
    if life["one_debtor"]["shop_id"] is not None:
        _deepest_debtor(console, life["one_debtor"], currency, say)


def print_books(console: Console, figures: Figures, say: Say) -> None:
    """Every month's totals with what of it is not explained, and all of them together."""
    life, currency = figures["money"], figures["program"]["currency"]
    table = _figures_table(say("books"), [say("month"), ""], say)
    table.add_column(say("unexplained"), justify="right")
    for month in life["books"]:
        state = say("closed" if month["is_closed"] else "open")
        gap = show_amount(month["unexplained_minor"], currency)
        table.add_row(month["period"], state, *_amounts(month["totals"], currency), gap)
    table.add_section()
    total = show_amount(life["unexplained_minor"], currency)
    table.add_row(say("in_total"), "", *_amounts(life["whole"], currency), total)
    console.print()
    console.print(table)
    print_line(console, say("equation"))
    style = "bold green" if life["unexplained_minor"] == 0 else "bold red"
    print_line(console, say("unexplained_in_all").format(amount=total, currency=currency), style)


def _steps(life: Figures) -> Iterator[tuple[str, dict[str, Any], int, int | None]]:
    """Every step: the key of its words and what goes into them, a count, an amount."""
    first, second = life["payouts"]
    late, debt = life["late"], life["in_debt_at_end"]
    yield "step_closed", {"through": life["closed_first"][-1]}, len(life["closed_first"]), None
    yield "step_payees", {}, life["payees"], None
    yield "step_batch", {"id": first["id"]}, first["count"], first["amount_minor"]
    yield "step_paid", {"id": first["id"]}, first["paid_count"], first["paid_minor"]
    yield "step_failed", {"id": first["id"]}, first["failed_count"], first["failed_minor"]
    yield "step_late", {}, late["told"], late["given_back_minor"]
    yield "step_marked", {"period": late["period"]}, late["marked"], late["reversed_minor"]
    yield "step_debt", {}, late["in_debt"], late["debt_minor"]
    yield "step_adjusted", {}, 1, life["adjusted"]["amount_minor"]
    yield "step_closed_then", {}, life["closed"] - len(life["closed_first"]), None
    yield "step_batch_again", {"id": second["id"]}, second["count"], second["amount_minor"]
    yield "step_paid", {"id": second["id"]}, second["paid_count"], second["paid_minor"]
    yield "step_refused", {"id": second["id"]}, second["refused"], None
    yield "step_debt_at_end", {}, debt["count"], debt["amount_minor"]


def _deepest_debtor(console: Console, debtor: Figures, currency: str, say: Say) -> None:
    table = _figures_table(say("one_debtor").format(shop=debtor["shop_id"]), [say("month")], say)
    for month, row in debtor["months"]:
        table.add_row(month, *_amounts(row, currency))
    console.print()
    console.print(table)


def _table(title: str) -> Table:
    padding = (0, 2, 0, 0)
    return Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, padding=padding)


def _figures_table(title: str, left: Sequence[str], say: Say) -> Table:
    """Without a frame and close together: eleven amounts have to fit."""
    table = _table(title)
    table.padding = (0, 1, 0, 0)
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in COLUMNS:
        table.add_column(say(name), justify="right")
    return table


def _amounts(row: Figures, currency: str) -> list[str]:
    return [show_amount(row[f"{name}_minor"], currency) for name in COLUMNS]
