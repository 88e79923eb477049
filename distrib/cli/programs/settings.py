"""``distrib program set``: gives a program other settings, with a trail of who changed what."""

from __future__ import annotations

from typing import Any

import click

from distrib.bootstrap import open_container
from distrib.cli.output import json_option, print_json, program_option
from distrib.domain.customers import RULES
from distrib.services.context import COMMAND_LINE, Program
from distrib.services.programs.settings import SETTINGS, WITHHOLDINGS, set_program
from distrib.services.programs.tenants import ADMISSIONS

CLEARED = ("title", "join_url")
"""Settings that an empty text takes back."""


@click.command("set")
@click.option("--time-zone", help="IANA name; fixed once there are events. 时区，有事件后不可更改。")
@click.option("--policy", help="Policy pack. 合规策略。")
@click.option("--signed-off-by", help="Who answers for a looser pack. 放宽策略的签署人。")
@click.option("--admission", type=click.Choice(ADMISSIONS), help="How a shop comes in. 加入方式。")
@click.option("--identity-required/--no-identity-required", default=None, help="Whether it names an identity. 须实名。")
@click.option("--binding", "binding_rule", type=click.Choice(RULES), help="How customers are bound. 锁客规则。")
@click.option("--protect-days", type=int, help="With --binding protected. 保护期天数。")
@click.option("--expire-days", type=int, help="With --binding; without end if not given. 有效期天数。")
@click.option("--withholding", type=click.Choice(WITHHOLDINGS), help="How tax is withheld. 代扣方式。")
@click.option("--title", help="What invitations call it; '' takes it back. 邀请页显示的名称，空串则清除。")
@click.option("--join-url", help="Your own page for joining; '' takes it back. 贵平台的加入页面，空串则清除。")
@program_option
@json_option
def set_command(program_code: str | None, as_json: bool, signed_off_by: str | None, **given: Any) -> None:
    """Change settings of a program; what is not named stays. 修改分销计划设置。"""
    wanted = {name: value for name, value in given.items() if value is not None}
    wanted |= {name: None for name in CLEARED if wanted.get(name) == ""}
    if not wanted:
        raise click.UsageError("Name a setting to change. 请指定要修改的设置。")
    with open_container() as container:
        now = container.now()
        with container.begin() as conn:
            program = container.program(conn, program_code)
            made = set_program(conn, program, wanted, container.policies, signed_off_by, COMMAND_LINE, now)
    if as_json:
        print_json(_shown(made))
        return
    for name in wanted:
        click.echo(f"{made.code}: {name} = {getattr(made, name)}")


def _shown(made: Program) -> dict[str, object]:
    return {"code": made.code, "currency": made.currency} | {name: getattr(made, name) for name in SETTINGS}
