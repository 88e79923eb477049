"""``distrib program limits`` and ``distrib key limit``: what whoever runs the service allows a program and its keys."""

from __future__ import annotations

from dataclasses import asdict

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, json_option, print_json, program_option
from distrib.domain.texts import Text
from distrib.services.programs.limits import limit_key, limit_program, read_limits

AS_SETTINGS = 0
"""What takes a limit back on the command line: then it is as the service's settings say."""
_AT_LEAST_0 = click.IntRange(AS_SETTINGS)


@click.command("limits")
@click.option("--calls-per-minute", type=_AT_LEAST_0, help="Of each of its keys; 0: as the settings say.")
@click.option("--waiting-orders", type=_AT_LEAST_0, help="That may wait to be settled; 0: as the settings say.")
@click.option("--waiting-mib", type=_AT_LEAST_0, help="The same by weight in MiB; 0: as the settings say.")
@program_option
@json_option
def limits_command(
    program_code: str | None,
    as_json: bool,
    calls_per_minute: int | None,
    waiting_orders: int | None,
    waiting_mib: int | None,
) -> None:
    """Show what bounds a program's calls, and set it; what is not named stays."""
    given = {"calls_per_minute": calls_per_minute, "waiting_orders": waiting_orders}
    given |= {"waiting_bytes": None if waiting_mib is None else waiting_mib * 2**20}
    wanted = {name: value or None for name, value in given.items() if value is not None}
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        limits = limit_program(unit, wanted) if wanted else read_limits(conn, unit.program.program_id)
    shown = asdict(limits)
    if as_json:
        print_json({"program": unit.program.code, **shown})
        return
    by_key = shown.pop("by_key")
    for name, value in shown.items():
        click.echo(f"{unit.program.code}: {name} = {in_both(Text('as the settings say')) if value is None else value}")
    for key_id, calls in by_key.items():
        click.echo(f"{unit.program.code}: {key_id}: calls_per_minute = {calls}")


@click.command("limit")
@click.argument("key_id")
@click.option("--calls-per-minute", type=_AT_LEAST_0, required=True, help="0: as for the program's other keys.")
@program_option
def limit_command(key_id: str, calls_per_minute: int, program_code: str | None) -> None:
    """Set how many calls a minute the key KEY_ID may make."""
    with open_container() as container, container.begin() as conn:
        limit_key(container.unit(conn, program_code), key_id, calls_per_minute or None)
    shown = calls_per_minute or in_both(Text("as for the program's other keys"))
    click.echo(f"{key_id}: calls_per_minute = {shown}")
