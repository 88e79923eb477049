"""``distrib adjustment``: by hand and by two keys; one proposes, another approves."""

from __future__ import annotations

from dataclasses import dataclass

import click

from distrib.bootstrap import open_container
from distrib.cli.acting_key import acting_as, key_option
from distrib.cli.output import in_both, json_option, open_console, options_as, print_json, print_table, program_option
from distrib.domain.amounts import show_amount
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.ledger.adjustments import (
    AdjustmentDraft,
    AdjustmentView,
    approve_adjustment,
    list_adjustments,
    propose_adjustment,
)

PAGE = 500


@click.group()
def adjustment() -> None:
    """Adjust a shop's account by hand, by two keys."""


@dataclass(frozen=True, slots=True)
class _ProposeOptions:
    """What `propose` is asked."""

    adjustment_id: str
    shop_id: str
    amount_minor: int
    reason: str
    key: str
    program_code: str | None
    as_json: bool


@adjustment.command()
@click.argument("adjustment_id", metavar="ID")
@click.option("--shop", "shop_id", required=True, help="Whose account.")
@click.option("--amount-minor", type=int, required=True, help="Below 0 takes.")
@click.option("--reason", required=True, help=in_both(Text("Why.", "adjustment")))
@key_option()
@program_option
@json_option
@options_as(_ProposeOptions)
def propose(asked: _ProposeOptions) -> None:
    """Propose the adjustment ID; another key approves it."""
    draft = AdjustmentDraft(asked.adjustment_id, asked.shop_id, asked.amount_minor, asked.reason)
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, asked.key, asked.program_code, "propose")
        view, _ = propose_adjustment(unit, draft)
    _show(view, asked.as_json)


@adjustment.command()
@click.argument("adjustment_id", metavar="ID")
@key_option()
@program_option
@json_option
def approve(adjustment_id: str, key: str, program_code: str | None, as_json: bool) -> None:
    """Approve and post the adjustment ID that another key proposed."""
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, key, program_code, "confirm")
        view = approve_adjustment(unit, adjustment_id)
    _show(view, as_json)


@adjustment.command("list")
@click.option("--shop", "shop_id", help="Of one shop.")
@program_option
@json_option
def list_command(shop_id: str | None, program_code: str | None, as_json: bool) -> None:
    """List adjustments as proposed and approved."""
    adjustments: list[AdjustmentView] = []
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        after: int | None = 0
        while after is not None:
            page, after = list_adjustments(unit, shop_id, None, after, PAGE)
            adjustments += page
    if as_json:
        print_json(adjustments)
        return
    columns = {
        Text("id", "column"): False,
        Text("shop", "column"): False,
        Text("amount", "column"): True,
        Text("status", "column"): False,
        Text("reason", "column"): False,
    }
    rows = [
        [row.id, row.shop_id, show_amount(row.amount_minor, row.currency), row.status, row.reason]
        for row in adjustments
    ]
    print_table(open_console(), f"{in_both(Text('Adjustments'))}: {unit.program.code}", columns, rows)


def _show(view: AdjustmentView, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    words = {"proposed": render_both(Text("proposed, another key approves")), "approved": render_both(Text("posted"))}
    amount = show_amount(view.amount_minor, view.currency)
    click.echo(f"{view.id}: {view.shop_id} {amount} {view.currency}: {words[view.status]}")
