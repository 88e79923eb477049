"""Customers: the shops they came by, dated, and the shop that a customer is. No rule of binding may enter."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.customers import BindingRule, Claim
from distrib.store.database import driver
from distrib.store.locks import BINDINGS

_BUCKETS = 64
_LOCK = "SELECT pg_advisory_xact_lock(%s, k) FROM unnest(%b::integer[]) WITH ORDINALITY AS t (k, place) ORDER BY place"
_CLAIMS = """
SELECT customer_id, bound_at, seq, shop_no, source, rule, protect_days, expire_days, outcome, recorded_at, recorded_by
FROM bindings WHERE program_id = %s AND customer_id = ANY(%b::text[]) ORDER BY customer_id, bound_at, seq
"""
_INSERT = """
INSERT INTO bindings (program_id, customer_id, bound_at, shop_no, source, rule, protect_days, expire_days, outcome,
    recorded_at, recorded_by)
SELECT %(program)s, c.customer_id, c.bound_at, c.shop_no, c.source, %(rule)s, %(protect)s, %(expire)s, c.outcome,
    %(now)s, %(by)s
FROM unnest(%(customers)b::text[], %(times)b::timestamptz[], %(shops)b::bigint[], %(sources)b::text[],
    %(outcomes)b::text[]) WITH ORDINALITY AS c (customer_id, bound_at, shop_no, source, outcome, place)
ORDER BY c.place
"""
_SHOPS = """
SELECT DISTINCT ON (customer_id) customer_id, shop_no FROM customer_shops
WHERE program_id = %s AND customer_id = ANY(%b::text[]) ORDER BY customer_id, seq DESC
"""
_INSERT_SHOP = """
INSERT INTO customer_shops (program_id, customer_id, shop_no, recorded_at, recorded_by) VALUES (%s, %s, %s, %s, %s)
"""


class ClaimRow(NamedTuple):
    """A claim as stored, with what was answered when it was first sent."""

    customer_id: str
    claim: Claim
    outcome: str
    recorded_at: datetime
    recorded_by: str


class NewClaim(NamedTuple):
    """A claim to be stored."""

    customer_id: str
    bound_at: datetime
    shop_no: int
    source: str
    outcome: str


def lock_customers(conn: Connection, program_id: int, customer_ids: Collection[str]) -> None:
    """Until the transaction ends nobody else binds those customers.

    Locks are taken by bucket and in order, so that a thousand customers take few of them and no two calls deadlock.
    """
    buckets = sorted({zlib.crc32(customer_id.encode()) % _BUCKETS for customer_id in customer_ids})
    driver(conn).execute(_LOCK, (BINDINGS, [_wrapped(program_id * _BUCKETS + bucket) for bucket in buckets]))


def claims_of(conn: Connection, program_id: int, customer_ids: Collection[str]) -> dict[str, list[ClaimRow]]:
    """The claims on each of those customers by their instants; who has none is left out."""
    found: dict[str, list[ClaimRow]] = {}
    cursor = driver(conn).cursor(binary=True)
    for row in cursor.execute(_CLAIMS, (program_id, list(customer_ids))).fetchall():
        customer_id, bound_at, seq, shop_no, source, rule, protect, expire, *told = row
        claim = Claim(bound_at, seq, shop_no, source, BindingRule(rule, protect, expire))
        found.setdefault(customer_id, []).append(ClaimRow(customer_id, claim, *told))
    return found


def insert_claims(
    conn: Connection, program_id: int, claims: Sequence[NewClaim], rule: BindingRule, now: datetime, by: str
) -> None:
    """Stores claims with the rule they are judged by."""
    customers, times, shops, sources, outcomes = (list(column) for column in zip(*claims, strict=True))
    columns = {
        "program": program_id,
        "rule": rule.name,
        "protect": rule.protect_days,
        "expire": rule.expire_days,
        "now": now,
        "by": by,
        "customers": customers,
        "times": times,
        "shops": shops,
        "sources": sources,
        "outcomes": outcomes,
    }
    driver(conn).execute(_INSERT, columns)


def shops_of_customers(conn: Connection, program_id: int, customer_ids: Collection[str]) -> dict[str, int | None]:
    """The number of the shop that each customer is; those without a record are left out."""
    rows = driver(conn).execute(_SHOPS, (program_id, list(customer_ids)))
    return dict(rows.fetchall())


def insert_customer_shop(
    conn: Connection, program_id: int, customer_id: str, shop_no: int | None, now: datetime, by: str
) -> None:
    """Records which shop a customer is."""
    driver(conn).execute(_INSERT_SHOP, (program_id, customer_id, shop_no, now, by))


def _wrapped(number: int) -> int:
    """A number as the lock's four signed bytes hold it."""
    return (number + 2**31) % 2**32 - 2**31
