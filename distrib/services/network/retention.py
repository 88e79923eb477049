"""The share of shops that stay active so many months after joining (docs/metrics.md). No SQL may enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from distrib.domain.periods import month_number
from distrib.services.context import Unit
from distrib.services.network.shop_months import ratio_text
from distrib.store.network import retention as store
from distrib.store.network.retention import KeptRetention, RetentionRow

AFTER_MONTHS = (1, 3, 6, 12)
OLDEST = timedelta(days=1)
"""So old may be what is kept before it is counted anew; a month that ends lets it be counted at once."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The shops for which so many months after joining are over, and how many of them sold in the last one."""

    months: int
    shops: int
    active_shops: int
    share: str | None


@dataclass(frozen=True, slots=True)
class RetentionView:
    """What is known of each number of months, as of an instant."""

    data: list[Retention]
    as_of: datetime


def retention(unit: Unit) -> RetentionView:
    """Computes the share of shops still active 1, 3, 6 and 12 months after the month they joined in.

    Of large programs it is as the workers kept it; ``as_of`` says when.
    """
    kept = store.kept_retention(unit.conn, unit.program_id)
    if kept is None:
        return RetentionView([_shown(row) for row in _count(unit)], unit.now)
    rows = map(RetentionRow, kept.months, kept.shops, kept.active)
    return RetentionView([_shown(row) for row in rows], kept.as_of)


def keep_due_retention(unit: Unit) -> bool:
    """Counts and keeps it where what is kept is old or of another month; for workers, in a transaction of its own.

    Returns:
        Whether it was kept; False too where another transaction is at it.
    """
    if not _is_due(unit, store.kept_retention(unit.conn, unit.program_id)):
        return False
    if not store.lock_retention(unit.conn, unit.program_id):
        return False
    store.keep_retention(unit.conn, unit.program_id, unit.now, _count(unit))
    return True


def _is_due(unit: Unit, kept: KeptRetention | None) -> bool:
    if kept is None:
        return True
    return unit.now - kept.as_of > OLDEST or unit.program.period_of(kept.as_of) != unit.period


def _count(unit: Unit) -> list[RetentionRow]:
    current = month_number(unit.period)
    return store.count_active(unit.conn, unit.program_id, unit.program.time_zone, AFTER_MONTHS, current)


def _shown(row: RetentionRow) -> Retention:
    return Retention(row.months, row.shops, row.active, ratio_text(row.active, row.shops))
