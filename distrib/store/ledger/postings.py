"""Transfers that no order makes: adjustments, pools, payouts, tax. Posted in sets, with the running totals.

One statement posts and adds up, so that a transfer without its place in the totals cannot be. Which accounts and which
month is the service's business; the order's own transfers go through ``store.ledger``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute

ENTRIES_CHUNK = 10_000


class Entry(NamedTuple):
    """One transfer. ``amount_minor`` is above 0; one of the accounts is a shop's."""

    cause_no: int
    seq: int
    kind: str
    debit_account: int
    credit_account: int
    amount_minor: int
    occurred_at: datetime
    available_at: datetime
    period: int
    belongs_to_period: int | None = None
    rule_id: str | None = None
    base_minor: int | None = None
    rate_ppm: int | None = None
    version_no: int | None = None
    reverses_seq: int | None = None


_POST = """
WITH posted AS (
    INSERT INTO transfers (program_id, cause_no, seq, kind, debit_account, credit_account, amount_minor, occurred_at,
                           available_at, period, belongs_to_period, rule_id, base_minor, rate_ppm, version_no,
                           reverses_seq)
    SELECT %(program)s, * FROM unnest(%(cause_no)b::bigint[], %(seq)b::integer[], %(kind)s::transfer_kind[],
        %(debit_account)b::bigint[], %(credit_account)b::bigint[], %(amount_minor)b::bigint[],
        %(occurred_at)b::timestamptz[], %(available_at)b::timestamptz[], %(period)b::integer[],
        %(belongs_to_period)b::integer[], %(rule_id)b::text[], %(base_minor)b::bigint[], %(rate_ppm)b::integer[],
        %(version_no)b::integer[], %(reverses_seq)b::integer[])
    RETURNING shop_no, period, kind, signed_minor(shop_no, credit_account, amount_minor) AS signed_minor
)
INSERT INTO account_months AS m (program_id, account_no, period, earned_minor, adjusted_minor, paid_minor, tax_minor)
SELECT %(program)s, shop_no, period, COALESCE(sum(signed_minor) FILTER (WHERE kind = 'pool'), 0),
       COALESCE(sum(signed_minor) FILTER (WHERE kind = 'adjusted'), 0),
       COALESCE(-sum(signed_minor) FILTER (WHERE kind = 'paid'), 0),
       COALESCE(-sum(signed_minor) FILTER (WHERE kind = 'tax'), 0)
FROM posted WHERE shop_no > 0 GROUP BY shop_no, period ORDER BY shop_no, period
ON CONFLICT (program_id, account_no, period) DO UPDATE SET
    earned_minor = m.earned_minor + EXCLUDED.earned_minor, adjusted_minor = m.adjusted_minor + EXCLUDED.adjusted_minor,
    paid_minor = m.paid_minor + EXCLUDED.paid_minor, tax_minor = m.tax_minor + EXCLUDED.tax_minor,
    version = m.version + 1
"""


def post_entries(conn: Connection, program_id: int, entries: Sequence[Entry]) -> None:
    """Posts transfers of the kinds ``pool``, ``adjusted``, ``paid`` and ``tax``, and adds them to the months' totals.

    The caller holds the books open (``store.books``) and gives them by account, so that those who meet wait in turn.
    """
    for start in range(0, len(entries), ENTRIES_CHUNK):
        columns = zip(*entries[start : start + ENTRIES_CHUNK], strict=True)
        bound = dict(zip(Entry._fields, map(list, columns), strict=True))
        execute(conn, _POST, {"program": program_id, **bound})
