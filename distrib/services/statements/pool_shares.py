"""Who gets how much of a pool of a month, under whichever plan; nothing is paid by it. No SQL may enter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.plans.plan import Plan
from distrib.domain.plans.pools import Pool, PoolSharing
from distrib.services.context import Program, period_bounds
from distrib.store.recorded import Part
from distrib.store.statements import pools as rows
from distrib.store.statements.pools import Holder, PlanRanks

__all__ = [
    "HeldRanks",
    "Holder",
    "Month",
    "SharedPool",
    "base_of",
    "held_ranks",
    "known_ranks",
    "month_of",
    "share_pool",
]

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


class HeldRanks(NamedTuple):
    """Who held which rank at a month's last instant: how many hold each, and the holders themselves, by id."""

    counts: Mapping[str, int]
    holders: Callable[[Sequence[str]], Iterator[Holder]]


def held_ranks(conn: Connection, program: Program, plan: Plan, month: Month) -> HeldRanks:
    """Reads who held which of the ranks that a plan knows; the holders as long as ``conn`` is open."""
    ranks = PlanRanks(known_ranks(plan), plan.lowest_rank, month.last_instant)

    def holders(holding: Sequence[str]) -> Iterator[Holder]:
        part = Part("", HOLDERS_AT_ONCE)
        while page := rows.holders_after(conn, program.program_id, ranks, list(holding), part):
            yield from page
            part = part._replace(place=page[-1].shop_id)

    return HeldRanks(rows.count_holders(conn, program.program_id, ranks), holders)


def base_of(conn: Connection, program: Program, plan: Plan, month: Month) -> Fraction:
    """Reads a month's base as a plan takes it, before rounding."""
    return rows.base_of_month(conn, program.program_id, plan.base, month.start, month.end)


def known_ranks(plan: Plan) -> list[str]:
    """The ranks of the program that a plan knows: its own, and those that it renames."""
    return [*plan.rank_indexes, *plan.rank_map]


def share_pool(plan: Plan, pool: Pool, base: Fraction, held: HeldRanks, rank_under: Callable[[str], str]) -> SharedPool:
    """Shares a pool of a month; ``shares`` are shop and amount, by id of the shop, without those who get nothing.

    Args:
        base: of the month, before rounding; below 0 it counts as nothing.
        rank_under: the rank of the plan that a rank of the program stands for.
    """
    counts: dict[str, int] = {}
    for rank, count in held.counts.items():
        counts[rank_under(rank)] = counts.get(rank_under(rank), 0) + count
    by_weight: dict[int, int] = {}
    for rank, weight in pool.weights.items():
        if weight > 0 and counts.get(rank):
            by_weight[weight] = by_weight.get(weight, 0) + counts[rank]
    base = max(base, Fraction())
    weight = sum(weight * count for weight, count in by_weight.items())
    amount = pool.amount_of(base) if by_weight else 0

    def shares() -> Iterator[tuple[int, int]]:
        sharing = PoolSharing(amount, by_weight)
        for holder in held.holders([rank for rank in known_ranks(plan) if pool.weights.get(rank_under(rank), 0) > 0]):
            share = sharing.next_share(pool.weights[rank_under(holder.rank)])
            if share:
                yield holder.shop_no, share

    return SharedPool(floor(base), weight, shares() if amount else iter(()))
