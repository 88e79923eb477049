"""``distrib ledger``: the chart of accounts, and the chain of seals over the transfers."""

from __future__ import annotations

import hashlib

import click

from distrib.bootstrap import open_container
from distrib.cli.output import json_option, open_console, print_json, print_table, program_option, time_text
from distrib.domain.amounts import show_amount
from distrib.services.ledger.accounts import list_accounts
from distrib.services.ledger.seals import list_seals, seal_content, seal_now

PAGE = 500


@click.group()
def ledger() -> None:
    """Accounts, and seals over the transfers. 账户与流水封存。"""


@ledger.command()
@program_option
@json_option
def accounts(program_code: str | None, as_json: bool) -> None:
    """List the accounts with their balances; they add up to 0. 列出账户及余额，合计为零。"""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        listed, follows = list_accounts(conn, program, None, PAGE)
        while follows is not None:
            page, follows = list_accounts(conn, program, follows, PAGE)
            listed += page
    if as_json:
        print_json(listed)
        return
    columns = {"account 账户": False, f"balance 余额 ({program.currency})": True, "version 版本": True}
    rows = [(row["id"], show_amount(row["balance_minor"], program.currency), row["version"]) for row in listed]
    print_table(open_console(), f"Accounts 账户: {program.code}", columns, rows)


@ledger.command()
@program_option
@json_option
def seal(program_code: str | None, as_json: bool) -> None:
    """Seal everything that is posted and not sealed yet. 封存尚未封存的流水。"""
    with open_container() as container:
        with container.begin() as conn:
            program = container.program(conn, program_code)
        with container.begin() as conn:
            made = seal_now(conn, program, container.now())
    if as_json:
        print_json(made)
    elif made is None:
        click.echo("Nothing to seal. 没有需要封存的流水。")
    else:
        click.echo(f"{made['seal_no']}: {made['transfers']:,} transfers 笔流水, SHA-256 {made['digest']}")


@ledger.command()
@program_option
@json_option
def seals(program_code: str | None, as_json: bool) -> None:
    """List the seals, the oldest first. 列出封存记录。"""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        listed, follows = list_seals(conn, program, None, PAGE)
        while follows is not None:
            page, follows = list_seals(conn, program, follows, PAGE)
            listed += page
    if as_json:
        print_json(listed)
        return
    columns = {"seal 序号": True, "made 时间": False, "transfers 笔数": True, "SHA-256": False}
    rows = [(row["seal_no"], time_text(row["sealed_at"]), f"{row['transfers']:,}", row["digest"]) for row in listed]
    print_table(open_console(), f"Seals 封存: {program.code}", columns, rows)


@ledger.command()
@click.argument("seal_no", type=click.IntRange(1))
@program_option
def content(seal_no: int, program_code: str | None) -> None:
    """Print what the seal SEAL_NO covers; `| sha256sum` gives its digest. 输出封存内容，其 SHA-256 即封存摘要。"""
    digest = hashlib.sha256()
    with open_container() as container, container.begin() as conn:
        for chunk in seal_content(conn, container.program(conn, program_code), seal_no):
            digest.update(chunk)
            click.echo(chunk, nl=False)
    click.echo(digest.hexdigest(), err=True)
