"""``distrib program set``: gives a program other settings, with a trail of who changed what."""

from __future__ import annotations

from typing import Any

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, json_option, print_json, program_option
from distrib.domain.customers import RULES
from distrib.domain.identifiers import visible
from distrib.domain.texts import Text
from distrib.services.context import Program
from distrib.services.programs.settings import set_program
from distrib.services.programs.tenants import ADMISSIONS
from distrib.services.programs.wanted_settings import APPROVALS, SETTINGS, WITHDRAWAL_TERMS, WITHHOLDINGS, settings_of

CLEARED = ("title", "join_url")
"""Settings that an empty text takes back."""


@click.command("set")
@click.option("--time-zone", help="IANA name; fixed once there are events.")
@click.option("--policy", help="Policy pack.")
@click.option("--signed-off-by", help="Who answers for a looser pack.")
@click.option("--admission", type=click.Choice(ADMISSIONS), help="How a shop comes in.")
@click.option("--identity-required/--no-identity-required", default=None, help="Whether it names an identity.")
@click.option("--binding", "binding_rule", type=click.Choice(RULES), help="How customers are bound.")
@click.option("--protect-days", type=int, help="With --binding protected.")
@click.option("--expire-days", type=int, help="With --binding; without end if not given.")
@click.option("--withholding", type=click.Choice(WITHHOLDINGS), help="How tax is withheld.")
@click.option("--withdrawal-least-minor", type=int, help="Least withdrawal; naming it sets all rules of them.")
@click.option("--withdrawal-most-minor", type=int, help="Greatest withdrawal.")
@click.option("--withdrawals-per-day", type=int, help="Most of a shop in a day.")
@click.option("--withdrawals-per-month", type=int, help="Most of a shop in a month.")
@click.option("--withdrawal-fee-minor", type=int, help="What the shop bears for each.")
@click.option("--no-withdrawals", is_flag=True, help="Take no withdrawals any more.")
@click.option("--key-approval", type=click.Choice(APPROVALS), help="How keys of the API come to confirm money.")
@click.option("--key-wait-hours", type=int, help="With --key-approval wait.")
@click.option("--payee-hold-days", type=int, help="How long a change of money waits that one person asked for.")
@click.option("--title", help="What invitations call it; '' takes it back.")
@click.option("--join-url", help="Your own page for joining; '' takes it back.")
@program_option
@json_option
def set_command(
    program_code: str | None, as_json: bool, signed_off_by: str | None, no_withdrawals: bool, **given: Any
) -> None:
    """Change settings of a program; what is not named stays."""
    wanted = {name: value for name, value in given.items() if value is not None}
    wanted |= {name: None for name in CLEARED if wanted.get(name) == ""}
    if no_withdrawals:
        if WITHDRAWAL_TERMS.keys() & wanted.keys():
            raise click.UsageError(in_both(Text("--no-withdrawals goes without rules of withdrawals.")))
        wanted |= {"withdrawal_least_minor": None}
    if not wanted:
        raise click.UsageError(in_both(Text("Name a setting to change.")))
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        made = set_program(unit, settings_of(wanted), container.policies, signed_off_by)
    if as_json:
        print_json(_shown(made))
        return
    for name in wanted:
        click.echo(visible(f"{made.code}: {name} = {getattr(made, name)}"))


def _shown(made: Program) -> dict[str, object]:
    return {"code": made.code, "currency": made.currency} | {name: getattr(made, name) for name in SETTINGS}
