"""``distrib program``: opens, sets and lists programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, json_option, open_console, options_as, print_json, print_table
from distrib.cli.programs.limits import limits_command
from distrib.cli.programs.settings import set_command
from distrib.domain.texts import Text
from distrib.services.context import Program
from distrib.services.programs.tenants import ADMISSIONS, ProgramDraft, create_program, list_programs


@click.group()
def program() -> None:
    """Open, set and list programs."""


@dataclass(frozen=True, slots=True)
class _ProgramOptions:
    """What `create` is asked."""

    code: str
    currency: str
    time_zone: str
    policy: str
    admission: str
    identity_required: bool
    as_json: bool


@program.command()
@click.argument("code")
@click.option("--currency", required=True, help="ISO 4217, such as CNY.")
@click.option("--time-zone", required=True, help="IANA name, such as Asia/Shanghai.")
@click.option("--policy", required=True, help="Policy pack, such as cn.")
@click.option(
    "--admission",
    type=click.Choice(ADMISSIONS),
    default="open",
    show_default=True,
    help="How a shop comes in.",
)
@click.option("--identity-required", is_flag=True, help="A shop names an identity to join.")
@json_option
@options_as(_ProgramOptions)
def create(asked: _ProgramOptions) -> None:
    """Open the program CODE; the same again changes nothing."""
    with open_container() as container:
        policies, now = container.policies, container.now()
        with container.begin() as conn:
            made = create_program(
                conn,
                ProgramDraft(
                    asked.code, asked.currency, asked.time_zone, asked.policy, asked.admission, asked.identity_required
                ),
                now,
                policies,
            )
            container.act(made)
    if asked.as_json:
        print_json(_shown(made))
    else:
        click.echo(in_both(Text("Program {code} is open.", code=made.code)))


@program.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the programs."""
    with open_container() as container, container.begin() as conn:
        programs = [_shown(tenant) for tenant in list_programs(conn)]
    if as_json:
        print_json(programs)
        return
    names = ("code", "currency", "time_zone", "policy", "admission", "identity_required")
    titles = (
        Text("code", "column"),
        Text("currency", "column"),
        Text("time zone", "column"),
        Text("policy", "column"),
        Text("admission", "column"),
        Text("identity", "column"),
    )
    rows = [[row[name] for name in names] for row in programs]
    print_table(open_console(), in_both(Text("Programs")), dict.fromkeys(titles, False), rows)


program.add_command(set_command)
program.add_command(limits_command)


def _shown(tenant: Program) -> dict[str, object]:
    return {name: value for name, value in asdict(tenant).items() if name != "program_id"}
