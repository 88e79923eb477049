"""Pools of the months of a span from files: what the ledger paid, and what a candidate would have paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, zip_longest
from typing import Final, NamedTuple

import numpy as np
import pyarrow.compute as pc

from distrib.columns.tree import Integers
from distrib.domain.periods import next_period
from distrib.domain.plans.plan import Plan
from distrib.domain.simulations.candidates import rank_under
from distrib.services.history.arrays import column_of, numbers
from distrib.services.history.dated import newest_of, rows_until
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.months import FileQuestion
from distrib.services.history.parquet import row_groups, row_groups_with
from distrib.services.history.pool_bases import base_of_month
from distrib.services.history.schema import ORDERS, RANKS, REFERRALS, SHOPS, STATUSES, TRANSFERS
from distrib.services.simulations.pools import released_on
from distrib.services.simulations.tallies import AS_IT_WAS, Tally
from distrib.services.statements.pool_shares import HeldRanks, Holder, Month, known_ranks, month_of, share_pool
from distrib.store.copying import microseconds
from distrib.store.simulations.history import PaidSpan

_ACTIVE: Final = "active"
_FIRSTS: Final = ((ORDERS, "settled_at"), (REFERRALS, "effective_at"))
_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Standing(NamedTuple):
    """The shops that were active at an instant, with the rank that each held; "" of who held none."""

    shop_no: Integers
    rank: Sequence[str]


def add_pools(question: FileQuestion, tally: Tally) -> None:
    """Adds the pools of the months that are over: those that were paid, and those of the candidates."""
    directory, plans = question.directory, question.plans
    months = months_of(directory, question.span)
    posted = _posted(directory, [month.period for month in months])
    for month in months:
        released = released_on(directory.program, month)
        for (period, pool_id), shares in posted.items():
            if period == month.period:
                tally.add_pool(AS_IT_WAS, period, pool_id, shares.items(), released)
        if not any(plan.pools for plan in plans):
            continue
        standing = _standing_at(directory, month.last_instant)
        bases = {
            base: base_of_month(directory, base, month.period) for base in {plan.base for plan in plans if plan.pools}
        }
        for side, (plan, given) in enumerate(zip_longest(plans, question.given), 1):
            if given is not None:
                ranks = given.ranks_at(standing.shop_no, month.last_instant)
                standing = standing._replace(rank=[rank or "" for rank in ranks])
            held = _held_under(directory, plan, standing)
            for pool in plan.pools:
                base = bases[plan.base] + tally.sides[side].base_more_of(month.period)
                shared = share_pool(plan, pool, base, held, partial(rank_under, plan))
                tally.add_pool(side, month.period, pool.id, shared.shares, released)


def months_of(directory: HistoryDirectory, span: PaidSpan) -> list[Month]:
    """The months that were over and whose last instant lies in the span, from the first fact of the program on."""
    first = first_fact(directory)
    months: list[Month] = []
    if first is None:
        return months
    period = directory.program.period_of(max(span.since, first))
    while True:
        month = month_of(directory.program, period)
        if month.end > directory.manifest.now or month.last_instant >= span.until:
            return months
        months.append(month)
        period = next_period(period)


def first_fact(directory: HistoryDirectory) -> datetime | None:
    """When the first order settled, or the first shop joined; None before either."""
    instants = [
        pc.min(group[column]).as_py()
        for kind, column in _FIRSTS
        for path in directory.paths(kind)[:1]
        for group in row_groups(path, [column])
    ]
    return min(instants, default=None)


def _posted(directory: HistoryDirectory, periods: Sequence[int]) -> dict[tuple[int, str], dict[int, int]]:
    """What was paid of the pools of those months, by month and pool, each by shop."""
    paid: dict[tuple[int, str], dict[int, int]] = {}
    columns = ["kind", "pool_period", "pool_id", "shop_no", "amount_minor"]
    groups = [row_groups_with(path, columns, "pool_period") for path in directory.paths(TRANSFERS) if periods]
    for group in chain.from_iterable(groups):
        for row in group.filter(pc.equal(group["kind"], "pool")).to_pylist():
            if row["pool_period"] in periods:
                shares = paid.setdefault((row["pool_period"], row["pool_id"]), {})
                shares[row["shop_no"]] = shares.get(row["shop_no"], 0) + row["amount_minor"]
    return paid


def _standing_at(directory: HistoryDirectory, instant: datetime) -> _Standing:
    """The shops that were active at an instant."""
    (until,) = microseconds([instant])
    shops, statuses = _last_of(directory, STATUSES, "status", until)
    is_active = np.array([status == _ACTIVE for status in statuses], np.bool_)
    shops = shops[is_active]
    ranked, ranks = _last_of(directory, RANKS, "rank", until)
    known = dict(zip(ranked.tolist(), ranks, strict=True))
    joined = [
        numbers(column_of(group, "shop_no"))[numbers(column_of(group, "joined_at")) <= until]
        for group in directory.rows(SHOPS, ["shop_no", "joined_at"])
    ]
    shops = np.intersect1d(shops, np.concatenate([np.zeros(0, np.int64), *joined]))
    return _Standing(shops, [known.get(shop_no) or "" for shop_no in shops.tolist()])


def _last_of(directory: HistoryDirectory, kind: str, column: str, until: int) -> tuple[Integers, list[str | None]]:
    """What held of each shop at an instant: the shops that have any, and the newest of each."""
    newest = newest_of(rows_until(directory, kind, ["shop_no", "effective_at", "seq", column], until))
    return numbers(column_of(newest, "shop_no")), newest[column].to_pylist()


def _held_under(directory: HistoryDirectory, plan: Plan, standing: _Standing) -> HeldRanks:
    """Who held which rank that a plan knows; whoever held none of them holds its lowest."""
    known = {*known_ranks(plan)}
    ranks = [rank if rank in known else plan.lowest_rank for rank in standing.rank]
    counts: dict[str, int] = {}
    for rank in ranks:
        counts[rank] = counts.get(rank, 0) + 1

    def holders(holding: Sequence[str]) -> Iterator[Holder]:
        places = [place for place, rank in enumerate(ranks) if rank in holding]
        numbered = standing.shop_no[places].tolist()
        ids = directory.ids_of(numbered)
        held = [Holder(ids[shop_no], shop_no, ranks[place]) for place, shop_no in zip(places, numbered, strict=True)]
        return iter(sorted(held))

    return HeldRanks(counts, holders)
