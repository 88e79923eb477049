"""``distrib key``: makes, lists, changes and ends API keys. A key is printed once, by whoever made it.

Whoever runs the machine has the database, too: what is made here may confirm money at once, and has no maker's key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import click

from distrib.bootstrap import open_container
from distrib.cli.output import (
    in_both,
    json_option,
    open_console,
    options_as,
    print_json,
    print_table,
    program_option,
    time_text,
)
from distrib.cli.programs.limits import limit_command
from distrib.domain.identifiers import parse_instant, visible
from distrib.domain.texts import Text
from distrib.services.context import Unit
from distrib.services.programs import key_changes
from distrib.services.programs.key_changes import KEEPS_OLD_HOURS, MOST_HOURS, NEW, OLD, revoke_key
from distrib.services.programs.keys import KeyDraft, KeyTerms, create_key, key_view, list_keys
from distrib.services.programs.scopes import ROLES, SCOPES
from distrib.services.programs.signing import end_signing, require_signing

PAGE = 500
_COLUMNS = {
    "id": Text("id", "column"),
    "name": Text("name", "column"),
    "owner": Text("owner", "column"),
    "role": Text("role", "column"),
    "state": Text("state", "column"),
    "expires_at": Text("expires", "column"),
    "last_used_at": Text("last used", "column"),
}


@click.group()
def key() -> None:
    """Make, list, change and end API keys."""


def _when(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    try:
        return None if value is None else parse_instant(value)
    except ValueError as error:
        raise click.BadParameter(in_both(Text("must be an RFC 3339 time with an offset"))) from error


_scope_option = click.option(
    "--scope", "scopes", type=click.Choice(SCOPES["admin"]), multiple=True, help="Only this of the role; repeatable."
)
_expires_option = click.option("--expires-at", callback=_when, help="When it ends, as RFC 3339.")


@dataclass(frozen=True, slots=True)
class _KeyOptions:
    """What `create` is asked."""

    role: str
    name: str | None
    owner: str | None
    shop_id: str | None
    scopes: tuple[str, ...]
    expires_at: datetime | None
    program_code: str | None
    as_json: bool


@key.command()
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")
@click.option("--name", help="What it is for; the role if not given.")
@click.option("--owner", help="The person or machine it stands for; its name if not given.")
@click.option("--shop", "shop_id", help="The partner's shop.")
@_scope_option
@_expires_option
@program_option
@json_option
@options_as(_KeyOptions)
def create(asked: _KeyOptions) -> None:
    """Make a key; it is printed once, alone on the last line."""
    terms = KeyTerms(asked.owner, tuple(dict.fromkeys(asked.scopes)) or None, asked.expires_at)
    with open_container() as container:
        container.must_know_its_peppers()
        pepper = container.pepper
        with container.begin() as conn:
            unit = container.unit(conn, asked.program_code)
            made = create_key(
                unit,
                KeyDraft(asked.role, asked.name or asked.role, asked.shop_id, terms=terms),
                pepper,
            )
    if asked.as_json:
        shown = {
            "program": unit.program.code,
            "role": asked.role,
            "name": asked.name or asked.role,
            "shop_id": asked.shop_id,
            "key": made,
        }
        print_json(shown | terms._asdict())
        return
    _print_secret(made)


@key.command("list")
@program_option
@json_option
def list_command(program_code: str | None, as_json: bool) -> None:
    """List the keys without their secrets."""
    keys: list[dict[str, Any]] = []
    with open_container() as container, container.begin() as conn:
        program, now = container.program(conn, program_code), container.now()
        after: str | None = ""
        while after is not None:
            page, after = list_keys(conn, program, after, PAGE)
            keys += [asdict(key_view(listed, now)) for listed in page]
    if as_json:
        print_json([{"key_id": view["id"], **view} for view in keys])
        return
    rows = [[_cell(view[name]) for name in _COLUMNS] for view in map(_with_reach, keys)]
    columns = dict.fromkeys(_COLUMNS.values(), False)
    print_table(open_console(), f"{in_both(Text('Keys'))}: {program.code}", columns, rows)


@key.command("owner")
@click.argument("key_id")
@click.argument("owner")
@program_option
@json_option
def owner_command(key_id: str, owner: str, program_code: str | None, as_json: bool) -> None:
    """Say that the key KEY_ID stands for the person or machine OWNER."""

    def change(unit: Unit) -> dict[str, Any]:
        return asdict(key_changes.set_key(unit, key_id, {"owner": owner}))

    _change(change, program_code, as_json)


@dataclass(frozen=True, slots=True)
class _SetOptions:
    """What `set` is asked."""

    key_id: str
    scopes: tuple[str, ...]
    all_scopes: bool
    expires_at: datetime | None
    never_expires: bool
    program_code: str | None
    as_json: bool


@key.command("set")
@click.argument("key_id")
@_scope_option
@click.option("--all-scopes", is_flag=True, help="All that its role may.")
@_expires_option
@click.option("--never-expires", is_flag=True, help="No end.")
@program_option
@json_option
@options_as(_SetOptions)
def set_command(asked: _SetOptions) -> None:
    """Change how far the key KEY_ID reaches and until when; what is not named stays."""
    if (asked.scopes and asked.all_scopes) or (asked.expires_at and asked.never_expires):
        raise click.UsageError(
            in_both(Text("--all-scopes goes without --scope, --never-expires without --expires-at."))
        )
    wanted: key_changes.TermChanges = {}
    if asked.scopes or asked.all_scopes:
        wanted["scopes"] = asked.scopes or None
    if asked.expires_at or asked.never_expires:
        wanted["expires_at"] = asked.expires_at
    if not wanted:
        raise click.UsageError(in_both(Text("Name a setting to change.")))

    def change(unit: Unit) -> dict[str, Any]:
        return asdict(key_changes.set_key(unit, asked.key_id, wanted))

    _change(change, asked.program_code, asked.as_json)


@key.command()
@click.argument("key_id")
@click.option(
    "--keep-hours",
    type=click.IntRange(0, MOST_HOURS),
    default=KEEPS_OLD_HOURS,
    show_default=True,
    help="How long the former secret still works.",
)
@program_option
@json_option
def rotate(key_id: str, keep_hours: int, program_code: str | None, as_json: bool) -> None:
    """Give the key KEY_ID a new secret; it is printed once, alone on the last line."""
    with open_container() as container:
        container.must_know_its_peppers()
        pepper = container.pepper
        with container.begin() as conn:
            unit = container.unit(conn, program_code)
            made, view = key_changes.rotate_key(unit, key_id, keep_hours, pepper)
    if as_json:
        print_json(asdict(view) | {"key": made})
        return
    _print_secret(made)


@key.command("finish-rotation")
@click.argument("key_id")
@click.option("--keep", type=click.Choice([NEW, OLD]), default=NEW, show_default=True, help="Which secret stays.")
@program_option
@json_option
def finish_command(key_id: str, keep: str, program_code: str | None, as_json: bool) -> None:
    """End one of the two secrets of the key KEY_ID, at once."""

    def change(unit: Unit) -> dict[str, Any]:
        return asdict(key_changes.finish_rotation(unit, key_id, keep))

    _change(change, program_code, as_json)


@key.command()
@click.argument("key_id")
@program_option
@json_option
def approve(key_id: str, program_code: str | None, as_json: bool) -> None:
    """Let the key KEY_ID, made over the API, confirm money at once."""

    def change(unit: Unit) -> dict[str, Any]:
        return asdict(key_changes.approve_key(unit, key_id))

    _change(change, program_code, as_json)


@key.command()
@click.argument("key_id")
@program_option
def revoke(key_id: str, program_code: str | None) -> None:
    """End the key KEY_ID, at once and for ever."""
    with open_container() as container, container.begin() as conn:
        revoke_key(container.unit(conn, program_code), key_id)
    click.echo(in_both(Text("{id} has ended.", "key", id=key_id)))


@key.command()
@click.argument("key_id")
@click.option("--end", is_flag=True, help="Ask it for no signatures any more.")
@program_option
def sign(key_id: str, end: bool, program_code: str | None) -> None:
    """Make the key KEY_ID sign its posts of events; the secret is printed once, alone on the last line."""
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        if end:
            end_signing(unit, key_id)
            return
        secret, former_until = require_signing(unit, key_id, container.sealer)
    if former_until is not None:
        words = Text("The secret before is good until {until}.", until=time_text(former_until))
        click.echo(in_both(words), err=True)
    _print_secret(secret)


key.add_command(limit_command)


def _change(change: Callable[[Unit], dict[str, Any]], program_code: str | None, as_json: bool) -> None:
    with open_container() as container, container.begin() as conn:
        view = change(container.unit(conn, program_code))
    if as_json:
        print_json(view)
        return
    for name in ("owner", "scopes", "state", "expires_at", "may_confirm", "old_secret_ends_at"):
        click.echo(visible(f"{view['id']}: {name} = {_cell(view[name])}"))


def _with_reach(view: dict[str, Any]) -> dict[str, Any]:
    """A key whose role comes with what narrows it: its scopes, or its shop."""
    narrowed = view["shop_id"] or ", ".join(view["scopes"] or ())
    return view | {"role": f"{view['role']}: {narrowed}" if narrowed else view["role"]}


def _print_secret(made: str) -> None:
    click.echo(in_both(Text("Keep it: it is not shown again.")), err=True)
    click.echo(made)


def _cell(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(value)
    return time_text(value) if isinstance(value, datetime) else value
