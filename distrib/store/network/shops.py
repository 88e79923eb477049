"""Reads and writes the rows of shops, many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg.errors import UniqueViolation
from sqlalchemy import Connection

from distrib.store.sql import execute, execute_as, savepoint


class KnownShop(NamedTuple):
    """A shop by its newest state, as registrations and moves need it; parts of it may not be in force yet."""

    shop_no: int
    shop_id: str
    digest: bytes
    uplines: Sequence[int]
    level: int
    chain_since: datetime
    status: str
    status_since: datetime
    joined_at: datetime
    root_no: int


class NewShop(NamedTuple):
    """A shop to be written."""

    shop_no: int
    shop_id: str
    digest: bytes
    name: str | None
    attributes: str | None
    identity_hash: bytes | None
    invite_code: str
    sponsor_no: int | None
    introduced_by_no: int | None
    uplines: Sequence[int]
    level: int
    chain_since: datetime
    joined_at: datetime
    status: str
    reason: str
    root_no: int


class ShopRow(NamedTuple):
    """A shop with its rank and status in force at an instant; chain and level are the newest."""

    shop_no: int
    shop_id: str
    name: str | None
    attributes: str | None
    invite_code: str
    sponsor_no: int | None
    introduced_by_no: int | None
    level: int
    chain_since: datetime
    joined_at: datetime
    status: str
    rank: str | None
    organiser_id: str | None


_KNOWN = ", ".join(KnownShop._fields)
_BY_IDS = f"SELECT {_KNOWN} FROM shops WHERE program_id = %(program)s AND shop_id = ANY(%(shop_ids)b::text[])"
_BY_CODES = (
    f"SELECT invite_code, {_KNOWN} FROM shops WHERE program_id = %(program)s AND invite_code = ANY(%(codes)b::text[])"
)
_IDENTITIES = (
    "SELECT identity_hash FROM shops WHERE program_id = %(program)s AND identity_hash = ANY(%(hashes)b::bytea[])"
)
_IDS = "SELECT shop_no, shop_id FROM shops WHERE program_id = %(program)s AND shop_no = ANY(%(numbers)b::bigint[])"
_NAMES = """
SELECT shop_id, name FROM shops WHERE program_id = %(program)s AND shop_id = ANY(%(shop_ids)b::text[])
AND name IS NOT NULL
"""
_INTRODUCED = """
SELECT s.shop_id, i.shop_id FROM shops s JOIN shops i ON i.program_id = s.program_id AND i.shop_no = s.introduced_by_no
WHERE s.program_id = %(program)s AND s.shop_id = ANY(%(shop_ids)b::text[])
"""
_NUMBERS = "SELECT nextval('shop_no_seq') FROM generate_series(1, %(count)s)"
_LOCK = f"SELECT {_KNOWN} FROM shops WHERE program_id = %(program)s AND shop_id = %(shop_id)s FOR NO KEY UPDATE"
_LOCK_MANY = f"""
SELECT {_KNOWN} FROM shops WHERE program_id = %(program)s AND shop_id = ANY(%(shop_ids)b::text[])
ORDER BY shop_no FOR NO KEY UPDATE
"""
_LOCK_NUMBER = "SELECT 1 FROM shops WHERE program_id = %(program)s AND shop_no = %(shop_no)s FOR NO KEY UPDATE"
# Without any rank since ever: recruits and a team may promote a shop before the day it joins.
_INSERT = """
WITH incoming AS (
    SELECT * FROM unnest(
        %(shop_no)b::bigint[], %(shop_id)b::text[], %(digest)b::bytea[], %(name)b::text[], %(attributes)b::text[],
        %(identity_hash)b::bytea[], %(invite_code)b::text[], %(sponsor_no)b::bigint[], %(introduced_by_no)b::bigint[],
        %(uplines)b::text[], %(level)b::integer[], %(chain_since)b::timestamptz[], %(joined_at)b::timestamptz[],
        %(status)b::text[], %(reason)b::text[], %(root_no)b::bigint[]
    ) AS t (shop_no, shop_id, digest, name, attributes, identity_hash, invite_code, sponsor_no, introduced_by_no,
            uplines, level, chain_since, joined_at, status, reason, root_no)
), stored AS (
    INSERT INTO shops (program_id, shop_no, shop_id, digest, name, attributes, identity_hash, invite_code, sponsor_no,
        introduced_by_no, uplines, level, chain_since, joined_at, status, status_since, rank_since, recorded_at,
        root_no)
    SELECT %(program)s, shop_no, shop_id, digest, name, attributes, identity_hash, invite_code, sponsor_no,
        introduced_by_no, uplines::bigint[], level, chain_since, joined_at, status, joined_at, '0001-01-02 00:00+00',
        %(now)s, root_no
    FROM incoming
), referred AS (
    INSERT INTO referrals (program_id, shop_no, effective_at, sponsor_no, reason, recorded_at, recorded_by)
    SELECT %(program)s, shop_no, joined_at, sponsor_no, reason, %(now)s, %(by)s FROM incoming
)
INSERT INTO shop_statuses (program_id, shop_no, effective_at, status, reason, recorded_at, recorded_by)
SELECT %(program)s, shop_no, joined_at, status, reason, %(now)s, %(by)s FROM incoming
"""
STATUS_AT = """
CASE WHEN s.status_since <= %(at)s THEN s.status ELSE coalesce((
    SELECT h.status FROM shop_statuses h
    WHERE h.program_id = s.program_id AND h.shop_no = s.shop_no AND h.effective_at <= %(at)s
    ORDER BY h.effective_at DESC, h.seq DESC LIMIT 1), 'pending') END
"""
RANK_AT = """
CASE WHEN s.rank_since <= %(at)s THEN s.rank ELSE (
    SELECT h.rank FROM shop_ranks h
    WHERE h.program_id = s.program_id AND h.shop_no = s.shop_no AND h.effective_at <= %(at)s
    ORDER BY h.effective_at DESC, h.seq DESC LIMIT 1) END
"""
_SHOWN = f"""
s.shop_no, s.shop_id, s.name, s.attributes, s.invite_code, s.sponsor_no, s.introduced_by_no, s.level, s.chain_since,
s.joined_at, {STATUS_AT} AS status, {RANK_AT} AS rank, s.organiser_id
"""
_SHOW = f"SELECT {_SHOWN} FROM shops s WHERE s.program_id = %(program)s AND s.shop_id = %(id)s"
_SHOW_MANY = f"SELECT {_SHOWN} FROM shops s WHERE s.program_id = %(program)s AND s.shop_no = ANY(%(numbers)b::bigint[])"


def by_ids(conn: Connection, program_id: int, shop_ids: Iterable[str]) -> dict[str, KnownShop]:
    """Finds the shops of those ids; unknown ones are left out."""
    cursor = execute(conn, _BY_IDS, {"program": program_id, "shop_ids": list(shop_ids)}, binary=True)
    return {shop.shop_id: shop for shop in map(KnownShop._make, cursor.fetchall())}


def by_invite_codes(conn: Connection, program_id: int, codes: Iterable[str]) -> dict[str, KnownShop]:
    """Finds the shops of those invite codes, by code; unknown ones are left out."""
    rows = execute(conn, _BY_CODES, {"program": program_id, "codes": list(codes)}, binary=True).fetchall()
    return {invite_code: KnownShop._make(shop) for invite_code, *shop in rows}


def identities_used(conn: Connection, program_id: int, hashes: Iterable[bytes]) -> set[bytes]:
    """Lists those of the identity hashes that belong to a shop already."""
    rows = execute(conn, _IDENTITIES, {"program": program_id, "hashes": list(hashes)})
    return {identity_hash for (identity_hash,) in rows}


def ids_of(conn: Connection, program_id: int, numbers: Iterable[int]) -> dict[int, str]:
    """Reads the ids of the shops of those numbers."""
    return dict(execute(conn, _IDS, {"program": program_id, "numbers": list(numbers)}).fetchall())


def names_of(conn: Connection, program_id: int, shop_ids: Iterable[str]) -> dict[str, str]:
    """Reads the names of the shops of those ids, by id; those without a name are left out."""
    return dict(execute(conn, _NAMES, {"program": program_id, "shop_ids": list(shop_ids)}).fetchall())


def introduced_by(conn: Connection, program_id: int, shop_ids: Iterable[str]) -> dict[str, str]:
    """Reads by shop the id of its introducer, for shops that joined as roots where the tree would be too deep."""
    return dict(execute(conn, _INTRODUCED, {"program": program_id, "shop_ids": list(shop_ids)}).fetchall())


def next_numbers(conn: Connection, count: int) -> list[int]:
    """Draws ``count`` numbers that no shop has."""
    return [shop_no for (shop_no,) in execute(conn, _NUMBERS, {"count": count})]


def lock(conn: Connection, program_id: int, shop_id: str) -> KnownShop | None:
    """Finds the shop of that id and locks its row until the transaction ends."""
    return execute_as(conn, KnownShop, _LOCK, {"program": program_id, "shop_id": shop_id}).fetchone()


def lock_many(conn: Connection, program_id: int, shop_ids: Iterable[str]) -> dict[str, KnownShop]:
    """Finds the shops of those ids, in the order of their numbers, and locks their rows until the transaction ends."""
    cursor = execute(conn, _LOCK_MANY, {"program": program_id, "shop_ids": list(shop_ids)}, binary=True)
    return {shop.shop_id: shop for shop in map(KnownShop._make, cursor.fetchall())}


def lock_number(conn: Connection, program_id: int, shop_no: int) -> None:
    """Locks the row of the shop of that number until the transaction ends."""
    execute(conn, _LOCK_NUMBER, {"program": program_id, "shop_no": shop_no})


def show(conn: Connection, program_id: int, shop_id: str, as_of: datetime) -> ShopRow | None:
    """Finds the shop of that id, with the rank and status in force at ``as_of``."""
    return execute_as(conn, ShopRow, _SHOW, {"program": program_id, "id": shop_id, "at": as_of}).fetchone()


def show_many(conn: Connection, program_id: int, numbers: Iterable[int], as_of: datetime) -> dict[int, ShopRow]:
    """Finds the shops of those numbers, with the ranks and statuses in force at ``as_of``."""
    values = {"program": program_id, "numbers": list(numbers), "at": as_of}
    return {row.shop_no: row for row in execute_as(conn, ShopRow, _SHOW_MANY, values)}


def insert_shops(conn: Connection, program_id: int, rows: Sequence[NewShop], now: datetime, by: str) -> bool:
    """Writes shops with the first rows of their histories.

    Returns:
        False, with nothing stored, where one of their ids, identities or invite codes has been taken meanwhile.
    """
    columns: dict[str, object] = {name: [getattr(row, name) for row in rows] for name in NewShop._fields}
    columns["uplines"] = ["{" + ",".join(map(str, row.uplines)) + "}" for row in rows]
    try:
        with savepoint(conn):
            execute(conn, _INSERT, {**columns, "program": program_id, "now": now, "by": by})
    except UniqueViolation:
        return False
    return True
