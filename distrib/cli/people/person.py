"""``distrib person``: makes people who sign in, lets them into programs, and ends that. A password is shown once.

Whoever runs the machine has the database, too: who is let in here may confirm money at once, and has no maker.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

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
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.services.people import accounts, seats, subjects
from distrib.services.people.accounts import PersonDraft
from distrib.services.people.passwords import new_password
from distrib.services.people.refusals import PersonUnknown
from distrib.services.programs.key_changes import revoke_key
from distrib.services.programs.scopes import SEAT_ROLES

_COLUMNS = {
    "login": Text("login", "column"),
    "name": Text("name", "column"),
    "role": Text("role", "column"),
    "created_at": Text("since", "column"),
    "revoked_at": Text("ended", "column"),
}


@click.group()
def person() -> None:
    """Let people sign in to the console, and end that."""


@dataclass(frozen=True, slots=True)
class _PersonOptions:
    """What `create` is asked."""

    login: str
    name: str | None
    role: str
    password_stdin: bool
    program_code: str | None
    as_json: bool


@person.command()
@click.argument("login")
@click.option("--name", help="The name that others see; the login if not given.")
@click.option("--role", type=click.Choice(SEAT_ROLES), required=True, help="What the person may in the program.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input in place of drawing one.")
@program_option
@json_option
@options_as(_PersonOptions)
def create(asked: _PersonOptions) -> None:
    """Let the person LOGIN into the program; who is new gets a password, printed once, alone on the last line.

    A password that was drawn has to be changed at the first sign-in.
    """
    given = sys.stdin.readline().rstrip("\n") if asked.password_stdin else None
    password = new_password() if given is None else given
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, asked.program_code)
        try:
            who, is_new = accounts.person_by_login(conn, asked.login), False
        except Refusal:
            must_change = given is None
            who = accounts.make_person(
                conn, PersonDraft(asked.login, asked.name or asked.login, password, must_change=must_change), unit.now
            )
            is_new = True
        key_id = seats.give_seat(unit, who, asked.role)
    shown = password if is_new and given is None else None
    if asked.as_json:
        print_json(
            {"program": unit.program.code, "login": asked.login, "role": asked.role, "seat": key_id, "password": shown}
        )
        return
    click.echo(
        in_both(Text("{login} may sign in to {program}.", login=asked.login, program=unit.program.code)), err=True
    )
    if shown is not None:
        click.echo(in_both(Text("Keep it: it is not shown again.")), err=True)
        click.echo(shown)


@person.command("list")
@program_option
@json_option
def list_command(program_code: str | None, as_json: bool) -> None:
    """List the people of a program."""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        rows = [row._asdict() for row in seats.list_seated(conn, program)]
    if as_json:
        print_json(rows)
        return
    shown = [
        [time_text(row[name]) if name.endswith("_at") and row[name] else row[name] for name in _COLUMNS] for row in rows
    ]
    title = f"{in_both(Text('People'))}: {program.code}"
    print_table(open_console(), title, dict.fromkeys(_COLUMNS.values(), False), shown)


@person.command()
@click.argument("login")
@program_option
def remove(login: str, program_code: str | None) -> None:
    """End the seat of the person LOGIN in the program, at once."""
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        live = [row for row in seats.list_seated(conn, unit.program) if row.login == login and not row.revoked_at]
        if not live:
            raise PersonUnknown(login=login)
        for row in live:
            revoke_key(unit, row.key_id)
    click.echo(in_both(Text("{id} has ended.", "key", id=login)))


@person.command()
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input in place of drawing one.")
@program_option
def password(login: str, password_stdin: bool, program_code: str | None) -> None:
    """Give the person LOGIN a new password, to be changed at the next sign-in, and end all sessions."""
    given = sys.stdin.readline().rstrip("\n") if password_stdin else None
    drawn = new_password() if given is None else given
    with open_container() as container:
        now = container.now()
        with container.begin() as conn:
            container.program(conn, program_code)
            accounts.give_password(conn, login, drawn, now)
    if given is None:
        click.echo(in_both(Text("Keep it: it is not shown again.")), err=True)
        click.echo(drawn)


@person.command()
@click.argument("login")
@click.argument("subject")
@click.option("--issuer", help="Of the provider; DISTRIB_OIDC_ISSUER if not given.")
@program_option
def bind(login: str, subject: str, issuer: str | None, program_code: str | None) -> None:
    """Let the person LOGIN sign in as who is SUBJECT at the provider of OpenID Connect.

    SUBJECT is what the provider calls sub: whoever signs in there and is bound to nobody is shown it.
    """
    with open_container() as container:
        now, named = container.now(), _issuer(issuer, container.settings.oidc_issuer)
        with container.begin() as conn:
            container.program(conn, program_code)
            subjects.bind_subject(conn, login, named, subject, now)
    done = Text("{login} signs in as {subject} of {issuer}, too.", login=login, subject=subject, issuer=named)
    click.echo(in_both(done))


@person.command()
@click.argument("login")
@click.option("--issuer", help="Of the provider; DISTRIB_OIDC_ISSUER if not given.")
@program_option
def unbind(login: str, issuer: str | None, program_code: str | None) -> None:
    """Let the person LOGIN sign in at the provider no more, and end all sessions; the password stays good."""
    with open_container() as container:
        now, named = container.now(), _issuer(issuer, container.settings.oidc_issuer)
        with container.begin() as conn:
            container.program(conn, program_code)
            subjects.unbind_subject(conn, login, named, now)
    click.echo(in_both(Text("{login} signs in at {issuer} no more.", login=login, issuer=named)))


def _issuer(given: str | None, of_settings: str | None) -> str:
    issuer = given or of_settings
    if issuer is None:
        raise click.UsageError(in_both(Text("Set DISTRIB_OIDC_ISSUER, or name one with --issuer.")))
    return issuer


@person.command()
@click.argument("login")
@program_option
def end(login: str, program_code: str | None) -> None:
    """Let the person LOGIN sign in no more, to any program, and end all sessions."""
    with open_container() as container:
        now = container.now()
        with container.begin() as conn:
            container.program(conn, program_code)
            accounts.end_person(conn, login, now)
    click.echo(in_both(Text("{id} has ended.", "key", id=login)))
