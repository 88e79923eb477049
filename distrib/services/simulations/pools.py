"""Pools of the months of a span: what the ledger paid, and what a candidate would have paid. No SQL may enter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from functools import partial

from sqlalchemy import Connection

from distrib.domain.periods import next_period
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.pools import Pool
from distrib.domain.simulations.candidates import rank_under
from distrib.services.context import Program
from distrib.services.statements.pool_shares import Month, SharedPool, base_of, held_ranks, month_of, share_pool
from distrib.store.simulations import pools as posted
from distrib.store.simulations.history import PaidSpan
from distrib.store.simulations.ranks import first_fact


def months_of(conn: Connection, program: Program, span: PaidSpan, now: datetime) -> list[Month]:
    """The months that are over and whose last instant lies in the span, from the first fact of the program on."""
    months: list[Month] = []
    first = first_fact(conn, program.program_id)
    if first is None:
        return months
    period = program.period_of(max(span.since, first))
    while True:
        month = month_of(program, period)
        if month.end > now or month.last_instant >= span.until:
            return months
        months.append(month)
        period = next_period(period)


def released_on(program: Program, month: Month) -> date:
    """The day from which a pool of the month is available: at once."""
    return program.day_of(month.last_instant)


def pool_of(conn: Connection, program: Program, plan: Plan, pool: Pool, month: Month) -> SharedPool:
    """Shares a pool of a month under a plan, of what settled."""
    return next(pools_of(conn, program, replace(plan, pools=(pool,)), month, Fraction()))


def pools_of(conn: Connection, program: Program, plan: Plan, month: Month, more: Fraction) -> Iterator[SharedPool]:
    """Yields the pools of a month under a plan, in their order.

    Args:
        more: what is to be added to the base of what settled.
    """
    held, base = held_ranks(conn, program, plan, month), base_of(conn, program, plan, month) + more
    for pool in plan.pools:
        yield share_pool(plan, pool, base, held, partial(rank_under, plan))


def posted_shares(conn: Connection, program: Program, month: Month) -> Iterator[tuple[str, int, int]]:
    """Yields what the ledger paid of the month's pools: pool, shop, amount."""
    return posted.pool_rows(conn, program.program_id, month.period)
