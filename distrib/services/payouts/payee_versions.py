"""Versions of the payees (收款人) that shops are paid through: encrypted, erased by deleting the key.

Every version has a key of its own, which is sealed with the data key of the service. What is personal is in the sealed
part alone; beside it stand only what a batch of payouts has to ask (kind, kinds of account, a keyed hash of the
identity). No SQL may enter.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.identifiers import is_identifier
from distrib.domain.json_values import JsonObject
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.payouts.personal_data import Payee, masked, masked_accounts, masked_name
from distrib.domain.payouts.refusals import PayeeInPayout, PayeeMissing
from distrib.services import held_changes
from distrib.services.context import Program, Unit
from distrib.services.encryption import KEY_BYTES, Sealer
from distrib.services.held_changes import PAYEE, ChangeDraft, HeldChangeRow, PendingChange
from distrib.services.programs.persons import check_second_person, has_ended
from distrib.store.network import shops
from distrib.store.payouts import batches
from distrib.store.payouts import payee_versions as rows
from distrib.store.payouts.payee_versions import PayeeRow, VersionKey

KEYS_CHUNK = 1_000
FIRST_OF_ALL = 0
_FIELDS = ("name", "id_type", "id_number", "kind", "accounts")


@dataclass(frozen=True, slots=True)
class PayeeView:
    """The payee in force, masked, all of it None where none is, and what waits."""

    shop_id: str
    version: int | None = None
    name: str | None = None
    id_type: str | None = None
    id_number: str | None = None
    kind: str | None = None
    accounts: Mapping[str, str] | None = None
    recorded_at: datetime | None = None
    recorded_by: str | None = None
    pending: PendingChange | None = None


def put_payee(unit: Unit, shop_id: str, payee: Payee, sealer: Sealer, pepper: bytes) -> tuple[PayeeView, bool]:
    """Records a payee, and returns the one in force, masked, with what waits, and whether this one does.

    A shop's first is in force at once. Another one is a change of where money goes: it waits
    ``program.payee_hold_days`` or a second person's approval, and until then the one before is paid. The one in force,
    sent again, ends what waits.

    Raises:
        Refusal: ``shop_unknown``.
    """
    shop_no = _locked(unit.conn, unit.program, shop_id)
    _apply_due(unit, shop_no, sealer, pepper)
    before = rows.current(unit.conn, unit.program_id, shop_no)
    in_force = None if before is None else _opened(unit.program, before, sealer)
    waiting = held_changes.open_change(unit.conn, unit.program, PAYEE, shop_no)
    if in_force == payee:
        if waiting is not None:
            held_changes.end(unit, waiting, held_changes.CANCELLED, unit.actor.key_id)
        return _shown(unit.conn, unit.program, shop_id, shop_no, sealer), False
    if waiting is not None and _wanted(unit.program, waiting, sealer) == payee:
        return _shown(unit.conn, unit.program, shop_id, shop_no, sealer), True
    if rows.newest_version(unit.conn, unit.program_id, shop_no) == FIRST_OF_ALL:
        _insert(unit, _NewVersion(shop_no, payee, unit.actor.key_id), sealer, pepper)
        return _shown(unit.conn, unit.program, shop_id, shop_no, sealer), False
    wanted, known = asdict(payee), {} if in_force is None else asdict(in_force)
    fields = [name for name in _FIELDS if wanted[name] != known.get(name)]
    held_changes.hold(unit, ChangeDraft(PAYEE, shop_no, wanted, fields), sealer)
    waits = not _apply_due(unit, shop_no, sealer, pepper)
    return _shown(unit.conn, unit.program, shop_id, shop_no, sealer), waits


def approve_payee(unit: Unit, shop_id: str, sealer: Sealer, pepper: bytes) -> PayeeView:
    """Puts the payee that waits in force, by another person than proposed it; again it changes nothing.

    Raises:
        Refusal: ``shop_unknown``, ``change_unknown`` or what ``check_second_person`` raises.
    """
    shop_no = _locked(unit.conn, unit.program, shop_id)
    _apply_due(unit, shop_no, sealer, pepper)
    change = held_changes.must_be_open(unit.conn, unit.program, PAYEE, shop_no)
    if change is not None:
        check_second_person(unit, change.proposed_by)
        _put_in_force(unit, change, sealer, pepper, held_changes.APPROVED)
    return _shown(unit.conn, unit.program, shop_id, shop_no, sealer)


def cancel_payee(unit: Unit, shop_id: str, sealer: Sealer, pepper: bytes) -> PayeeView:
    """Ends the payee that waits, by whoever may propose one; again it changes nothing.

    Raises:
        Refusal: ``shop_unknown``, ``change_unknown`` or ``change_in_force``.
    """
    shop_no = _locked(unit.conn, unit.program, shop_id)
    _apply_due(unit, shop_no, sealer, pepper)
    held_changes.cancel(unit, PAYEE, shop_no)
    return _shown(unit.conn, unit.program, shop_id, shop_no, sealer)


def apply_due_payees(unit: Unit, sealer: Sealer, pepper: bytes) -> None:
    """Puts in force what is due of a program, before money is given out; up to some hundreds, which the workers leave.

    Payouts are locked first, as by all that locks both.
    """
    due = held_changes.due_of_program(unit, PAYEE)
    if due:
        batches.lock_payouts(unit.conn, unit.program_id)
    for change in due:
        apply_due_payee(unit, change.subject_no, sealer, pepper)


def apply_due_payee(unit: Unit, shop_no: int, sealer: Sealer, pepper: bytes) -> bool:
    """Puts the payee that waits for a shop in force where it is due; whether it was."""
    shops.lock_number(unit.conn, unit.program_id, shop_no)
    return _apply_due(unit, shop_no, sealer, pepper)


def get_payee(conn: Connection, program: Program, shop_id: str, sealer: Sealer) -> PayeeView:
    """Reads the payee in force, masked, with what waits.

    Raises:
        Refusal: ``shop_unknown`` or ``payee_missing``.
    """
    shop_no = shop_no_of(conn, program, shop_id)
    view = _shown(conn, program, shop_id, shop_no, sealer)
    if view.version is None:
        raise PayeeMissing(id=shop_id)
    return view


def erase_payee(unit: Unit, shop_no: int) -> None:
    """Deletes the keys of every version of a shop's payee, and what waits; what was paid and withheld stays.

    Raises:
        Refusal: ``payee_in_payout`` while money is on its way to it.
    """
    batches.lock_payouts(unit.conn, unit.program_id)
    if batches.has_open_line(unit.conn, unit.program_id, shop_no):
        raise PayeeInPayout()
    waiting = held_changes.open_change(unit.conn, unit.program, PAYEE, shop_no)
    if waiting is not None:
        held_changes.end(unit, waiting, held_changes.ERASED, unit.actor.key_id)
    rows.erase(unit.conn, unit.program_id, shop_no)


def payees_of(
    conn: Connection, program: Program, wanted: Sequence[VersionKey], sealer: Sealer
) -> dict[VersionKey, Payee]:
    """Reads and decrypts those versions, by key; erased ones are left out."""
    versions = rows.of_versions(conn, program.program_id, wanted)
    return {key: _opened(program, row, sealer) for key, row in versions.items()}


def reseal_payees(conn: Connection, program: Program, sealer: Sealer) -> int:
    """Encrypts the keys of all payees with the newest data key, so that older ones can be let go; returns how many."""
    count, after = 0, VersionKey(0, 0)
    while chunk := rows.keys_after(conn, program.program_id, after, KEYS_CHUNK):
        resealed = []
        for key in chunk:
            place = _place(program, key.shop_no, key.version)
            resealed.append(key._replace(sealed_key=sealer.seal(sealer.open(key.sealed_key, place), place)))
        rows.replace_keys(conn, program.program_id, resealed)
        count, after = count + len(chunk), VersionKey(chunk[-1].shop_no, chunk[-1].version)
    return count


def shop_no_of(conn: Connection, program: Program, shop_id: str) -> int:
    """Finds the number of a shop by id; raises ``shop_unknown``."""
    shop = shops.by_ids(conn, program.program_id, [shop_id]).get(shop_id) if is_identifier(shop_id) else None
    if shop is None:
        raise ShopUnknown(id=shop_id)
    return shop.shop_no


def _locked(conn: Connection, program: Program, shop_id: str) -> int:
    shop = shops.lock(conn, program.program_id, shop_id) if is_identifier(shop_id) else None
    if shop is None:
        raise ShopUnknown(id=shop_id)
    return shop.shop_no


def _apply_due(unit: Unit, shop_no: int, sealer: Sealer, pepper: bytes) -> bool:
    """Puts what waits in force where its days are over; what a key proposed that has ended since never is."""
    change = held_changes.open_change(unit.conn, unit.program, PAYEE, shop_no)
    if change is None or change.due_at > unit.now:
        return False
    if has_ended(unit, change.proposed_by):
        held_changes.end(unit, change, held_changes.PROPOSER_REVOKED, held_changes.CLOCK)
        return False
    _put_in_force(unit, change, sealer, pepper, held_changes.DUE)
    return True


def _put_in_force(unit: Unit, change: HeldChangeRow, sealer: Sealer, pepper: bytes, outcome: str) -> None:
    payee = _wanted(unit.program, change, sealer)
    version = _insert(unit, _NewVersion(change.subject_no, payee, change.proposed_by), sealer, pepper)
    by = held_changes.CLOCK if outcome == held_changes.DUE else unit.actor.key_id
    held_changes.end(unit, change, outcome, by, version)


def _wanted(program: Program, change: HeldChangeRow, sealer: Sealer) -> Payee:
    return _payee_of(held_changes.content_of(program, change, sealer))


class _NewVersion(NamedTuple):
    """A payee that becomes the newest of its shop, and which key it is of."""

    shop_no: int
    payee: Payee
    recorded_by: str


def _insert(unit: Unit, new: _NewVersion, sealer: Sealer, pepper: bytes) -> int:
    """Writes a payee as the newest version, in force from now on, and returns its number."""
    shop_no, payee = new.shop_no, new.payee
    version = rows.newest_version(unit.conn, unit.program_id, shop_no) + 1
    place = _place(unit.program, shop_no, version)
    key = secrets.token_bytes(KEY_BYTES)
    details = Sealer([key]).seal(json.dumps(asdict(payee), ensure_ascii=False).encode(), place)
    hashed = hmac.digest(pepper, f"payee\0{unit.program_id}\0{payee.identity}".encode(), hashlib.sha256)
    sealed_key = sealer.seal(key, place)
    row = PayeeRow(
        shop_no, version, payee.kind, payee.account_kinds, details, unit.now, new.recorded_by, hashed, sealed_key
    )
    rows.insert_version(unit.conn, unit.program_id, row)
    return version


def _shown(conn: Connection, program: Program, shop_id: str, shop_no: int, sealer: Sealer) -> PayeeView:
    """The payee in force, its members null where none is, and what waits."""
    row = rows.current(conn, program.program_id, shop_no)
    pending = held_changes.pending_view(held_changes.open_change(conn, program, PAYEE, shop_no))
    if row is None:
        return PayeeView(shop_id, pending=pending)
    payee = _opened(program, row, sealer)
    return PayeeView(
        shop_id=shop_id,
        version=row.version,
        name=masked_name(payee.name),
        id_type=payee.id_type,
        id_number=masked(payee.id_number),
        kind=payee.kind,
        accounts=masked_accounts(payee.accounts),
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        pending=pending,
    )


def _opened(program: Program, row: PayeeRow, sealer: Sealer) -> Payee:
    place = _place(program, row.shop_no, row.version)
    return _payee_of(json.loads(Sealer([sealer.open(row.sealed_key, place)]).open(row.details, place)))


def _payee_of(details: JsonObject) -> Payee:
    """A payee as it was kept."""
    name, id_type, id_number, kind = (str(details[name]) for name in ("name", "id_type", "id_number", "kind"))
    accounts = details["accounts"]
    if not isinstance(accounts, dict):
        raise TypeError("a payee's accounts are kept by name")
    return Payee(name, id_type, id_number, kind, {name: str(number) for name, number in accounts.items()})


def _place(program: Program, shop_no: int, version: int) -> bytes:
    return f"payee {program.program_id} {shop_no} {version}".encode()
