"""``distrib key``: makes, lists and ends API keys. A key is printed once, by whoever made it."""

from __future__ import annotations

from datetime import datetime

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, json_option, open_console, print_json, print_table, program_option, time_text
from distrib.cli.programs.limits import limit_command
from distrib.domain.texts import Text
from distrib.services.programs.keys import ROLES, create_key, list_keys, revoke_key
from distrib.services.programs.signing import end_signing, require_signing
from distrib.store.programs.keys import ListedKey

PAGE = 500


@click.group()
def key() -> None:
    """Make, list and end API keys."""


@key.command()
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")
@click.option("--name", help="What it is for; the role if not given.")
@click.option("--shop", "shop_id", help="The partner's shop.")
@program_option
@json_option
def create(role: str, name: str | None, shop_id: str | None, program_code: str | None, as_json: bool) -> None:
    """Make a key; it is printed once, alone on the last line."""
    with open_container() as container:
        pepper, now = container.settings.key_pepper.encode(), container.now()
        with container.begin() as conn:
            program = container.program(conn, program_code)
            made = create_key(conn, program, role, name or role, shop_id, pepper, now)
    if as_json:
        print_json({"program": program.code, "role": role, "name": name or role, "shop_id": shop_id, "key": made})
        return
    click.echo(in_both(Text("Keep it: it is not shown again.")), err=True)
    click.echo(made)


@key.command("list")
@program_option
@json_option
def list_command(program_code: str | None, as_json: bool) -> None:
    """List the keys without their secrets."""
    keys: list[ListedKey] = []
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        after: str | None = ""
        while after is not None:
            page, after = list_keys(conn, program, after, PAGE)
            keys += page
    if as_json:
        print_json([row._asdict() for row in keys])
        return
    columns = dict.fromkeys(
        (
            Text("id", "column"),
            Text("name", "column"),
            Text("role", "column"),
            Text("shop", "column"),
            Text("made", "column"),
            Text("ended", "column"),
            Text("signs", "column"),
        ),
        False,
    )
    rows = [[_cell(value) for value in row] for row in keys]
    print_table(open_console(), f"{in_both(Text('Keys'))}: {program.code}", columns, rows)


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return in_both(Text("yes", "cell")) if value else None
    return time_text(value) if isinstance(value, datetime) else value


@key.command()
@click.argument("key_id")
@program_option
def revoke(key_id: str, program_code: str | None) -> None:
    """End the key KEY_ID, at once and for ever."""
    with open_container() as container:
        now = container.now()
        with container.begin() as conn:
            revoke_key(conn, container.program(conn, program_code), key_id, now)
    click.echo(in_both(Text("{id} has ended.", "key", id=key_id)))


@key.command()
@click.argument("key_id")
@click.option("--end", is_flag=True, help="Ask it for no signatures any more.")
@program_option
def sign(key_id: str, end: bool, program_code: str | None) -> None:
    """Make the key KEY_ID sign its posts of events; the secret is printed once, alone on the last line."""
    with open_container() as container:
        now = container.now()
        with container.begin() as conn:
            program = container.program(conn, program_code)
            if end:
                end_signing(conn, program, key_id, now)
                return
            secret, former_until = require_signing(conn, program, key_id, container.sealer, now)
    if former_until is not None:
        words = Text("The secret before is good until {until}.", until=time_text(former_until))
        click.echo(in_both(words), err=True)
    click.echo(in_both(Text("Keep it: it is not shown again.")), err=True)
    click.echo(secret)


key.add_command(limit_command)
