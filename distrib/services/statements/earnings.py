"""What a shop earns, as its owner follows it: today, this month, and the days on which money becomes available.

No SQL may enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from distrib.services.context import Program, period_bounds
from distrib.store.ledger import earnings as rows


@dataclass(frozen=True, slots=True)
class Release:
    """What a shop gets on a day."""

    day: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ShopEarnings:
    """What a shop earned today and this month, and what is free on which day."""

    today_minor: int
    month_minor: int
    releases: list[Release]


def earnings(conn: Connection, program: Program, shop_no: int, now: datetime) -> ShopEarnings:
    """Adds up what a shop earned today and this month, less what was taken back, and what is free on which day.

    Days are those of the program's time zone. What was adjusted by hand counts; what was paid out does not.
    """
    day = program.day_of(now)
    midnight = datetime(day.year, day.month, day.day, tzinfo=program.zone)
    month, _ = period_bounds(program.period_of(now), program.zone)
    days = rows.by_day(conn, program.program_id, shop_no, program.time_zone, midnight, month, now)
    return ShopEarnings(
        sum(row.today_minor for row in days),
        sum(row.month_minor for row in days),
        [Release(row.day, row.held_minor) for row in days if row.day is not None and row.held_minor],
    )
