"""``distrib ledger``: the chart of accounts, and the chain of seals over the transfers."""

from __future__ import annotations

import hashlib

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, json_option, open_console, print_json, print_table, program_option, time_text
from distrib.domain.amounts import show_amount
from distrib.domain.texts import Text, Wording
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ledger.accounts import list_accounts
from distrib.services.ledger.seals import list_seals, seal_content, seal_now

PAGE = 500


@click.group()
def ledger() -> None:
    """Accounts, and seals over the transfers."""


@ledger.command()
@program_option
@json_option
def accounts(program_code: str | None, as_json: bool) -> None:
    """List the accounts with their balances; they add up to 0."""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        listed, follows = list_accounts(conn, program, None, PAGE)
        while follows is not None:
            page, follows = list_accounts(conn, program, follows, PAGE)
            listed += page
    if as_json:
        print_json(listed)
        return
    columns: dict[Wording, bool] = {
        Text("account", "column"): False,
        Text("balance ({currency})", "column", currency=program.currency): True,
        Text("version", "column"): True,
    }
    rows = [(row.id, show_amount(row.balance_minor, program.currency), row.version) for row in listed]
    print_table(open_console(), f"{in_both(Text('Accounts'))}: {program.code}", columns, rows)


@ledger.command()
@program_option
@json_option
def seal(program_code: str | None, as_json: bool) -> None:
    """Seal everything that is posted and not sealed yet."""
    with open_container() as container:
        with container.begin() as conn:
            program = container.program(conn, program_code)
        with container.begin() as conn:
            made = seal_now(Unit(conn, program, COMMAND_LINE, container.now()))
    if as_json:
        print_json(made)
    elif made is None:
        click.echo(in_both(Text("Nothing to seal.")))
    else:
        click.echo(f"{made.seal_no}: {made.transfers:,} {in_both(Text('transfers', 'sealed'))}, SHA-256 {made.digest}")


@ledger.command()
@program_option
@json_option
def seals(program_code: str | None, as_json: bool) -> None:
    """List the seals, the oldest first."""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        listed, follows = list_seals(conn, program, None, PAGE)
        while follows is not None:
            page, follows = list_seals(conn, program, follows, PAGE)
            listed += page
    if as_json:
        print_json(listed)
        return
    columns: dict[Wording, bool] = {
        Text("seal", "column"): True,
        Text("made", "seals"): False,
        Text("transfers", "column"): True,
        "SHA-256": False,
    }
    rows = [(row.seal_no, time_text(row.sealed_at), f"{row.transfers:,}", row.digest) for row in listed]
    print_table(open_console(), f"{in_both(Text('Seals'))}: {program.code}", columns, rows)


@ledger.command()
@click.argument("seal_no", type=click.IntRange(1))
@program_option
def content(seal_no: int, program_code: str | None) -> None:
    """Print what the seal SEAL_NO covers; `| sha256sum` gives its digest."""
    digest = hashlib.sha256()
    with open_container() as container, container.begin() as conn:
        for chunk in seal_content(conn, container.program(conn, program_code), seal_no):
            digest.update(chunk)
            click.echo(chunk, nl=False)
    click.echo(digest.hexdigest(), err=True)
