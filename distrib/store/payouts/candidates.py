"""Shops with money for a batch: what they have, whether their status keeps it, who is paid. No rule may enter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.database import allow_minutes
from distrib.store.sql import execute, execute_as, streamed_as

# A shop that is frozen or closed comes with what its status keeps, and with that status.
_CANDIDATES = """
SELECT s.shop_no, s.shop_id, GREATEST(a.available_minor, a.withheld_minor) AS amount_minor,
       CASE WHEN a.withheld_minor > 0 THEN (
           SELECT h.status FROM shop_statuses h
           WHERE h.program_id = %(program)s AND h.shop_no = a.shop_no AND h.effective_at <= %(now)s
           ORDER BY h.effective_at DESC, h.seq DESC LIMIT 1) END AS kept_by,
       v.version, v.kind, v.accounts, v.identity_hash
FROM {money} a
JOIN shops s ON s.program_id = %(program)s AND s.shop_no = a.shop_no
LEFT JOIN (
    SELECT DISTINCT ON (y.shop_no) y.shop_no, y.version, y.kind, y.accounts, k.identity_hash
    FROM payee_versions y JOIN payee_keys k USING (program_id, shop_no, version)
    WHERE y.program_id = %(program)s {of_shops} ORDER BY y.shop_no, y.version DESC) v ON v.shop_no = a.shop_no
WHERE GREATEST(a.available_minor, a.withheld_minor) > 0
ORDER BY s.shop_id
"""
_OF_ALL = _CANDIDATES.format(money="account_money(%(program)s, %(up_to)s, %(now)s)", of_shops="")
_OF_SHOPS = _CANDIDATES.format(
    money="account_money_of(%(program)s, %(shops)b::bigint[], %(up_to)s, %(now)s)",
    of_shops="AND y.shop_no = ANY(%(shops)b::bigint[])",
)
# Shops in which nothing ever moved are passed over by one look each.
_ACCOUNTS = """
SELECT s.shop_no, s.shop_id FROM shops s
CROSS JOIN LATERAL (
    SELECT 1 FROM account_months m WHERE m.program_id = s.program_id AND m.account_no = s.shop_no LIMIT 1) moved
WHERE s.program_id = %(program)s AND s.shop_id > %(after)s ORDER BY s.shop_id LIMIT %(limit)s
"""
# Every account is looked at, whatever the planner knows of the program: in one go, not shop by shop, and all rows of
# the cursor are taken.
_FOR_ALL = """
SET LOCAL enable_nestloop = off; SET LOCAL cursor_tuple_fraction = 1
"""
_AS_BEFORE = "SET LOCAL enable_nestloop = on"


class Candidate(NamedTuple):
    """A shop with money for a batch, and its payee (None: nobody yet).

    ``kept_by`` is the status, frozen or closed, that alone keeps the amount from being available; None where it is.
    """

    shop_no: int
    shop_id: str
    amount_minor: int
    kept_by: str | None
    version: int | None
    kind: str | None
    accounts: list[str] | None
    identity_hash: bytes | None


class MovedShop(NamedTuple):
    """A shop of which anything ever moved."""

    shop_no: int
    shop_id: str


def accounts_after(conn: Connection, program_id: int, after: str, limit: int) -> list[MovedShop]:
    """Lists the shops of which anything ever moved by id, ``limit`` at the most after the id ``after``."""
    bound = {"program": program_id, "after": after, "limit": limit}
    return execute_as(conn, MovedShop, _ACCOUNTS, bound).fetchall()


def candidates(
    conn: Connection, program_id: int, up_to: datetime, now: datetime, chunk_size: int
) -> Iterator[list[Candidate]]:
    """Yields the shops with money for a batch, by id, in chunks; all as of one instant of the database."""
    bound = {"program": program_id, "up_to": up_to, "now": now}
    allow_minutes(conn, 5)
    execute(conn, _FOR_ALL)
    with streamed_as(conn, "payout_candidates", Candidate, _OF_ALL, bound) as cursor:
        execute(conn, _AS_BEFORE)
        while chunk := cursor.fetchmany(chunk_size):
            yield chunk


def candidates_of_shops(
    conn: Connection, program_id: int, shops: Sequence[int], up_to: datetime, now: datetime
) -> list[Candidate]:
    """Reads those of the shops of these numbers that have money for a batch, by id."""
    bound = {"program": program_id, "up_to": up_to, "now": now, "shops": list(shops)}
    return execute_as(conn, Candidate, _OF_SHOPS, bound).fetchall()
