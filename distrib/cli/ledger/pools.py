"""``distrib pools``: pays the pools of a month that is over; a second time it only says what was paid."""

from __future__ import annotations

from typing import Any

import click

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
)
from distrib.domain.amounts import show_amount
from distrib.domain.money import show_ratio
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.context import Program, format_period, parse_period
from distrib.services.statements.pools import PaidPool, pay_pools

_WORDS = {
    "title": Text("Pools of {month}, {currency}"),
    "none": Text("No pool to pay for {month}."),
    "pool": Text("pool"),
    "rate": Text("rate"),
    "base": Text("base"),
    "amount": Text("amount"),
    "holders": Text("holders"),
    "state": Text("state"),
    "paid": Text("paid now"),
    "already_paid": Text("paid before"),
}


@click.group()
def pools() -> None:
    """Pools of a month."""


@pools.command()
@click.option("--month", required=True, metavar="MONTH", help="As 2026-03.")
@key_option(required=False)
@program_option
@language_option
@json_option
def pay(month: str, key: str | None, program_code: str | None, language: str, as_json: bool) -> None:
    """Pay the pools of a month that is over, once."""
    period = parse_period(month)
    with open_container() as container, container.begin() as conn:
        if key is None:
            unit = container.unit(conn, program_code)
        else:
            unit = acting_as(container, conn, key, program_code, "confirm")
        paid = pay_pools(unit, period)
    if as_json:
        print_json(
            {
                "program": unit.program.code,
                "month": format_period(period),
                "pools": [_view(payment) for payment in paid],
            }
        )
    else:
        _show(unit.program, period, paid, language)


def _view(paid: PaidPool) -> dict[str, Any]:
    payment = paid.payment._asdict()
    del payment["cause_no"]
    plan = {"code": payment.pop("plan_code"), "version": payment.pop("plan_version")}
    shown = {"rate": show_ratio(payment.pop("rate_ppm")), "period": format_period(payment.pop("period"))}
    return payment | shown | {"plan_version": plan, "status": _state(paid)}


def _state(paid: PaidPool) -> str:
    return "paid" if paid.is_new else "already_paid"


def _show(program: Program, period: int, paid: list[PaidPool], language: str) -> None:
    def say(word: str, **params: object) -> str:
        return render(_WORDS[word].with_params(**params), language)

    console = open_console()
    if not paid:
        print_line(console, say("none", month=format_period(period)))
        return
    figures = ("rate", "base", "amount", "holders")
    columns = {say(name): name in figures for name in ("pool", *figures, "state")}
    rows = [
        [
            payment.payment.pool_id,
            show_ratio(payment.payment.rate_ppm),
            show_amount(payment.payment.base_minor, program.currency),
            show_amount(payment.payment.amount_minor, program.currency),
            f"{payment.payment.holders:,}",
            say(_state(payment)),
        ]
        for payment in paid
    ]
    print_table(console, say("title", month=format_period(period), currency=program.currency), columns, rows)
