"""Who gets how much of a pool of a month, under whichever plan; nothing is paid by it. No SQL may enter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.plans.plan import Plan
from distrib.domain.plans.pools import Pool, PoolSharing
from distrib.services.context import Program, period_bounds
from distrib.store.statements import pools as rows
from distrib.store.statements.pools import PlanRanks

_TICK = timedelta(microseconds=1)
HOLDERS_AT_ONCE = 10_000


class Month(NamedTuple):
    """A month of the program's calendar."""

    period: int
    start: datetime
    end: datetime

    @property
    def last_instant(self) -> datetime:
        """The instant that decides plan, ranks and statuses."""
        return self.end - _TICK


def month_of(program: Program, period: int) -> Month:
    """The month of that number, as 202603."""
    return Month(period, *period_bounds(period, program.zone))


class SharedPool(NamedTuple):
    """A pool as it is shared: its month's base, rounded down, the weight of all holders, and who gets how much."""

    base_minor: int
    weight: int
    shares: Iterator[tuple[int, int]]


def share_pool_of(
    conn: Connection, program: Program, plan: Plan, pool: Pool, month: Month, rank_under: Callable[[str], str]
) -> SharedPool:
    """Shares a pool of a month; ``shares`` are shop and amount, by id of the shop, without those who get nothing.

    Args:
        rank_under: the rank of the plan that a rank of the program stands for.
    """
    known = [*plan.rank_indexes, *plan.rank_map]
    ranks = PlanRanks(known, plan.lowest_rank, month.last_instant)
    counts: dict[str, int] = {}
    for rank, count in rows.count_holders(conn, program.program_id, ranks).items():
        counts[rank_under(rank)] = counts.get(rank_under(rank), 0) + count
    by_weight: dict[int, int] = {}
    for rank, weight in pool.weights.items():
        if weight > 0 and counts.get(rank):
            by_weight[weight] = by_weight.get(weight, 0) + counts[rank]
    base = max(rows.base_of_month(conn, program.program_id, plan.base, month.start, month.end), Fraction())
    weight = sum(weight * count for weight, count in by_weight.items())
    amount = pool.amount_of(base) if by_weight else 0
    holding = [rank for rank in known if pool.weights.get(rank_under(rank), 0) > 0]

    def shares() -> Iterator[tuple[int, int]]:
        sharing, after = PoolSharing(amount, by_weight), ""
        while page := rows.holders_after(conn, program.program_id, ranks, holding, after, HOLDERS_AT_ONCE):
            for holder in page:
                share = sharing.next_share(pool.weights[rank_under(holder.rank)])
                if share:
                    yield holder.shop_no, share
            after = page[-1].shop_id

    return SharedPool(floor(base), weight, shares() if amount else iter(()))
