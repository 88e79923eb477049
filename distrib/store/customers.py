"""Reads and writes customers: the dated claims of shops on them, and the shop that a customer is."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.customers import BindingRule, Claim
from distrib.store.locks import BINDINGS
from distrib.store.recorded import Recorded
from distrib.store.sql import execute, execute_as

_BUCKETS = 64
_LOCK = """
SELECT pg_advisory_xact_lock(%(lock)s, k) FROM unnest(%(buckets)b::integer[]) WITH ORDINALITY AS t (k,
place) ORDER BY place
"""
_CLAIMS = """
SELECT customer_id, bound_at, seq, shop_no, source, rule, protect_days, expire_days, outcome, recorded_at, recorded_by
FROM bindings WHERE program_id = %(program)s AND customer_id = ANY(%(customer_ids)b::text[]) ORDER BY customer_id,
    bound_at, seq
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
WHERE program_id = %(program)s AND customer_id = ANY(%(customer_ids)b::text[]) ORDER BY customer_id, seq DESC
"""
_INSERT_SHOP = """
INSERT INTO customer_shops (program_id, customer_id, shop_no, recorded_at, recorded_by) VALUES (%(program)s,
    %(customer_id)s, %(shop_no)s, %(now)s, %(by)s)
"""


class ClaimRow(NamedTuple):
    """A claim as stored, with the outcome that was answered when it was first sent."""

    customer_id: str
    claim: Claim
    outcome: str
    recorded_at: datetime
    recorded_by: str


class _StoredClaim(NamedTuple):
    """A row of the table of claims, by its columns."""

    customer_id: str
    bound_at: datetime
    seq: int
    shop_no: int
    source: str
    rule: str
    protect_days: int | None
    expire_days: int | None
    outcome: str
    recorded_at: datetime
    recorded_by: str

    def decoded(self) -> ClaimRow:
        """The claim with the rule it was recorded under."""
        rule = BindingRule(self.rule, self.protect_days, self.expire_days)
        claim = Claim(self.bound_at, self.seq, self.shop_no, self.source, rule)
        return ClaimRow(self.customer_id, claim, self.outcome, self.recorded_at, self.recorded_by)


class NewClaim(NamedTuple):
    """A claim to be written."""

    customer_id: str
    bound_at: datetime
    shop_no: int
    source: str
    outcome: str


def lock_customers(conn: Connection, program_id: int, customer_ids: Collection[str]) -> None:
    """Locks the bindings of those customers against other transactions until this one ends.

    Locks are taken by bucket and in order, so that a thousand customers take few of them and no two calls deadlock.
    """
    buckets = sorted({zlib.crc32(customer_id.encode()) % _BUCKETS for customer_id in customer_ids})
    execute(
        conn, _LOCK, {"lock": BINDINGS, "buckets": [_wrapped(program_id * _BUCKETS + bucket) for bucket in buckets]}
    )


def claims_of(conn: Connection, program_id: int, customer_ids: Collection[str]) -> dict[str, list[ClaimRow]]:
    """Lists the claims on each of those customers by their instants; customers without any are left out."""
    claims: dict[str, list[ClaimRow]] = {}
    for row in execute_as(
        conn, _StoredClaim, _CLAIMS, {"program": program_id, "customer_ids": list(customer_ids)}, binary=True
    ):
        claims.setdefault(row.customer_id, []).append(row.decoded())
    return claims


def insert_claims(
    conn: Connection, program_id: int, claims: Sequence[NewClaim], rule: BindingRule, recorded: Recorded
) -> None:
    """Writes claims with the rule they are judged by."""
    columns = {
        "program": program_id,
        "rule": rule.name,
        "protect": rule.protect_days,
        "expire": rule.expire_days,
        "now": recorded.instant,
        "by": recorded.by,
        "customers": [claim.customer_id for claim in claims],
        "times": [claim.bound_at for claim in claims],
        "shops": [claim.shop_no for claim in claims],
        "sources": [claim.source for claim in claims],
        "outcomes": [claim.outcome for claim in claims],
    }
    execute(conn, _INSERT, columns)


def shops_of_customers(conn: Connection, program_id: int, customer_ids: Collection[str]) -> dict[str, int | None]:
    """Reads the number of the shop that each customer is (None: taken back); those without a record are left out."""
    rows = execute(conn, _SHOPS, {"program": program_id, "customer_ids": list(customer_ids)})
    return dict(rows.fetchall())


def insert_customer_shop(
    conn: Connection, program_id: int, customer_id: str, shop_no: int | None, recorded: Recorded
) -> None:
    """Writes which shop a customer is; None takes it back."""
    bound = {"program": program_id, "customer_id": customer_id, "shop_no": shop_no}
    execute(conn, _INSERT_SHOP, bound | {"now": recorded.instant, "by": recorded.by})


def _wrapped(number: int) -> int:
    """Wraps a number into the four signed bytes of a lock."""
    return (number + 2**31) % 2**32 - 2**31
