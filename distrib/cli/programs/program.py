"""``distrib program``: opens, sets and lists programs."""

from __future__ import annotations

from dataclasses import asdict

import click

from distrib.bootstrap import open_container
from distrib.cli.output import json_option, open_console, print_json, print_table
from distrib.cli.programs.settings import set_command
from distrib.services.context import Program
from distrib.services.programs.tenants import ADMISSIONS, create_program, list_programs


@click.group()
def program() -> None:
    """Open, set and list programs. 分销计划。"""


@program.command()
@click.argument("code")
@click.option("--currency", required=True, help="ISO 4217, such as CNY. 货币。")
@click.option("--time-zone", required=True, help="IANA name, such as Asia/Shanghai. 时区。")
@click.option("--policy", required=True, help="Policy pack, such as cn. 合规策略。")
@click.option(
    "--admission",
    type=click.Choice(ADMISSIONS),
    default="open",
    show_default=True,
    help="How a shop comes in. 加入方式。",
)
@click.option("--identity-required", is_flag=True, help="A shop names an identity to join. 加入须实名。")
@json_option
def create(
    code: str, currency: str, time_zone: str, policy: str, admission: str, identity_required: bool, as_json: bool
) -> None:
    """Open the program CODE; the same again changes nothing. 新建分销计划。"""
    with open_container() as container:
        policies, now = container.policies, container.now()
        with container.begin() as conn:
            made = create_program(conn, code, currency, time_zone, policy, now, policies, admission, identity_required)
    if as_json:
        print_json(_shown(made))
    else:
        click.echo(f"Program {made.code} is open. 分销计划 {made.code} 已建立。")


@program.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the programs. 列出分销计划。"""
    with open_container() as container, container.begin() as conn:
        programs = [_shown(tenant) for tenant in list_programs(conn)]
    if as_json:
        print_json(programs)
        return
    names = ("code", "currency", "time_zone", "policy", "admission", "identity_required")
    titles = ("code 编号", "currency 货币", "time zone 时区", "policy 合规策略", "admission 加入", "identity 实名")
    rows = [[row[name] for name in names] for row in programs]
    print_table(open_console(), "Programs 分销计划", dict.fromkeys(titles, False), rows)


program.add_command(set_command)


def _shown(tenant: Program) -> dict[str, object]:
    return {name: value for name, value in asdict(tenant).items() if name != "program_id"}
