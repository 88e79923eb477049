"""What is done with a key after it was made: set, rotated, approved, ended. Each is a row that says by which key.

Whoever sets a key of another or gives it a secret had it in hand, as if it had made it (``persons``). No SQL may enter.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypedDict

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import Forbidden, NotFound, ScopeMissing
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE, Actor, Program, Unit
from distrib.services.programs import persons
from distrib.services.programs.keys import KeyTerms, KeyView, awaiting, hash_of, key_text, key_view, misfits, reaches
from distrib.services.programs.refusals import KeyEnded, KeyIsSeat, LastAdmin, OwnKey, RotationOpen
from distrib.services.programs.scopes import KEYS, may_confirm, reach_of
from distrib.store.network import shops
from distrib.store.programs import keys as store
from distrib.store.programs.keys import KeyRow, ListedKey

OLD, NEW = "old", "new"
KEEPS_OLD_HOURS: Final = 24
MOST_HOURS: Final = 24 * 90
"""How long both secrets of a key can work: of ninety days a quarter has none to spare."""
_ADMIN = "admin"


class TermChanges(TypedDict, total=False):
    """Some of the fields of ``KeyTerms``; what is left out stays."""

    owner: str | None
    scopes: Sequence[str] | None
    expires_at: datetime | None


def get_key(unit: Unit, key_id: str) -> KeyView:
    """Reads one key without its secrets; raises ``not_found``."""
    return _view(unit.conn, _find(unit.conn, unit.program, key_id), unit.now)


def set_key(unit: Unit, key_id: str, wanted: TermChanges) -> KeyView:
    """Changes whose a key is, how far it reaches and until when, and answers it; what holds already changes nothing.

    A key that may confirm money now and could not before waits as a new one does.

    Args:
        wanted: some of the fields of ``KeyTerms``; an owner once named can be another and not nobody.

    Raises:
        Refusal: ``not_found``, ``own_key``, ``key_ended``, or ``invalid`` with all that does not fit.
    """
    row = _live(unit, key_id)
    if key_id == unit.actor.key_id:
        raise OwnKey()
    _check_presentable(row)
    terms = _terms_of(row)
    if "owner" in wanted:
        terms = terms._replace(owner=wanted["owner"])
    if "scopes" in wanted:
        scopes_wanted = wanted["scopes"]
        terms = terms._replace(scopes=None if scopes_wanted is None else tuple(dict.fromkeys(scopes_wanted)))
    if "expires_at" in wanted:
        terms = terms._replace(expires_at=wanted["expires_at"])
    problems = misfits(row.role, terms, unit.actor, unit.now)
    if not reaches(unit.actor, row.role, row.scopes):
        problems.append(Problem("", Text("the key reaches further than the key that asks")))
    if terms.owner is None and row.owner is not None:
        problems.append(Problem("/owner", Text("can be another, and not nobody")))
    if problems:
        raise Refusal("invalid", problems)
    if terms == _terms_of(row):
        return _view(unit.conn, row, unit.now)
    scopes = None if terms.scopes is None else list(terms.scopes)
    changed = row._replace(owner=terms.owner, scopes=scopes, expires_at=terms.expires_at)
    if may_confirm(row.role, scopes) and not may_confirm(row.role, row.scopes):
        changed = awaiting(unit.program, changed, unit.actor, unit.now)
    return _keep(unit.conn, changed, "set", unit.actor, unit.now)


def rotate_key(unit: Unit, key_id: str, keep_hours: int, pepper: bytes) -> tuple[str, KeyView]:
    """Gives a key a second secret; answers the key with it, seen this once, and its view.

    The former secret works for ``keep_hours`` more, or until the rotation is finished. A key rotates itself; an
    admin any that reaches no further than its own, which then waits as a new one does, for that admin has its secret.

    Raises:
        Refusal: ``not_found``, also of another's key without being an admin, ``scope_missing``, ``forbidden`` of one
            that reaches further, ``key_ended``, ``rotation_open``, or ``invalid``.
    """
    if not 0 <= keep_hours <= MOST_HOURS:
        words = Text("must be {low} to {high}", low=0, high=MOST_HOURS)
        raise Refusal("invalid", [Problem("/keep_hours", words)])
    row = _in_hand(unit, key_id)
    if row.old_secret_ends_at is not None and unit.now < row.old_secret_ends_at:
        raise RotationOpen(id=key_id, until=row.old_secret_ends_at.isoformat())
    secret = secrets.token_urlsafe(32)
    ends_at = unit.now + timedelta(hours=keep_hours)
    changed = row._replace(secret_hmac=hash_of(pepper, key_id, secret))
    changed = changed._replace(old_secret_hmac=row.secret_hmac, old_secret_ends_at=ends_at)
    if unit.actor.key_id not in (key_id, COMMAND_LINE.key_id):
        changed = awaiting(unit.program, changed, unit.actor, unit.now)
    return key_text(key_id, secret), _keep(unit.conn, changed, "rotated", unit.actor, unit.now)


def finish_rotation(unit: Unit, key_id: str, kept: str) -> KeyView:
    """Ends one of a key's two secrets at once: the former, or the new one where its answer was lost; answers the key.

    With one secret it changes nothing.

    Args:
        kept: ``new`` or ``old``.

    Raises:
        Refusal: as ``rotate_key`` but for its own two last.
    """
    row = _in_hand(unit, key_id)
    if row.old_secret_hmac is None or row.old_secret_ends_at is None or row.old_secret_ends_at <= unit.now:
        return _view(unit.conn, row, unit.now)
    secret = row.old_secret_hmac if kept == OLD else row.secret_hmac
    changed = row._replace(secret_hmac=secret, old_secret_hmac=None, old_secret_ends_at=None)
    return _keep(unit.conn, changed, "rotation_finished", unit.actor, unit.now)


def approve_key(unit: Unit, key_id: str) -> KeyView:
    """Lets a key that was made over HTTP confirm money, by an admin who is another person; answers the key.

    Where nothing waits for an approval it changes nothing.

    Raises:
        Refusal: ``not_found``, ``key_ended``, ``same_key``, ``same_person`` with the key or whoever had it in hand, or
            ``key_not_approved`` where the actor's own waits.
    """
    row = _live(unit, key_id)
    persons.check_approver(unit, key_id)
    if not row.is_awaiting:
        return _view(unit.conn, row, unit.now)
    changed = row._replace(is_awaiting=False, confirms_from=None, approved_by=unit.actor.key_id, approved_at=unit.now)
    return _keep(unit.conn, changed, "approved", unit.actor, unit.now)


def revoke_key(unit: Unit, key_id: str) -> None:
    """Revokes a key at once and for ever; revoking it again changes nothing.

    Who runs the machine may end every key, for that can make another; a program's own admins leave one of them.

    Raises:
        Refusal: ``not_found``, or ``last_admin`` for the last key or seat that can make keys.
    """
    row = store.key_of(unit.conn, unit.program_id, key_id, locks=True)
    if row is None:
        raise NotFound()
    if row.revoked_at is None:
        if unit.actor.key_id != COMMAND_LINE.key_id:
            _must_leave_admin(unit, row)
        _keep(unit.conn, row._replace(revoked_at=unit.now, ended_by=unit.actor.key_id), "ended", unit.actor, unit.now)


def _must_leave_admin(unit: Unit, row: KeyRow) -> None:
    """Raises ``last_admin`` where a key that can make keys is the last, also of two that end each other at once."""
    is_admin = row.role == _ADMIN and KEYS in reach_of(row.role, row.scopes) and not persons.is_over(row, unit.now)
    if is_admin and not store.has_other_admin(unit.conn, unit.program_id, row.key_id, KEYS, unit.now):
        raise LastAdmin(id=row.name if row.person_no is None or row.owner is None else row.owner)


def _in_hand(unit: Unit, key_id: str) -> KeyRow:
    """Reads and locks a live key that the actor may give a secret: its own, or an admin one that reaches no further."""
    if key_id != unit.actor.key_id and unit.actor.role != _ADMIN:
        raise NotFound()
    if key_id != unit.actor.key_id and KEYS not in reach_of(unit.actor.role, unit.actor.scopes):
        raise ScopeMissing(scope=KEYS)
    row = _live(unit, key_id)
    if key_id != unit.actor.key_id and not reaches(unit.actor, row.role, row.scopes):
        raise Forbidden()
    _check_presentable(row)
    return row


def _check_presentable(row: KeyRow) -> None:
    """Raises ``key_is_seat`` for what a person may who signs in: it has no secret, and its owner is the person."""
    if row.person_no is not None:
        raise KeyIsSeat(id=row.key_id)


def _live(unit: Unit, key_id: str) -> KeyRow:
    row = _find(unit.conn, unit.program, key_id, locks=True)
    if persons.is_over(row, unit.now):
        raise KeyEnded(id=key_id)
    return row


def _find(conn: Connection, program: Program, key_id: str, *, locks: bool = False) -> KeyRow:
    row = store.key_of(conn, program.program_id, key_id, locks=locks)
    if row is None:
        raise NotFound()
    return row


def _keep(conn: Connection, row: KeyRow, change: str, actor: Actor, now: datetime) -> KeyView:
    store.update_key(conn, row)
    store.note_change(conn, row, change, now, actor.key_id)
    return _view(conn, row, now)


def _terms_of(row: KeyRow) -> KeyTerms:
    return KeyTerms(row.owner, None if row.scopes is None else tuple(row.scopes), row.expires_at)


def _view(conn: Connection, row: KeyRow, now: datetime) -> KeyView:
    shop_ids = {} if row.shop_no is None else shops.ids_of(conn, row.program_id, [row.shop_no])
    return key_view(ListedKey(row, shop_ids.get(row.shop_no) if row.shop_no is not None else None), now)
