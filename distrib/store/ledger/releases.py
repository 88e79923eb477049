"""What all shops together get on which day: as it stands, and as it was kept of a large program. No rule may enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, execute_as

# What a case holds and what a shop cannot have while it is frozen or closed has no day: nobody knows when it is free.
_BY_DAY = """
SELECT day, sum(signed_minor)::bigint AS amount_minor FROM (
    SELECT (t.available_at AT TIME ZONE %(zone)s)::date AS day,
           signed_minor(shop_no, credit_account, amount_minor) AS signed_minor
    FROM transfers t
    WHERE t.program_id = %(program)s AND t.available_at > %(now)s AND t.occurred_at <= %(now)s AND t.shop_no > 0
      AND t.kind NOT IN ('paid', 'tax')
      AND NOT EXISTS (SELECT 1 FROM withheld_shops(%(program)s, %(now)s) z WHERE z.shop_no = t.shop_no)
    UNION ALL
    SELECT (h.available_at AT TIME ZONE %(zone)s)::date, -h.signed_minor FROM frozen_transfers h
    WHERE h.program_id = %(program)s AND h.available_at > %(now)s AND h.occurred_at <= %(now)s
      AND (h.freed_at IS NULL OR h.freed_at > %(now)s)
      AND NOT EXISTS (SELECT 1 FROM withheld_shops(%(program)s, %(now)s) z WHERE z.shop_no = h.shop_no)) r
GROUP BY day HAVING sum(signed_minor) <> 0 ORDER BY day
"""
_KEPT = "SELECT as_of, days, amounts_minor FROM release_sums WHERE program_id = %(program)s"
_KEEP = """
INSERT INTO release_sums (program_id, as_of, days, amounts_minor) VALUES (%(program)s, %(as_of)s, %(days)s::date[],
    %(amounts_minor)s::bigint[])
ON CONFLICT (program_id) DO UPDATE SET as_of = EXCLUDED.as_of, days = EXCLUDED.days,
    amounts_minor = EXCLUDED.amounts_minor
"""


class KeptReleases(NamedTuple):
    """What became available on which day, by what was known at an instant."""

    as_of: datetime
    days: Sequence[date]
    amounts_minor: Sequence[int]


def releases(conn: Connection, program_id: int, zone: str, now: datetime) -> KeptReleases:
    """Adds up what all shops get after ``now``, by the day of the zone on which it becomes available."""
    rows = execute(conn, _BY_DAY, {"program": program_id, "zone": zone, "now": now}).fetchall()
    return KeptReleases(now, [day for day, _ in rows], [amount for _, amount in rows])


def kept_releases(conn: Connection, program_id: int) -> KeptReleases | None:
    """Reads what was kept last; None of a program of which nothing is kept."""
    return execute_as(conn, KeptReleases, _KEPT, {"program": program_id}).fetchone()


def keep_releases(conn: Connection, program_id: int, kept: KeptReleases) -> None:
    """Writes what is known now in place of what was kept."""
    execute(
        conn,
        _KEEP,
        {
            "program": program_id,
            "as_of": kept.as_of,
            "days": list(kept.days),
            "amounts_minor": list(kept.amounts_minor),
        },
    )
