"""What a shop earns, as its owner follows it: today, this month, and the days on which money becomes available.

No SQL may enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from distrib.services.context import Unit, period_bounds
from distrib.store.ledger import earnings as rows
from distrib.store.ledger.earnings import Today


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


def earnings(unit: Unit, shop_no: int) -> ShopEarnings:
    """Adds up what a shop earned today and this month, less what was taken back, and what is free on which day.

    Days are those of the program's time zone. What was adjusted by hand counts; what was paid out does not.
    """
    day = unit.day
    midnight = datetime(day.year, day.month, day.day, tzinfo=unit.program.zone)
    month, _ = period_bounds(unit.period, unit.program.zone)
    days = rows.by_day(unit.conn, unit.program_id, shop_no, Today(unit.program.time_zone, midnight, month, unit.now))
    return ShopEarnings(
        sum(row.today_minor for row in days),
        sum(row.month_minor for row in days),
        [Release(row.day, row.held_minor) for row in days if row.day is not None and row.held_minor],
    )
