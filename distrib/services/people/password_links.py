"""Links for a lost password: an admin asks for one, the person sets a new password by it, once, and is signed out.

Whoever has the link can sign in as the person. So it is an admin's to ask for only of people who are nowhere but in the
admin's own program and may no more there than the admin; and since then the admin had that seat in hand, as who made it
(``services.programs.persons``): what the admin proposed the seat does not confirm, and money in general once it has
waited or was approved anew. No SQL, no cookie may enter.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from distrib.domain.refusals import Forbidden, NotFound
from distrib.services.context import Actor, Program, Unit
from distrib.services.people.accounts import SignedPerson, person_by_login, person_by_no, set_password
from distrib.services.people.refusals import PasswordLinkOver, PersonElsewhere
from distrib.services.people.seats import seats_of
from distrib.services.pepper import Pepper
from distrib.services.programs import persons
from distrib.services.programs.keys import actor_of, awaiting, reaches
from distrib.services.programs.refusals import KeyEnded, OwnKey
from distrib.services.programs.tenants import get_program
from distrib.store.database import enter_program
from distrib.store.people import password_links as store
from distrib.store.people.password_links import LinkRow
from distrib.store.programs import keys

LINK_MINUTES: Final = 60
MOST_LINK_MINUTES: Final = 24 * 60
KEPT: Final = timedelta(days=30)
"""How long it can be seen whose link it was, after it is over; that it was made and used stays in the trail."""


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """A link as it was made: the only time its token is seen."""

    login: str
    name: str
    token: str
    over_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A link that is good: whose it is, by which seat, and the program, which the transaction has entered."""

    row: LinkRow
    person: SignedPerson
    program: Program
    actor: Actor


def create_link(unit: Unit, key_id: str, pepper: Pepper, *, link_minutes: int = LINK_MINUTES) -> PasswordLink:
    """Makes a link by which the person of a seat sets a new password, once; links made before are over.

    Args:
        key_id: of the seat.

    Raises:
        Refusal: ``not_found`` for what is no seat of the program, ``key_ended``, ``own_key`` for the actor's own
            person, ``forbidden`` for a seat that reaches further than the actor's key, ``person_unknown`` for a person
            who signs in no more, or ``person_elsewhere`` for one who has a seat in another program.
    """
    row = keys.key_of(unit.conn, unit.program_id, key_id, locks=True)
    if row is None or row.person_no is None or row.owner is None:
        raise NotFound()
    if persons.is_over(row, unit.now):
        raise KeyEnded(id=key_id)
    if key_id == unit.actor.key_id or row.owner == unit.actor.person:
        raise OwnKey()
    if not reaches(unit.actor, row.role, row.scopes):
        raise Forbidden()
    person = person_by_login(unit.conn, row.owner)
    _check_nowhere_else(unit.conn, unit.program, person, unit.now)
    store.end_links(unit.conn, person.person_no, unit.now)
    token, over_at = secrets.token_urlsafe(32), unit.now + timedelta(minutes=link_minutes)
    made = (unit.program_id, key_id, person.person_no, unit.now, unit.actor.key_id, over_at)
    store.insert_link(unit.conn, LinkRow(pepper.hash(_content(token)), *made))
    store.clear_links(unit.conn, unit.program_id, unit.now - KEPT)
    changed = awaiting(unit.program, row, unit.actor, unit.now)
    keys.update_key(unit.conn, changed)
    keys.note_change(unit.conn, changed, "rotated", unit.now, unit.actor.key_id)
    return PasswordLink(person.login, person.name, token, over_at)


def open_link(conn: Connection, token: str, pepper: Pepper, now: datetime) -> OpenedLink:
    """Looks whose link a token is without using it, and enters the person and the program.

    Raises:
        Refusal: ``password_link_over``, alike for what never was a link and for one that was used or has run out, whose
            seat or whose maker's key has ended; or ``person_elsewhere`` for a person who has got a seat in another
            program since.
    """
    links = (store.find_link(conn, link_hash) for link_hash in pepper.hashes(_content(token)))
    row = next(filter(None, links), None)
    if row is None or row.used_at is not None or row.over_at <= now:
        raise PasswordLinkOver()
    enter_program(conn, row.program_id)
    program = get_program(conn, row.program_id)
    if persons.ended_among(conn, program, [row.key_id, row.made_by], now):
        raise PasswordLinkOver()
    person = person_by_no(conn, row.person_no)
    if person is None:
        raise PasswordLinkOver()
    _check_nowhere_else(conn, program, person, now)
    return OpenedLink(row, person, program, actor_of(conn, program, row.key_id, now))


def use_link(conn: Connection, token: str, password: str, pepper: Pepper, now: datetime) -> OpenedLink:
    """Sets the password of the person whose link a token is, and ends all its sessions and links.

    Raises:
        Refusal: as ``open_link`` does, or ``invalid`` where the password will not do.
    """
    opened = open_link(conn, token, pepper, now)
    if not store.use_link(conn, opened.row.link_hash, now):
        raise PasswordLinkOver()
    set_password(conn, opened.person, password, now, must_change=False)
    return opened


def _check_nowhere_else(conn: Connection, program: Program, person: SignedPerson, now: datetime) -> None:
    """Raises ``person_elsewhere``; the transaction has entered the person, whose seats it sees in every program."""
    if any(seat.program_id != program.program_id for seat in seats_of(conn, person, now)):
        raise PersonElsewhere(login=person.login)


def _content(token: str) -> bytes:
    return f"password link\0{token}".encode()
