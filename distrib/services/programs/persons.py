"""Which person a key stands for, and that a second one acts where money takes two. No SQL may enter.

A person has all keys of one owner, and those that these keys made, directly or through others: whoever makes a key sees
its secret. Two keys are of one person where the owner of one had the other in hand so. The owner is the one named, or
else the key's name; a name that only repeats the role names nobody, and such a key stands for itself. A partner's key
is its shop's, whoever made it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem
from distrib.domain.texts import Text
from distrib.services.context import Program, Unit
from distrib.services.programs.refusals import KeyNotApproved, ProposerRevoked, SameKey, SamePerson
from distrib.store.programs import key_holders, keys
from distrib.store.programs.keys import KeyRow


def person_of(key_id: str, name: str, role: str, owner: str | None) -> str:
    """Whom a key stands for: its owner, else its name, else itself.

    >>> person_of("k1", "books", "finance", "ann"), person_of("k1", "books", "finance", None)
    ('ann', 'books')
    >>> person_of("k1", "finance", "finance", None)
    'k1'
    """
    return owner or (name if name != role else key_id)


def is_same_person(conn: Connection, program: Program, key_id: str, other_id: str) -> bool:
    """Whether two keys of the program, live or not, are of one person; ids of no key stand for themselves."""
    return _meet(conn, program, key_id, [other_id])


def names_of(conn: Connection, program: Program, key_ids: Iterable[str]) -> dict[str, str]:
    """Reads how those are called who acted with keys of the program, by the key's id; ids of no key are left out."""
    return keys.names_of(conn, program.program_id, set(key_ids))


def theirs_among(conn: Connection, program: Program, key_id: str, others: Mapping[str, Collection[str]]) -> set[str]:
    """Names those that are of one person with a key, each given by the keys that count for it: one query.

    Args:
        others: by a name of each, the keys that asked for it, or that had it in hand.
    """
    asked = sorted({key_id, *(other for keys_of in others.values() for other in keys_of)})
    owners, hands = _holders(conn, program, asked)
    return {
        name for name, keys_of in others.items() if any(_is_same(owners, hands, key_id, other) for other in keys_of)
    }


def ended_among(conn: Connection, program: Program, key_ids: Collection[str], now: datetime) -> set[str]:
    """Names the keys that were revoked or have expired."""
    return keys.ended_keys(conn, program.program_id, key_ids, now)


def makers_of_all(conn: Connection, program: Program, key_ids: Collection[str]) -> dict[str, list[str]]:
    """Lists for each key the keys that had it in hand: that made it, set it or gave it a secret."""
    return key_holders.makers_of_all(conn, program.program_id, key_ids)


def may_confirm_now(unit: Unit) -> bool:
    """Whether the actor's key may confirm at all: it was approved, has waited, or never had to."""
    row = keys.key_of(unit.conn, unit.program_id, unit.actor.key_id)
    return row is None or not is_waiting(row, unit.now)


def check_second_person(unit: Unit, proposed_by: str, *, is_decided: bool = False) -> None:
    """Checks that the actor may confirm what a key proposed.

    Args:
        proposed_by: id of the key.
        is_decided: what was confirmed before is answered as it stands to every key but the proposer's.

    Raises:
        Refusal: ``same_key``, ``same_person``, ``proposer_revoked`` where the key that proposed has ended, or
            ``key_not_approved`` with when the actor's may confirm.
    """
    if proposed_by == unit.actor.key_id:
        raise SameKey()
    if is_decided:
        return
    if is_same_person(unit.conn, unit.program, proposed_by, unit.actor.key_id):
        raise SamePerson()
    if has_ended(unit, proposed_by):
        raise ProposerRevoked()
    check_may_confirm(unit)


def check_may_confirm(unit: Unit) -> None:
    """Checks that the actor's key, where it was made over HTTP, was approved or has waited; or ``key_not_approved``."""
    row = keys.key_of(unit.conn, unit.program_id, unit.actor.key_id)
    if row is not None and is_waiting(row, unit.now):
        problems = [Problem("", Text("at once, when an admin who did not make it approves it"))]
        if row.confirms_from is not None:
            problems.append(Problem("", Text("from {instant} on", instant=row.confirms_from.isoformat())))
        raise KeyNotApproved(problems=problems)


def check_approver(unit: Unit, key_id: str) -> None:
    """Checks that the actor is another person than whose the key is and whoever had it in hand.

    Raises:
        Refusal: ``same_key``, ``same_person`` or ``key_not_approved``.
    """
    if key_id == unit.actor.key_id:
        raise SameKey()
    if _meet(
        unit.conn, unit.program, unit.actor.key_id, [key_id, *key_holders.makers_of(unit.conn, unit.program_id, key_id)]
    ):
        raise SamePerson()
    check_may_confirm(unit)


def has_ended(unit: Unit, key_id: str) -> bool:
    """Whether a key of the program was revoked or has expired; False for what is no key."""
    row = keys.key_of(unit.conn, unit.program_id, key_id)
    return row is not None and is_over(row, unit.now)


def is_over(row: KeyRow, now: datetime) -> bool:
    """Whether a key opens nothing any more."""
    return row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now)


def is_waiting(row: KeyRow, now: datetime) -> bool:
    """Whether a key has neither been approved nor waited long enough to confirm money."""
    return row.is_awaiting and (row.confirms_from is None or now < row.confirms_from)


def _meet(conn: Connection, program: Program, key_id: str, other_ids: Iterable[str]) -> bool:
    """Whether a key is of one person with any of the others: one query, whatever their number."""
    others = list(other_ids)
    owners, hands = _holders(conn, program, [key_id, *others])
    return any(_is_same(owners, hands, key_id, other_id) for other_id in others)


def _holders(
    conn: Connection, program: Program, asked: Iterable[str]
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Reads the owners of each key, and all who had it in hand; of what is no key that is itself."""
    asked = list(asked)
    owners = {asked_id: {asked_id} for asked_id in asked}
    hands = {asked_id: {asked_id} for asked_id in asked}
    for held in key_holders.holders_of(conn, program.program_id, asked):
        persons = {person_of(held.key_id, held.name, held.role, held.owner), *held.owners}
        hands[held.asked_id] |= persons
        if held.asked_id == held.key_id:
            owners[held.asked_id] |= persons
    return owners, hands


def _is_same(owners: Mapping[str, set[str]], hands: Mapping[str, set[str]], key_id: str, other_id: str) -> bool:
    return bool(owners[key_id] & hands[other_id] or hands[key_id] & owners[other_id])
