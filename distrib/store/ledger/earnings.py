"""What one shop earned since midnight and since the month began, by the day it becomes available. No rule may enter."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute_as


class Today(NamedTuple):
    """An instant, and the first instants of its day and of its month in a time zone."""

    zone: str
    midnight: datetime
    month: datetime
    now: datetime


class DayOfRelease(NamedTuple):
    """What becomes available on a day; of None is what is available already."""

    day: date | None
    held_minor: int
    today_minor: int
    month_minor: int


# Held is money for no more days than a plan may hold it (``MAX_HOLD_DAYS``): so many rows, and one.
_BY_DAY = """
SELECT day, COALESCE(sum(signed_minor) FILTER (WHERE day IS NOT NULL), 0)::bigint AS held_minor,
       COALESCE(sum(signed_minor) FILTER (WHERE occurred_at >= %(midnight)s), 0)::bigint AS today_minor,
       COALESCE(sum(signed_minor) FILTER (WHERE occurred_at >= %(month)s), 0)::bigint AS month_minor
FROM (SELECT CASE WHEN available_at > %(now)s THEN (available_at AT TIME ZONE %(zone)s)::date END AS day, occurred_at,
             signed_minor(shop_no, credit_account, amount_minor) AS signed_minor
      FROM shop_transfers
      WHERE program_id = %(program)s AND shop_no = %(shop_no)s AND kind NOT IN ('paid', 'tax')
        AND occurred_at <= %(now)s AND (occurred_at >= %(month)s OR available_at > %(now)s)) t
GROUP BY day ORDER BY day
"""


def by_day(conn: Connection, program_id: int, shop_no: int, today: Today) -> list[DayOfRelease]:
    """Adds up a shop's transfers, of today and of this month."""
    bound = {"program": program_id, "shop_no": shop_no}
    return execute_as(conn, DayOfRelease, _BY_DAY, bound | today._asdict()).fetchall()
