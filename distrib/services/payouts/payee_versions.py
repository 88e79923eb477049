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
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.payouts.personal_data import Payee, masked, masked_accounts, masked_name
from distrib.services.context import Actor, Program
from distrib.services.encryption import KEY_BYTES, Sealer
from distrib.store.network import shops
from distrib.store.payouts import batches
from distrib.store.payouts import payee_versions as rows
from distrib.store.payouts.payee_versions import PayeeRow, VersionKey

KEYS_CHUNK = 1_000


def put_payee(
    conn: Connection,
    program: Program,
    shop_id: str,
    payee: Payee,
    sealer: Sealer,
    pepper: bytes,
    actor: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Records a payee as the newest version, unless it is the same, and returns it masked.

    Raises:
        Refusal: ``shop_unknown``.
    """
    shop = shops.lock(conn, program.program_id, shop_id) if is_identifier(shop_id) else None
    if shop is None:
        raise Refusal("shop_unknown", id=shop_id)
    before = rows.current(conn, program.program_id, shop.shop_no)
    if before is not None and _opened(program, before, sealer) == payee:
        return _view(shop_id, payee, before)
    version = rows.newest_version(conn, program.program_id, shop.shop_no) + 1
    place = _place(program, shop.shop_no, version)
    key = secrets.token_bytes(KEY_BYTES)
    details = Sealer([key]).seal(json.dumps(asdict(payee), ensure_ascii=False).encode(), place)
    hashed = hmac.digest(pepper, f"payee\0{program.program_id}\0{payee.identity}".encode(), hashlib.sha256)
    row = PayeeRow(
        shop.shop_no,
        version,
        payee.kind,
        payee.account_kinds,
        details,
        now,
        actor.key_id,
        hashed,
        sealer.seal(key, place),
    )
    rows.insert_version(conn, program.program_id, row)
    return _view(shop_id, payee, row)


def get_payee(conn: Connection, program: Program, shop_id: str, sealer: Sealer) -> dict[str, Any]:
    """Reads the payee in force, masked.

    Raises:
        Refusal: ``shop_unknown`` or ``payee_missing``.
    """
    row = rows.current(conn, program.program_id, shop_no_of(conn, program, shop_id))
    if row is None:
        raise Refusal("payee_missing", id=shop_id)
    return _view(shop_id, _opened(program, row, sealer), row)


def erase_payee(conn: Connection, program: Program, shop_no: int) -> None:
    """Deletes the keys of every version of a shop's payee; what was paid and withheld stays.

    Raises:
        Refusal: ``payee_in_payout`` while money is on its way to it.
    """
    batches.lock_payouts(conn, program.program_id)
    if batches.has_open_line(conn, program.program_id, shop_no):
        raise Refusal("payee_in_payout")
    rows.erase(conn, program.program_id, shop_no)


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
        raise Refusal("shop_unknown", id=shop_id)
    return shop.shop_no


def _opened(program: Program, row: PayeeRow, sealer: Sealer) -> Payee:
    place = _place(program, row.shop_no, row.version)
    details: Mapping[str, Any] = json.loads(Sealer([sealer.open(row.sealed_key, place)]).open(row.details, place))
    return Payee(**details)


def _place(program: Program, shop_no: int, version: int) -> bytes:
    return f"payee {program.program_id} {shop_no} {version}".encode()


def _view(shop_id: str, payee: Payee, row: PayeeRow) -> dict[str, Any]:
    return {
        "shop_id": shop_id,
        "version": row.version,
        "name": masked_name(payee.name),
        "id_type": payee.id_type,
        "id_number": masked(payee.id_number),
        "kind": payee.kind,
        "accounts": masked_accounts(payee.accounts),
        "recorded_at": row.recorded_at,
        "recorded_by": row.recorded_by,
    }
