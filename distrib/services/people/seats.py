"""Seats: which programs a person is in, and as what. A seat is a key that nobody can present, owned by its person.

So all that holds for keys holds for people: who made it, who may confirm what, what stands in the trail. What a role
may is said beside the calls; no SQL may enter.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE, Actor, Program
from distrib.services.people.accounts import Person
from distrib.services.programs.keys import MADE, actor_of, awaiting, reaches
from distrib.services.programs.scopes import SEAT_ROLES
from distrib.services.programs.tenants import get_program
from distrib.store.database import enter_program
from distrib.store.people import seats as store
from distrib.store.programs import keys
from distrib.store.programs.keys import KeyRow

MOST_SEATS: Final = 100
"""Programs of one person that are listed."""
MOST_SEATED: Final = 500
"""People of one program that are listed."""
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Seat:
    """A person's place in a program."""

    key_id: str
    role: str
    program_id: int
    code: str
    title: str | None


def give_seat(
    conn: Connection, program: Program, person: Person, role: str, now: datetime, actor: Actor = COMMAND_LINE
) -> str:
    """Lets a person into the program as what the role says, and returns the seat's key.

    A seat that may confirm money and was not given on the command line waits, as a key does.

    Args:
        person: whom the transaction has entered.

    Raises:
        Refusal: ``invalid`` for a role that is none or reaches further than the actor's own, or ``person_seated``.
    """
    if role not in SEAT_ROLES:
        words = Text("must be one of {choices}", "setting", choices=", ".join(SEAT_ROLES))
        raise Refusal("invalid", [Problem("/role", words)])
    if not reaches(actor, role, None):
        raise Refusal("invalid", [Problem("/role", Text("must not reach further than the key that asks"))])
    if store.live_seat(conn, program.program_id, person.person_no, now) is not None:
        raise Refusal("person_seated", login=person.login)
    key_id = secrets.token_hex(8)
    row = KeyRow(program.program_id, key_id, person.name, role, None, secrets.token_bytes(_SECRET_BYTES), now)
    row = row._replace(owner=person.login, made_by=actor.key_id, person_no=person.person_no)
    row = awaiting(program, row, actor, now)
    keys.insert_key(conn, row)
    keys.note_change(conn, row, MADE, now, actor.key_id)
    return key_id


def seats_of(conn: Connection, person: Person, now: datetime) -> list[Seat]:
    """Lists the programs that a person is in; the transaction has entered the person."""
    rows = store.seats_of(conn, person.person_no, now, MOST_SEATS)
    return [Seat(row.key_id, row.role, row.program_id, row.code, row.title) for row in rows]


def take_seat(conn: Connection, seat: Seat, now: datetime) -> tuple[Program, Actor]:
    """Enters the seat's program and says who acts there; raises ``unauthorized`` where the seat has ended."""
    enter_program(conn, seat.program_id)
    program = get_program(conn, seat.program_id)
    return program, actor_of(conn, program, seat.key_id, now)


def list_seated(conn: Connection, program: Program) -> list[dict[str, Any]]:
    """Lists the people of a program, those that are in first."""
    return [row._asdict() for row in store.seated(conn, program.program_id, MOST_SEATED)]
