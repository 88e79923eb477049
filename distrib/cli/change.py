"""``distrib change``: payees, addresses of webhooks and settings that wait; listed, approved by a key, cancelled."""

from __future__ import annotations

import click

from distrib.bootstrap import Container, open_container
from distrib.cli.acting_key import acting_as, key_option
from distrib.cli.output import in_both, json_option, open_console, print_json, print_table, program_option, time_text
from distrib.domain.texts import Text
from distrib.services.context import Unit
from distrib.services.held_changes import ChangeView, list_changes
from distrib.services.payouts.payee_versions import approve_payee, cancel_payee
from distrib.services.programs.settings import approve_settings, cancel_settings
from distrib.services.refusals import ChangeUnknown
from distrib.services.webhooks.endpoints import approve_url, cancel_url

_ID = "chg_"
_MOST_DIGITS = 18


@click.group()
def change() -> None:
    """See, approve and cancel changes of where money goes."""


@change.command("list")
@click.option("--all", "shows_all", is_flag=True, help="Those that ended, too.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="So many rows.")
@program_option
@json_option
def list_command(shows_all: bool, limit: int, program_code: str | None, as_json: bool) -> None:
    """List the changes that wait, the newest first."""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        views, _ = list_changes(conn, program, None, limit, is_open=not shows_all)
    if as_json:
        print_json(views)
        return
    names = (
        Text("id", "column"),
        Text("kind", "column"),
        Text("about", "column"),
        Text("fields", "column"),
        Text("status", "column"),
        Text("due", "column"),
        Text("proposed by", "column"),
    )
    cells = [
        (
            view.id,
            view.kind,
            view.shop_id or view.webhook_id or program.code,
            " ".join(view.fields),
            view.status,
            time_text(view.due_at),
            view.proposed_by,
        )
        for view in views
    ]
    print_table(open_console(), f"{in_both(Text('Changes'))}: {program.code}", dict.fromkeys(names, False), cells)


@change.command()
@click.argument("change_id", metavar="ID")
@key_option()
@program_option
def approve(change_id: str, key: str, program_code: str | None) -> None:
    """Approve the change ID that another person proposed; it is in force at once."""
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, key, program_code, "confirm")
        view = _open_change(unit, change_id)
        _approve(container, unit, view)
    click.echo(in_both(Text("{id} is in force.", "change", id=change_id)))


@change.command()
@click.argument("change_id", metavar="ID")
@key_option()
@program_option
def cancel(change_id: str, key: str, program_code: str | None) -> None:
    """Cancel the change ID; what is in force stays."""
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, key, program_code, "propose")
        view = _open_change(unit, change_id)
        _cancel(container, unit, view)
    click.echo(in_both(Text("{id} is cancelled.", "change", id=change_id)))


def _open_change(unit: Unit, change_id: str) -> ChangeView:
    digits = change_id.removeprefix(_ID)
    if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS:
        views, _ = list_changes(unit.conn, unit.program, int(digits) + 1, 1, is_open=True)
        if views and views[0].id == change_id:
            return views[0]
    raise ChangeUnknown()


def _approve(container: Container, unit: Unit, view: ChangeView) -> None:
    sealer, pepper = container.sealer, container.identity_pepper
    if view.shop_id is not None:
        approve_payee(unit, view.shop_id, sealer, pepper)
    elif view.webhook_id is not None:
        approve_url(unit, view.webhook_id, sealer)
    else:
        approve_settings(unit, container.policies)


def _cancel(container: Container, unit: Unit, view: ChangeView) -> None:
    sealer, pepper = container.sealer, container.identity_pepper
    if view.shop_id is not None:
        cancel_payee(unit, view.shop_id, sealer, pepper)
    elif view.webhook_id is not None:
        cancel_url(unit, view.webhook_id, sealer)
    else:
        cancel_settings(unit, container.policies)
