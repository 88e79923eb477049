"""``distrib withdrawal``: what shops ask for; listed, approved, refused. Batches of them: ``distrib payout create``."""

from __future__ import annotations

import click

from distrib.bootstrap import open_container
from distrib.cli.acting_key import acting_as, key_option
from distrib.cli.output import in_both, json_option, open_console, print_json, print_table, program_option, time_text
from distrib.cli.payouts.arguments import reason_of
from distrib.cli.payouts.pages import PAGE, all_pages
from distrib.domain.amounts import show_amount
from distrib.domain.payouts.withdrawals import STATES
from distrib.domain.texts import Text
from distrib.services.payouts import withdrawals as service
from distrib.services.payouts.withdrawal_messages import WithdrawalView


@click.group()
def withdrawal() -> None:
    """See, approve and refuse the withdrawals that shops ask for."""


@withdrawal.command("list")
@click.option("--shop", "shop_id", help="Of one shop.")
@click.option("--status", type=click.Choice(STATES), help="Of one status.")
@program_option
@json_option
def list_command(shop_id: str | None, status: str | None, program_code: str | None, as_json: bool) -> None:
    """List withdrawals, the newest first."""
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        withdrawals = all_pages(lambda before: service.list_withdrawals(unit, shop_id, status, before, PAGE))
    if as_json:
        print_json(withdrawals)
        return
    columns = {
        Text("id", "column"): False,
        Text("shop", "column"): False,
        Text("amount", "column"): True,
        Text("fee", "column"): True,
        Text("status", "column"): False,
        Text("requested", "column"): False,
        Text("reason", "column"): False,
    }
    rows = [
        [
            row.id,
            row.shop_id,
            show_amount(row.amount_minor, row.currency),
            show_amount(row.fee_minor, row.currency),
            row.status,
            time_text(row.requested_at),
            row.reason,
        ]
        for row in withdrawals
    ]
    print_table(open_console(), f"{in_both(Text('Withdrawals'))}: {unit.program.code}", columns, rows)


@withdrawal.command()
@click.argument("withdrawal_id", metavar="ID")
@key_option()
@program_option
@json_option
def approve(withdrawal_id: str, key: str, program_code: str | None, as_json: bool) -> None:
    """Approve the withdrawal ID, so that a batch may take it."""
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, key, program_code, "confirm")
        view = service.approve_withdrawal(unit, withdrawal_id)
    _show(view, as_json)


@withdrawal.command()
@click.argument("withdrawal_id", metavar="ID")
@click.option("--reason", required=True, help="What the shop reads.")
@key_option()
@program_option
@json_option
def refuse(withdrawal_id: str, reason: str, key: str, program_code: str | None, as_json: bool) -> None:
    """Refuse the withdrawal ID that no batch pays."""
    words = reason_of(reason)
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, key, program_code, "confirm")
        view = service.refuse_withdrawal(unit, withdrawal_id, words)
    _show(view, as_json)


def _show(view: WithdrawalView, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    amount = show_amount(view.amount_minor, view.currency)
    click.echo(f"{view.id}: {view.shop_id} {amount} {view.currency}: {view.status}")
