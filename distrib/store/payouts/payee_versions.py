"""Payees' rows: versions that only grow, and their keys, which can be deleted. Nothing readable may enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import columns_of, execute, execute_as, value


class PayeeRow(NamedTuple):
    """One version of a shop's payee as stored, with its key."""

    shop_no: int
    version: int
    kind: str
    accounts: list[str]
    details: bytes
    recorded_at: datetime
    recorded_by: str
    identity_hash: bytes
    sealed_key: bytes


class VersionKey(NamedTuple):
    """The key of one version: the shop's number and the version's."""

    shop_no: int
    version: int


class SealedKey(NamedTuple):
    """The sealed key of one version."""

    shop_no: int
    version: int
    sealed_key: bytes


_COLUMNS = (
    "v.shop_no, v.version, v.kind, v.accounts, v.details, v.recorded_at, v.recorded_by, k.identity_hash, k.sealed_key"
)
_KEPT = "payee_versions v JOIN payee_keys k USING (program_id, shop_no, version)"
_CURRENT = (
    f"SELECT {_COLUMNS} FROM {_KEPT} WHERE v.program_id = %(program)s AND v.shop_no = %(shop_no)s "
    "ORDER BY v.version DESC LIMIT 1"
)
_NEWEST = (
    "SELECT COALESCE(max(version), 0) FROM payee_versions WHERE program_id = %(program)s AND shop_no = %(shop_no)s"
)
_OF_VERSIONS = f"""
SELECT {_COLUMNS} FROM unnest(%(shops)s::bigint[], %(versions)s::integer[]) AS w (shop_no, version)
JOIN payee_versions v ON v.program_id = %(program)s AND v.shop_no = w.shop_no AND v.version = w.version
JOIN payee_keys k ON k.program_id = v.program_id AND k.shop_no = v.shop_no AND k.version = v.version
"""
_INSERT = """
WITH kept AS (
    INSERT INTO payee_keys (program_id, shop_no, version, identity_hash, sealed_key)
    VALUES (%(program)s, %(shop_no)s, %(version)s, %(identity_hash)s, %(sealed_key)s)
)
INSERT INTO payee_versions (program_id, shop_no, version, kind, accounts, details, recorded_at, recorded_by)
VALUES (%(program)s, %(shop_no)s, %(version)s, %(kind)s, %(accounts)s, %(details)s, %(recorded_at)s, %(recorded_by)s)
"""
_ERASE = "DELETE FROM payee_keys WHERE program_id = %(program)s AND shop_no = %(shop_no)s"
_KEYS = (
    "SELECT shop_no, version, sealed_key FROM payee_keys WHERE program_id = %(program)s AND (shop_no,"
    " version) > (%(shop_no)s, %(version)s) "
    "ORDER BY shop_no, version LIMIT %(limit)s"
)
_RESEAL = """
UPDATE payee_keys k SET sealed_key = n.sealed_key
FROM unnest(%(shop_no)b::bigint[], %(version)b::integer[], %(sealed_key)b::bytea[]) AS n (shop_no, version, sealed_key)
WHERE k.program_id = %(program)s AND k.shop_no = n.shop_no AND k.version = n.version
"""


def current(conn: Connection, program_id: int, shop_no: int) -> PayeeRow | None:
    """Reads the newest version that can be read; None without one."""
    return execute_as(conn, PayeeRow, _CURRENT, {"program": program_id, "shop_no": shop_no}).fetchone()


def newest_version(conn: Connection, program_id: int, shop_no: int) -> int:
    """Reads the number of the newest version, erased or not; 0 where there is none."""
    return value(conn, int, _NEWEST, {"program": program_id, "shop_no": shop_no})


def of_versions(conn: Connection, program_id: int, wanted: Sequence[VersionKey]) -> dict[VersionKey, PayeeRow]:
    """Reads the versions that can still be read, by key; erased ones are left out."""
    shops, versions = [key.shop_no for key in wanted], [key.version for key in wanted]
    bound = {"shops": shops, "versions": versions, "program": program_id}
    return {VersionKey(row.shop_no, row.version): row for row in execute_as(conn, PayeeRow, _OF_VERSIONS, bound)}


def insert_version(conn: Connection, program_id: int, row: PayeeRow) -> None:
    """Writes a version and its key."""
    execute(conn, _INSERT, row._asdict() | {"program": program_id})


def erase(conn: Connection, program_id: int, shop_no: int) -> None:
    """Deletes the keys of all versions."""
    execute(conn, _ERASE, {"program": program_id, "shop_no": shop_no})


def keys_after(conn: Connection, program_id: int, after: VersionKey, limit: int) -> list[SealedKey]:
    """Lists up to ``limit`` sealed keys by shop and version, those after the key ``after``."""
    return execute_as(
        conn,
        SealedKey,
        _KEYS,
        {"program": program_id, "shop_no": after.shop_no, "version": after.version, "limit": limit},
    ).fetchall()


def replace_keys(conn: Connection, program_id: int, keys: Sequence[SealedKey]) -> None:
    """Replaces sealed keys: the same keys, sealed with another data key."""
    execute(conn, _RESEAL, {"program": program_id, **columns_of(SealedKey, keys)})
