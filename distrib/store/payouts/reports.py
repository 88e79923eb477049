"""Reads what payees earned and were paid over a span, for reports to tax offices. Nothing readable may enter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from distrib.store.database import Bound
from distrib.store.sql import streamed_as

_Row = TypeVar("_Row")

# A shop's money by its payee of today; shops without one stand each for itself. What the shop bore for withdrawals is
# among what the months have as adjusted.
_INCOMES = """
SELECT v.identity_hash, s.shop_id, s.shop_no, v.version, a.earned_minor, a.reversed_minor,
       a.adjusted_minor + COALESCE(f.fee_minor, 0) AS adjusted_minor, COALESCE(f.fee_minor, 0)::bigint AS fee_minor,
       a.paid_minor, a.tax_minor
FROM (SELECT account_no, sum(earned_minor)::bigint AS earned_minor, sum(reversed_minor)::bigint AS reversed_minor,
             sum(adjusted_minor)::bigint AS adjusted_minor, sum(paid_minor)::bigint AS paid_minor,
             sum(tax_minor)::bigint AS tax_minor
      FROM account_months
      WHERE program_id = %(program)s AND account_no > 0 AND period BETWEEN %(first)s AND %(last)s
      GROUP BY account_no) a
JOIN shops s ON s.program_id = %(program)s AND s.shop_no = a.account_no
LEFT JOIN (SELECT t.shop_no,
                  sum(-signed_minor(t.shop_no, t.credit_account, t.amount_minor))::bigint
                      AS fee_minor
           FROM transfers t JOIN withdrawals w ON w.program_id = t.program_id AND w.withdrawal_no = t.cause_no
           WHERE t.program_id = %(program)s AND t.kind = 'adjusted' AND t.period BETWEEN %(first)s AND %(last)s
           GROUP BY t.shop_no) f ON f.shop_no = a.account_no
LEFT JOIN LATERAL (
    SELECT y.version, k.identity_hash FROM payee_versions y JOIN payee_keys k USING (program_id, shop_no, version)
    WHERE y.program_id = %(program)s AND y.shop_no = a.account_no ORDER BY y.version DESC LIMIT 1) v ON true
WHERE (a.earned_minor, a.reversed_minor, a.adjusted_minor, a.paid_minor, a.tax_minor) <> (0, 0, 0, 0, 0)
ORDER BY v.identity_hash NULLS LAST, s.shop_id
"""
# By who was really paid and when, whoever the shop's payee is today; what came back is taken off when it came back.
_PAID = """
SELECT m.payee_hash, sum(m.payments) AS payments, sum(m.returned_minor)::bigint AS returned_minor,
       sum(m.amount_minor)::bigint AS amount_minor, sum(m.tax_minor)::bigint AS tax_minor,
       (array_agg(m.shop_no ORDER BY m.occurred_at DESC, m.payout_no DESC, m.line_no DESC))[1] AS shop_no,
       (array_agg(m.payee_version ORDER BY m.occurred_at DESC, m.payout_no DESC, m.line_no DESC))[1] AS version,
       (array_agg(m.payee_kind ORDER BY m.occurred_at DESC, m.payout_no DESC, m.line_no DESC))[1] AS kind
FROM (SELECT l.payee_hash, 1 AS payments, 0 AS returned_minor, l.amount_minor, l.tax_minor, l.shop_no, l.payee_version,
             l.payee_kind, l.payout_no, l.line_no, r.occurred_at
      FROM payout_results r JOIN payout_lines l USING (program_id, payout_no, shop_no)
      WHERE r.program_id = %(program)s AND r.status = 'paid'
        AND r.occurred_at >= %(from_at)s AND r.occurred_at < %(to_at)s
      UNION ALL
      SELECT l.payee_hash, 0, l.amount_minor, -l.amount_minor, -l.tax_minor, l.shop_no, l.payee_version, l.payee_kind,
             l.payout_no, l.line_no, b.occurred_at
      FROM payout_returns b JOIN payout_lines l USING (program_id, payout_no, shop_no)
      WHERE b.program_id = %(program)s AND b.occurred_at >= %(from_at)s AND b.occurred_at < %(to_at)s) m
GROUP BY m.payee_hash ORDER BY m.payee_hash
"""


class IncomeRow(NamedTuple):
    """What one shop had in some months, of which payee: the hash of the identity and its version, None without one."""

    identity_hash: bytes | None
    shop_id: str
    shop_no: int
    version: int | None
    earned_minor: int
    reversed_minor: int
    adjusted_minor: int
    fee_minor: int
    paid_minor: int
    tax_minor: int


class PaidRow(NamedTuple):
    """What one payee was paid, and the shop, version and kind by which it was last paid."""

    payee_hash: bytes
    payments: int
    returned_minor: int
    amount_minor: int
    tax_minor: int
    shop_no: int
    version: int
    kind: str


def incomes(conn: Connection, program_id: int, first: int, last: int, chunk_size: int) -> Iterator[list[IncomeRow]]:
    """Yields in chunks what each shop had in the months from ``first`` to ``last``, those of one payee together."""
    return _chunks(conn, IncomeRow, _INCOMES, {"program": program_id, "first": first, "last": last}, chunk_size)


def paid_by_payee(
    conn: Connection, program_id: int, from_at: datetime, to_at: datetime, chunk_size: int
) -> Iterator[list[PaidRow]]:
    """Yields in chunks what each payee was paid from an instant until another, tax included, less what came back."""
    bound = {"program": program_id, "from_at": from_at, "to_at": to_at}
    return _chunks(conn, PaidRow, _PAID, bound, chunk_size)


def _chunks(conn: Connection, kind: type[_Row], statement: str, bound: Bound, chunk_size: int) -> Iterator[list[_Row]]:
    with streamed_as(conn, "payout_report", kind, statement, bound) as cursor:
        while chunk := cursor.fetchmany(chunk_size):
            yield chunk
