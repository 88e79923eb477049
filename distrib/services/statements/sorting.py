"""Statements and balances in order: by what a month closes with or brought, by what is available or held.

Of large programs the order is kept by workers, as of an instant that the answers name; what a row shows is of now.
Small programs are put in order as they are asked. No SQL may enter.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from distrib.services.context import ListPart, Unit, format_period, period_bounds
from distrib.services.statements import closing
from distrib.services.statements.refusals import SortNotKept
from distrib.services.statements.releases import keep_releases
from distrib.services.statements.totals import LEAST_BLOCKS, LEAST_MONTHS, held_from_of
from distrib.store.ledger import balances, books, seals, sorted_balances
from distrib.store.ledger.sorted_balances import FigureKey, FigureOrder, SortedAsOf
from distrib.store.network.shops import show_many
from distrib.store.recorded import Part
from distrib.store.statements import months, periods, sorted_months, totals
from distrib.store.statements.months import StatementRow
from distrib.store.statements.sorted_months import CLOSED, COMPUTED, KEPT, SortedMonth

_Row = TypeVar("_Row")

STATES = ("owed", "in_debt")
BALANCE_SORTS = ("available", "-available", "held", "-held")
MONTH_SORTS = ("shop", "closing", "-closing", "earned", "-earned")
MOST_MONTHS = 12
"""So many open months of a large program are kept in order, the newest of those with any movement."""
OLDEST = timedelta(minutes=5)
"""So old may an order be before it is kept anew,"""
MOST_SHARE = 40
"""and so many times as old as it took, so that a worker is busy with it a fortieth of its time at the most."""
LONGEST = timedelta(minutes=30)
"""But no older than this: the first time, when all of it is written, says little of the next."""
_BALANCE_FIGURES = {"available": sorted_balances.AVAILABLE, "held": sorted_balances.HELD}
_MONTH_FIGURES = {"closing": "closing_minor", "earned": "earned_minor"}


@dataclass(frozen=True, slots=True)
class SortedPage(Generic[_Row]):
    """A page of rows, its end as (figure, number of the shop), and of when its order is where that was kept."""

    rows: list[_Row]
    follows: tuple[int, int] | None
    sorted_as_of: datetime | None


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """A shop with money: all of it, and what of it is held, reserved and available."""

    shop_id: str
    name: str | None
    status: str
    balance_minor: int
    held_minor: int
    reserved_minor: int
    available_minor: int
    currency: str


def list_balances(
    unit: Unit, sort: str, state: str | None, after: tuple[int, int] | None, limit: int
) -> SortedPage[BalanceRow]:
    """Lists the shops with money by what is available or held, with what each has now.

    Args:
        sort: one of ``BALANCE_SORTS``.
        state: ``owed``, those with something available, or ``in_debt``, those with less than nothing.
        after: the place that the page before ended at.
    """
    kept = sorted_balances.kept_order(unit.conn, unit.program_id)
    order = FigureOrder(
        _BALANCE_FIGURES[sort.removeprefix("-")],
        {"now": unit.now},
        is_descending=sort.startswith("-"),
        is_kept=kept is not None,
    )
    part = Part(_key(after), limit + 1)
    keys = sorted_balances.shops_with_money(unit.conn, unit.program_id, order, state, part)
    numbers = [key.shop_no for key in keys[:limit]]
    splits = balances.balances_of(unit.conn, unit.program_id, numbers, unit.now) if numbers else {}
    shops = show_many(unit.conn, unit.program_id, numbers, unit.now) if numbers else {}
    rows = [
        BalanceRow(
            shop_id=shops[shop_no].shop_id,
            name=shops[shop_no].name,
            status=shops[shop_no].status,
            balance_minor=splits[shop_no].total_minor,
            held_minor=splits[shop_no].held_minor,
            reserved_minor=splits[shop_no].reserved_minor,
            available_minor=splits[shop_no].available_minor,
            currency=unit.program.currency,
        )
        for shop_no in numbers
        if shop_no in splits and _is_in(state, splits[shop_no].available_minor)
    ]
    return SortedPage(rows, _follows(keys, limit), None if kept is None else kept.as_of)


def list_month(
    unit: Unit, period: int, sort: str, state: str | None, asked: ListPart[tuple[int, int]]
) -> SortedPage[StatementRow]:
    """Lists the rows of a month by what it closes with or by what it brought, each as it stands or was closed.

    Args:
        sort: one of ``MONTH_SORTS`` but the id of the shop.
        state: ``owed`` or ``in_debt``, by what the month closes with.

    Raises:
        Refusal: ``sort_not_kept`` for an open month of a large program that is none of the ``MOST_MONTHS``.
    """
    figure, is_descending = _MONTH_FIGURES[sort.removeprefix("-")], sort.startswith("-")
    closed = closing.find_closed(unit.conn, unit.program, period)
    kept = None if closed is not None else sorted_balances.kept_order(unit.conn, unit.program_id)
    source = CLOSED if closed is not None else COMPUTED if kept is None else KEPT
    if kept is not None and period not in kept.periods:
        raise SortNotKept(period=format_period(period))
    figures_no = None if closed is None else closed.figures_no
    held_from = held_from_of(unit.program, period, unit.now)
    month = SortedMonth(period, source, figure, is_descending, state, held_from, figures_no)
    keys = sorted_months.keys_of_month(unit.conn, unit.program_id, month, _key(asked.after), asked.limit + 1)
    numbers = [key.shop_no for key in keys[: asked.limit]]
    listed = sorted_months.rows_of_month(unit.conn, unit.program_id, month, numbers) if numbers else []
    rows = [row for row in listed if _is_in(state, row.closing_minor)]
    return SortedPage(rows, _follows(keys, asked.limit), None if kept is None else kept.as_of)


def keep_due_order(unit: Unit, *, always: bool = False) -> bool:
    """Keeps the order of a large program's shops and of its open months, where it is due; in a transaction of its own.

    Args:
        always: also of a small program, and before it is due.

    Returns:
        Whether it was kept.
    """
    number = unit.program_id
    is_large = always or totals.is_large(unit.conn, number, LEAST_MONTHS, LEAST_BLOCKS)
    if not is_large or not periods.lock_order(unit.conn, number):
        return False
    kept = sorted_balances.kept_order(unit.conn, number)
    if kept is not None and not always and unit.now - kept.as_of < _wait_of(kept):
        return False
    began = time.monotonic()
    periods.allow_time(unit.conn)
    through = seals.posting_horizon(unit.conn)
    this = unit.period
    start, end = period_bounds(this, unit.program.zone)
    sorted_balances.keep_balances(unit.conn, number, start, end, unit.now)
    keep_releases(unit)
    closed_through = books.closed_through(unit.conn, number)
    moved = {*months.periods_with_movement(unit.conn, number), this}
    open_periods = sorted(period for period in moved if period > closed_through)[-MOST_MONTHS:]
    for period in open_periods:
        is_kept = kept is not None and period in kept.periods and period != this
        if kept is None or not is_kept or periods.posted_since(unit.conn, number, period, kept.through_posting):
            sorted_months.keep_month(unit.conn, number, period, held_from_of(unit.program, period, unit.now))
    sorted_months.forget_other_months(unit.conn, number, open_periods)
    took_ms = round((time.monotonic() - began) * 1_000)
    sorted_balances.keep_order(unit.conn, number, SortedAsOf(unit.now, took_ms, through, open_periods))
    return True


def _wait_of(kept: SortedAsOf) -> timedelta:
    return min(max(OLDEST, timedelta(milliseconds=kept.took_ms) * MOST_SHARE), LONGEST)


def _is_in(state: str | None, minor: int) -> bool:
    """Whether a figure still is what was asked for: a kept order may know an older one."""
    return state is None or (minor > 0 if state == "owed" else minor < 0)


def _key(after: tuple[int, int] | None) -> FigureKey | None:
    return None if after is None else FigureKey(after[1], after[0])


def _follows(keys: list[FigureKey], limit: int) -> tuple[int, int] | None:
    return (keys[limit - 1].minor, keys[limit - 1].shop_no) if len(keys) > limit else None
