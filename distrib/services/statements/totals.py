"""Keeping the totals of open months, so that no page of a month adds up every shop (``store.statements.totals``).

Small programs are added up as they are asked for. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from distrib.domain.periods import next_period
from distrib.services.context import Program, Unit, period_bounds
from distrib.store.ledger import accounts, books, seals
from distrib.store.statements import months, periods
from distrib.store.statements import totals as rows

LEAST_MONTHS = 20_000
"""From so many months of accounts on a program's totals are kept: below, they are added up in a tenth of a second."""
LEAST_BLOCKS = 2_000
"""Or from so many rows of blocks of causes on, some hundred thousand orders: a month counts each of them once."""
MOST_TAIL = 5_000
"""So many transfers may be posted before the totals are kept anew."""
MOST_STILL = 2
"""So many months between two that moved, in which nothing did, are begun at a time: there are hardly any."""
MOST_AGE = timedelta(hours=1)
"""So long may what is held run out before they are."""
_TICK = timedelta(microseconds=1)


def programs_kept(conn: Connection) -> list[int]:
    """Lists the programs of which totals are kept, by number."""
    return rows.kept_programs(conn)


def programs_to_begin(
    conn: Connection, limit: int = 100, *, least: int = LEAST_MONTHS, blocks: int = LEAST_BLOCKS
) -> list[int]:
    """Lists programs that have grown large and of which no totals are kept yet, by number."""
    return rows.large_programs(conn, least, blocks, limit)


def is_large(conn: Connection, program: Program) -> bool:
    """Whether the program has grown so large that its totals are kept, and that what goes over all of it takes long."""
    return rows.is_large(conn, program.program_id, LEAST_MONTHS, LEAST_BLOCKS)


def keep_due_totals(unit: Unit, *, always: bool = False) -> list[int]:
    """Keeps the totals of every open month that has moved or aged; for workers, in a transaction of its own.

    Those of a month in which nothing moved, with money from before, are as dear to add up: they are kept too.

    Args:
        always: also of a small program, and of months that have not moved.

    Returns:
        The months that were kept; none where another transaction is at it.
    """
    number = unit.program_id
    if not (always or is_large(unit.conn, unit.program)) or not rows.lock_totals(unit.conn, number):
        return []
    closed_through = books.closed_through(unit.conn, number)
    moved = [period for period in months.periods_with_movement(unit.conn, number) if period > closed_through]
    this, kept = unit.period, rows.kept_periods(unit.conn, number)
    still = _still_months(moved, this)
    looked_at = sorted({*moved, *kept.intersection(still), this})
    due = [period for period in looked_at if always or _is_due(unit, period)]
    due += [period for period in reversed(still) if period not in kept][:MOST_STILL]
    if due:
        periods.allow_time(unit.conn)
        through = seals.posting_horizon(unit.conn)
        accounts.keep_own(unit.conn, number, through)
        for period in due:
            rows.keep_totals(unit.conn, number, period, held_from_of(unit.program, period, unit.now), through)
    return due


def _still_months(moved: Sequence[int], this: int) -> list[int]:
    """The months after the first that moved, and before this one, in which nothing did.

    >>> _still_months([202511, 202602], 202604)
    [202512, 202601, 202603]
    """
    still, period = [], moved[0] if moved else this
    while period < this:
        if period not in moved:
            still.append(period)
        period = next_period(period)
    return still


def _is_due(unit: Unit, period: int) -> bool:
    kept_from = rows.kept_from(unit.conn, unit.program_id, period)
    if kept_from is None or rows.has_moved(unit.conn, unit.program_id, period, MOST_TAIL):
        return True
    return held_from_of(unit.program, period, unit.now) - kept_from > MOST_AGE


def held_from_of(program: Program, period: int, now: datetime) -> datetime:
    """The instant from which on what becomes available is held, as a statement of the month has it."""
    _, end = period_bounds(period, program.zone)
    return min(end, now + _TICK)
