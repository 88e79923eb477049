"""What the ledger paid of pools, shop by shop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.simulations.history import PaidSpan
from distrib.store.sql import execute, execute_as, streamed

_OF_MONTH = """
SELECT p.pool_id, t.shop_no, t.amount_minor
FROM pool_payments p JOIN transfers t ON t.program_id = p.program_id AND t.cause_no = p.cause_no
WHERE p.program_id = %(program)s AND p.month = %(month)s AND t.kind = 'pool' ORDER BY p.cause_no, t.seq
"""
# A payment is dated by the month's last instant, which its transfers say; one that paid nobody has none to compare.
_PAYMENTS = """
SELECT p.month, p.pool_id, p.version_no, p.cause_no, p.base_minor, p.amount_minor, p.weight
FROM pool_payments p
WHERE p.program_id = %(program)s AND EXISTS (
    SELECT 1 FROM transfers t WHERE t.program_id = p.program_id AND t.cause_no = p.cause_no AND t.kind = 'pool'
      AND t.occurred_at >= %(since)s AND t.occurred_at < %(until)s)
ORDER BY p.month, p.cause_no
"""
_SHARES = """
SELECT shop_no, amount_minor FROM transfers
WHERE program_id = %(program)s AND cause_no = %(cause)s AND kind = 'pool'
"""


class PostedPool(NamedTuple):
    """A pool of a month that was paid, under which version, and what it rested on; ``weight`` of all holders."""

    month: int
    pool_id: str
    version_no: int
    cause_no: int
    base_minor: int
    amount_minor: int
    weight: int


def pool_rows(conn: Connection, program_id: int, month: int) -> Iterator[tuple[str, int, int]]:
    """Yields pool, shop and amount of a month's pools."""
    with streamed(conn, "pool_rows", _OF_MONTH, {"program": program_id, "month": month}) as cursor:
        for pool_id, shop_no, amount_minor in cursor:
            yield pool_id, shop_no, int(amount_minor)


def payments_between(conn: Connection, program_id: int, span: PaidSpan) -> list[PostedPool]:
    """Lists the pools that were paid for months whose last instant lies in a span."""
    return execute_as(conn, PostedPool, _PAYMENTS, {"program": program_id, **span._asdict()}).fetchall()


def shares_of(conn: Connection, program_id: int, cause_no: int) -> list[tuple[int, int]]:
    """Reads who got how much of a payment."""
    return execute(conn, _SHARES, {"program": program_id, "cause": cause_no}).fetchall()
