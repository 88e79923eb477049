"""Seats: which programs a person is in, and as what. A seat is a key that nobody can present, owned by its person.

So all that holds for keys holds for people: who made it, who may confirm what, what stands in the trail. What a role
may is said beside the calls; no SQL may enter.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import Internal
from distrib.domain.texts import Text
from distrib.services.context import Actor, Program, Unit
from distrib.services.people.accounts import PersonDraft, SignedPerson, make_person, person_by_login
from distrib.services.people.passwords import new_password
from distrib.services.people.refusals import PersonSeated, PersonUnknown
from distrib.services.programs.keys import MADE, actor_of, awaiting, key_view, reaches
from distrib.services.programs.scopes import SEAT_ROLES
from distrib.services.programs.tenants import get_program
from distrib.store.database import enter_program
from distrib.store.people import seats as store
from distrib.store.people.seats import SeatedRow
from distrib.store.programs import keys
from distrib.store.programs.keys import KeyRow, ListedKey

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


@dataclass(frozen=True, slots=True)
class SeatView:
    """A person's place in a program as it is shown."""

    login: str | None
    name: str
    id: str
    role: str
    state: str
    may_confirm: bool
    confirms_from: datetime | None
    created_at: datetime
    made_by: str | None
    approved_by: str | None
    approved_at: datetime | None
    revoked_at: datetime | None
    ended_by: str | None


def give_seat(unit: Unit, person: SignedPerson, role: str) -> str:
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
    if not reaches(unit.actor, role, None):
        raise Refusal("invalid", [Problem("/role", Text("must not reach further than the key that asks"))])
    if store.live_seat(unit.conn, unit.program_id, person.person_no, unit.now) is not None:
        raise PersonSeated(login=person.login)
    key_id = secrets.token_hex(8)
    row = KeyRow(unit.program_id, key_id, person.name, role, None, secrets.token_bytes(_SECRET_BYTES), unit.now)
    row = row._replace(owner=person.login, made_by=unit.actor.key_id, person_no=person.person_no)
    row = awaiting(unit.program, row, unit.actor, unit.now)
    keys.insert_key(unit.conn, row)
    keys.note_change(unit.conn, row, MADE, unit.now, unit.actor.key_id)
    return key_id


def seats_of(conn: Connection, person: SignedPerson, now: datetime) -> list[Seat]:
    """Lists the programs that a person is in; the transaction has entered the person."""
    rows = store.seats_of(conn, person.person_no, now, MOST_SEATS)
    return [Seat(row.key_id, row.role, row.program_id, row.code, row.title) for row in rows]


def take_seat(conn: Connection, seat: Seat, now: datetime) -> tuple[Program, Actor]:
    """Enters the seat's program and says who acts there; raises ``unauthorized`` where the seat has ended."""
    enter_program(conn, seat.program_id)
    program = get_program(conn, seat.program_id)
    return program, actor_of(conn, program, seat.key_id, now)


def list_seated(conn: Connection, program: Program) -> list[SeatedRow]:
    """Lists the people of a program, those that are in first."""
    return store.seated(conn, program.program_id, MOST_SEATED)


def let_in(unit: Unit, login: str, name: str | None, role: str) -> tuple[SeatView, str | None]:
    """Gives a seat to the person of that login, who is made where there is none; answers the seat as it is shown.

    Args:
        name: that others see, of a new person; its login if not given. Who is there already keeps the name.

    Returns:
        The seat, and the password that was drawn for a new person: seen this once, good for nothing but to choose
        another.

    Raises:
        Refusal: ``invalid``, ``person_seated``, or ``person_known`` for a login that signs in no more.
    """
    password = None
    try:
        person = person_by_login(unit.conn, login)
    except Refusal as refusal:
        if refusal.code != PersonUnknown.code:
            raise
        password = new_password()
        person = make_person(unit.conn, PersonDraft(login, name or login, password, must_change=True), unit.now)
    key_id = give_seat(unit, person, role)
    row = keys.key_of(unit.conn, unit.program_id, key_id)
    if row is None:
        raise Internal()
    return seat_view(row, unit.now), password


def list_people(
    unit: Unit, is_ended: bool | None, after: tuple[str, str] | None, limit: int
) -> tuple[list[SeatView], tuple[str, str] | None]:
    """Lists the seats of a program by login, and after which login and key the next page begins.

    Args:
        is_ended: those that ended, those that did not, or both for None.
    """
    rows = keys.list_seats(unit.conn, unit.program_id, is_ended, after or ("", ""), limit + 1)
    follows = (rows[limit - 1].owner or "", rows[limit - 1].key_id) if len(rows) > limit else None
    return [seat_view(row, unit.now) for row in rows[:limit]], follows


def seat_view(row: KeyRow, now: datetime) -> SeatView:
    """A seat as it is shown: whose it is, and what of its key means something for a person."""
    view = key_view(ListedKey(row, None), now)
    return SeatView(
        login=row.owner,
        name=row.name,
        id=view.id,
        role=view.role,
        state=view.state,
        may_confirm=view.may_confirm,
        confirms_from=view.confirms_from,
        created_at=view.created_at,
        made_by=view.made_by,
        approved_by=view.approved_by,
        approved_at=view.approved_at,
        revoked_at=view.revoked_at,
        ended_by=view.ended_by,
    )
