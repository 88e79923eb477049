"""Two people who can sign in to the demo's programs, so that a month can be closed with both."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.people import accounts, seats
from distrib.services.people.accounts import PersonDraft, SignedPerson
from distrib.services.people.passwords import new_password

ROLES: Final = {"demo-wang": ("王芳 Wang Fang", "admin"), "demo-li": ("李雷 Li Lei", "finance")}
"""The logins, with name and role."""


class Guest(NamedTuple):
    """Somebody who can sign in, with the password."""

    login: str
    role: str
    password: str


def seat_guests(conn: Connection, program: Program, directory: Path, now: datetime) -> list[Guest]:
    """Lets two people into the program; their passwords are drawn once, and kept in a file of the owner's.

    Args:
        directory: where the demos of this machine keep their files.
    """
    path = directory / "people"
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    guests = []
    for login, (name, role) in ROLES.items():
        password = known.setdefault(login, new_password())
        seats.give_seat(Unit(conn, program, COMMAND_LINE, now), _person(conn, login, name, password, now), role)
        guests.append(Guest(login, role, password))
    _write(path, json.dumps(known))
    return guests


def _person(conn: Connection, login: str, name: str, password: str, now: datetime) -> SignedPerson:
    """Makes the person; one of an earlier demo has the password of today's file from now on."""
    try:
        accounts.person_by_login(conn, login)
    except Refusal:
        return accounts.make_person(conn, PersonDraft(login, name, password, must_change=False), now)
    return accounts.give_password(conn, login, password, now, must_change=False)


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
