"""Posts what was paid and withheld: transfers and running totals, in sets, accounts in order. No rule may enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.ledger import CLEARING, TAX
from distrib.store.sql import execute

# What comes back has numbers of its own, beyond those of any batch's lines.
RETURNS_FROM = 1_000_000_000


class PaidLine(NamedTuple):
    """A line that was paid: the shop received ``paid_minor``, ``tax_minor`` was withheld; it counts in ``period``."""

    shop_no: int
    line_no: int
    paid_minor: int
    tax_minor: int
    occurred_at: datetime
    period: int


# A line's transfers have the numbers that belong to it alone, so the key itself refuses a second payment or return.
_LINES = """
unnest(%(shops)b::bigint[], %(lines)b::integer[], %(paid)b::bigint[], %(taxes)b::bigint[], %(at)b::timestamptz[],
       %(periods)b::integer[]) AS l (shop_no, line_no, paid_minor, tax_minor, occurred_at, period)
CROSS JOIN LATERAL (VALUES (2 * l.line_no - 1, %(clearing)s::bigint, l.paid_minor, 'paid'),
                           (2 * l.line_no, %(tax)s::bigint, l.tax_minor, 'tax'))
     AS x (seq, account, amount_minor, kind)
WHERE x.amount_minor > 0
"""
_PAID = f"""
INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind, occurred_at,
                       available_at, period)
SELECT %(program)s, %(cause)s, x.seq, l.shop_no, x.account, x.amount_minor, x.kind::transfer_kind, l.occurred_at,
       l.occurred_at, l.period
FROM {_LINES}
"""
_RETURNED = f"""
INSERT INTO transfers (program_id, cause_no, seq, reverses_seq, debit_account, credit_account, amount_minor, kind,
                       occurred_at, available_at, period)
SELECT %(program)s, %(cause)s, {RETURNS_FROM} + x.seq, x.seq, x.account, l.shop_no, x.amount_minor,
       x.kind::transfer_kind, l.occurred_at, l.occurred_at, l.period
FROM {_LINES}
"""
_TRANSFERS = {1: _PAID, -1: _RETURNED}
_MONTHS = """
INSERT INTO account_months AS m (program_id, account_no, period, paid_minor, tax_minor)
SELECT %(program)s, l.shop_no, l.period, %(sign)s * l.paid_minor, %(sign)s * l.tax_minor
FROM unnest(%(shops)b::bigint[], %(periods)b::integer[], %(paid)b::bigint[], %(taxes)b::bigint[])
     AS l (shop_no, period, paid_minor, tax_minor)
ORDER BY l.shop_no, l.period
ON CONFLICT (program_id, account_no, period) DO UPDATE SET
    paid_minor = m.paid_minor + EXCLUDED.paid_minor, tax_minor = m.tax_minor + EXCLUDED.tax_minor,
    version = m.version + 1
"""


def post_paid(conn: Connection, program_id: int, payout_no: int, lines: Sequence[PaidLine]) -> None:
    """Posts paid lines: debits the shops, credits clearing with what left and tax with what was withheld."""
    _post(conn, program_id, payout_no, lines, 1)


def post_returned(conn: Connection, program_id: int, payout_no: int, lines: Sequence[PaidLine]) -> None:
    """Posts what came back of paid lines: the transfers of ``post_paid`` the other way, as new rows that name them."""
    _post(conn, program_id, payout_no, lines, -1)


def _post(conn: Connection, program_id: int, payout_no: int, lines: Sequence[PaidLine], sign: int) -> None:
    bound = {
        "program": program_id,
        "cause": payout_no,
        "sign": sign,
        "clearing": CLEARING,
        "tax": TAX,
        "shops": [line.shop_no for line in lines],
        "lines": [line.line_no for line in lines],
        "paid": [line.paid_minor for line in lines],
        "taxes": [line.tax_minor for line in lines],
        "at": [line.occurred_at for line in lines],
        "periods": [line.period for line in lines],
    }
    execute(conn, _TRANSFERS[sign], bound)
    execute(conn, _MONTHS, bound)
