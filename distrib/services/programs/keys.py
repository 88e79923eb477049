"""Makes, checks and shows API keys. A secret is seen once, by who made it; what stays is a keyed hash.

A key reads ``dk_<key id>_<secret>``; its id may be shown, its secret has 32 random bytes. What is done with a key later
stands in ``key_changes``, whose it is in ``persons``. Nothing that decides what a role may do may enter.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import ID_RULE, MAX_TEXT, is_identifier, is_storable_text, is_text
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.refusals import Unauthorized
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE, Actor, Program, Unit
from distrib.services.pepper import Pepper
from distrib.services.programs import persons
from distrib.services.programs.refusals import KeyExpired
from distrib.services.programs.scopes import ROLES, SCOPES, may_confirm, reach_of
from distrib.services.programs.tenants import get_program
from distrib.services.programs.wanted_settings import WAIT
from distrib.store.database import enter_program
from distrib.store.network import shops
from distrib.store.programs import keys as store
from distrib.store.programs.keys import KeyRow, ListedKey

MADE = "made"
ACTIVE, EXPIRED, ENDED = "active", "expired", "ended"
_USED_EVERY = timedelta(minutes=1)
_KEY = re.compile(r"dk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_NOBODY = bytes(32)


class KeyTerms(NamedTuple):
    """Whose a key is, how far it reaches and until when; None: nobody named, all of the role, no end."""

    owner: str | None = None
    scopes: tuple[str, ...] | None = None
    expires_at: datetime | None = None


_ANY = KeyTerms()


class KeyDraft(NamedTuple):
    """A key as it is asked for; ``shop_id`` is of a partner's."""

    role: str
    name: str
    shop_id: str | None = None
    terms: KeyTerms = _ANY


def create_key(unit: Unit, draft: KeyDraft, pepper: bytes) -> str:
    """Creates a key and returns it: the only time its secret is seen.

    One that may confirm money and was not made on the command line waits, as the program says.

    Raises:
        Refusal: ``invalid`` (role, name or terms, a partner without shop, a shop without partner, more than the
            actor's own key may) or ``shop_unknown``.
    """
    role, name, shop_id, terms = draft
    problems = [*_problems(role, name, shop_id), *misfits(role, terms, unit.actor, unit.now)]
    if problems:
        raise Refusal("invalid", problems)
    shop_no = None if shop_id is None else _shop_no(unit.conn, unit.program, shop_id)
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    scopes = None if terms.scopes is None else list(terms.scopes)
    row = KeyRow(unit.program_id, key_id, name, role, shop_no, hash_of(pepper, key_id, secret), unit.now)
    row = row._replace(owner=terms.owner, made_by=unit.actor.key_id, scopes=scopes, expires_at=terms.expires_at)
    row = awaiting(unit.program, row, unit.actor, unit.now)
    store.insert_key(unit.conn, row)
    store.note_change(unit.conn, row, MADE, unit.now, unit.actor.key_id)
    return key_text(key_id, secret)


def authenticate(conn: Connection, presented: str, pepper: Pepper, now: datetime) -> tuple[Program, Actor] | None:
    """Finds the program and actor of a key, and enters the program; None where no live key is presented.

    Compares in constant time, a key that does not exist as well as one that does, with one secret as with two. A key
    whose secret was hashed with the other pepper is as good.

    Raises:
        Refusal: ``key_expired`` for the good secret of a key whose time is over.
    """
    match = _KEY.fullmatch(presented)
    key_id, secret = (match[1], match[2]) if match else ("0" * 16, "")
    row = store.find_key(conn, key_id)
    content = _content(key_id, secret)
    is_new = pepper.made(row.secret_hmac if row else _NOBODY, content)
    is_old = pepper.made(_old_secret(row, now), content)
    if (
        match is None
        or row is None
        or not (is_new or is_old)
        or row.revoked_at is not None
        or row.person_no is not None
    ):
        return None
    if row.expires_at is not None and row.expires_at <= now:
        raise KeyExpired(expires_at=_instant(row.expires_at))
    enter_program(conn, row.program_id)
    program = get_program(conn, row.program_id)
    return program, _actor(conn, row)


def actor_of(conn: Connection, program: Program, key_id: str, now: datetime) -> Actor:
    """Resolves who acts by a live key of the program that was looked at before, as a person's seat is.

    Raises:
        Refusal: ``unauthorized`` where the key has ended.
    """
    row = store.key_of(conn, program.program_id, key_id)
    if row is None or persons.is_over(row, now):
        raise Unauthorized()
    return _actor(conn, row)


def is_use_due(actor: Actor, now: datetime) -> bool:
    """Whether a use of the actor's key is to be noted: the last one that was is a minute ago."""
    return actor.last_used_at is None or actor.last_used_at <= now - _USED_EVERY


def note_use(conn: Connection, program_id: int, key_id: str, now: datetime) -> None:
    """Records when a key was used, to the minute; in a transaction of its own, after the answer."""
    store.note_use(conn, program_id, key_id, now, now - _USED_EVERY)


def list_keys(
    conn: Connection, program: Program, after: str | None = None, limit: int = 50
) -> tuple[list[ListedKey], str | None]:
    """Lists the program's keys without their secrets, by id, and after what the next page begins."""
    listed = store.list_keys(conn, program.program_id, after or "", limit + 1)
    return listed[:limit], listed[limit - 1].row.key_id if len(listed) > limit else None


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as it is shown: all but what is secret.

    ``owner_is_set``: somebody said whose it is; else it is its name. ``is_seat``: what a person has who signs in.
    """

    id: str
    name: str
    role: str
    shop_id: str | None
    owner: str
    owner_is_set: bool
    scopes: list[str] | None
    state: str
    may_confirm: bool
    confirms_from: datetime | None
    created_at: datetime
    made_by: str | None
    approved_by: str | None
    approved_at: datetime | None
    expires_at: datetime | None
    old_secret_ends_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    ended_by: str | None
    signed: bool
    is_seat: bool


def key_view(listed: ListedKey, now: datetime) -> KeyView:
    """A key as it is shown: all but what is secret."""
    row = listed.row
    has_two = row.old_secret_ends_at is not None and row.old_secret_ends_at > now
    is_live = not persons.is_over(row, now)
    return KeyView(
        id=row.key_id,
        name=row.name,
        role=row.role,
        shop_id=listed.shop_id,
        owner=row.owner or row.name,
        owner_is_set=row.owner is not None,
        scopes=None if row.scopes is None else list(row.scopes),
        state=ENDED if row.revoked_at is not None else ACTIVE if is_live else EXPIRED,
        may_confirm=is_live and may_confirm(row.role, row.scopes) and not persons.is_waiting(row, now),
        confirms_from=row.confirms_from if is_live and persons.is_waiting(row, now) else None,
        created_at=row.created_at,
        made_by=row.made_by,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        expires_at=row.expires_at,
        old_secret_ends_at=row.old_secret_ends_at if has_two else None,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        ended_by=row.ended_by,
        signed=row.is_signed,
        is_seat=row.person_no is not None,
    )


def misfits(role: str, terms: KeyTerms, actor: Actor, now: datetime) -> list[Problem]:
    """Lists what is wrong with the terms of a key of that role, made or set by that actor."""
    problems = []
    if terms.owner is not None and not is_identifier(terms.owner):
        problems.append(Problem("/owner", ID_RULE))
    if terms.expires_at is not None and terms.expires_at <= now:
        problems.append(Problem("/expires_at", Text("must be in the future")))
    if role not in ROLES:
        return problems
    if terms.scopes is not None and not (terms.scopes and set(terms.scopes) <= set(SCOPES[role])):
        words = Text("must be some of {choices}", "scopes", choices=", ".join(SCOPES[role]))
        problems.append(Problem("/scopes", words))
    elif not reaches(actor, role, terms.scopes):
        problems.append(Problem("/scopes", Text("must not reach further than the key that asks")))
    return problems


def reaches(actor: Actor, role: str, scopes: Collection[str] | None) -> bool:
    """Whether the actor's own key may all that a key of that role and those scopes may."""
    return actor.scopes is None or reach_of(role, scopes) <= actor.scopes


def awaiting(program: Program, row: KeyRow, actor: Actor, now: datetime) -> KeyRow:
    """The row of a key that the actor had in hand: where it may confirm money, it waits anew.

    What the command line makes may confirm at once: whoever runs the machine has the database, too.
    """
    is_awaiting = actor.key_id != COMMAND_LINE.key_id and may_confirm(row.role, row.scopes)
    waits_until = now + timedelta(hours=program.key_wait_hours) if program.key_approval == WAIT else None
    confirms_from = waits_until if is_awaiting else None
    return row._replace(is_awaiting=is_awaiting, confirms_from=confirms_from, approved_by=None, approved_at=None)


def key_text(key_id: str, secret: str) -> str:
    """The key as it is presented."""
    return f"dk_{key_id}_{secret}"


def hash_of(pepper: bytes, key_id: str, secret: str) -> bytes:
    """Computes what is kept of a secret."""
    return Pepper(pepper).hash(_content(key_id, secret))


def hash_anew(conn: Connection, program: Program, presented: str, pepper: Pepper) -> None:
    """Hashes a good key's secret with the pepper of today where the other one had hashed it; it stays the same key.

    Nobody waits for it, and it waits for nobody: the next use of the key does what this one could not.
    """
    match = _KEY.fullmatch(presented)
    if match is None:
        return
    today, *others = pepper.hashes(_content(match[1], match[2]))
    for other in others:
        store.replace_hash(conn, program.program_id, match[1], other, today)


def _content(key_id: str, secret: str) -> bytes:
    return f"key\0{key_id}\0{secret}".encode()


def _actor(conn: Connection, row: KeyRow) -> Actor:
    shop_id = None if row.shop_no is None else shops.ids_of(conn, row.program_id, [row.shop_no])[row.shop_no]
    scopes = None if row.scopes is None else frozenset(row.scopes)
    person = persons.person_of(row.key_id, row.name, row.role, row.owner)
    return Actor(row.key_id, row.name, row.role, row.shop_no, shop_id, person, scopes, row.last_used_at, row.is_signed)


def _old_secret(row: KeyRow | None, now: datetime) -> bytes:
    if row is None or row.old_secret_hmac is None or row.old_secret_ends_at is None or row.old_secret_ends_at <= now:
        return _NOBODY
    return row.old_secret_hmac


def _problems(role: str, name: str, shop_id: str | None) -> list[Problem]:
    problems = []
    if role not in ROLES:
        problems.append(Problem("/role", Text("must be one of {choices}", "setting", choices=", ".join(ROLES))))
    if not is_storable_text(name) or not name.strip():
        problems.append(Problem("/name", Text("must have 1 to {most} characters", most=MAX_TEXT)))
    elif not is_text(name):
        problems.append(Problem("/name", Text("holds a control character", "service")))
    if (role == "partner") != (shop_id is not None):
        words = Text("a partner's key names its shop, another key none")
        problems.append(Problem("/shop_id", words))
    return problems


def _shop_no(conn: Connection, program: Program, shop_id: str) -> int:
    row = shops.by_ids(conn, program.program_id, [shop_id]).get(shop_id)
    if row is None:
        raise ShopUnknown(id=shop_id)
    return row.shop_no


def _instant(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
