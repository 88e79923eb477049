"""Runs a simulation over a span of history: every order on every candidate, added up. No SQL may enter.

All reads are of one instant, that of the transaction's snapshot, so that the figures fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

import numpy as np
from sqlalchemy import Connection

from distrib.columns.history.block import HistoryBlock
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Policy
from distrib.services.context import Program, Unit, period_bounds
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import judge, load_timeline
from distrib.services.simulations import pools
from distrib.services.simulations.block_tallies import EngineOrders, add_block
from distrib.services.simulations.candidates import CandidatePlan
from distrib.services.simulations.facts import PostgresFacts, TriedHistory
from distrib.services.simulations.figures import BlockFigures
from distrib.services.simulations.held_arrays import GivenRanks, RanksInArrays
from distrib.services.simulations.histories import failed_orders
from distrib.services.simulations.in_columns import BlockOutcome, ColumnCandidate
from distrib.services.simulations.own_arrays import replayed_in_arrays
from distrib.services.simulations.replaying import RanksUnder, Replayed, with_candidate
from distrib.services.simulations.result_views import ResultView
from distrib.services.simulations.results import Described, result_view
from distrib.services.simulations.shop_sums import SummedShops
from distrib.services.simulations.sources import HistorySource, PlanNeeds, PostgresHistory
from distrib.services.simulations.stored_ranking import stored_source
from distrib.services.simulations.tallies import AS_IT_WAS, Tally
from distrib.store.network import shops
from distrib.store.simulations import history as rows
from distrib.store.simulations import ranks as rank_rows
from distrib.store.simulations.history import PaidSpan
from distrib.store.simulations.ranks import KeptRank

__all__ = ["PaidSpan", "SimulationQuestion", "Watcher", "enter_history", "simulate"]

KNOWN, NONE = REFUNDS = ("known", "none")
AS_WERE, REPLAYED = RANKS = ("as_were", "replayed")
MOST_CANDIDATES = 5
Begin: TypeAlias = Callable[[], AbstractContextManager[Connection]]


class SimulationQuestion(NamedTuple):
    """What is asked: which plans, on which orders, with or without what came back, and by which ranks.

    ``ranks_from`` is from when on ranks are replayed; the beginning of the span if not given.
    """

    plans: tuple[Plan, ...]
    span: PaidSpan
    refunds: str = KNOWN
    ranks: str = AS_WERE
    ranks_from: datetime | None = None


class Watcher(NamedTuple):
    """Who is told how far a simulation is: each block with what its orders come to, orders done, and at last the shops.

    ``keep_shops`` gets pages of shops with what each has on each side.
    """

    keep_block: Callable[[int, BlockFigures], None] = lambda _number, _figures: None
    progress: Callable[[int, int], None] = lambda _done, _total: None
    keep_shops: Callable[[Iterator[SummedShops]], None] = lambda _pages: None
    keep_ranks: Callable[[Iterator[KeptRank]], None] = lambda _ranks: None


_NOBODY = Watcher()


class _Trial(NamedTuple):
    """Candidates tried: in which unit of work, what is asked, what all comes to so far, and who is told of it."""

    unit: Unit
    question: SimulationQuestion
    tally: Tally
    watch: Watcher


def enter_history(conn: Connection) -> None:
    """Makes the caller's transaction see one instant; call it first in a transaction of its own."""
    rows.enter_history(conn)


def simulate(
    unit: Unit, policies: Mapping[str, Policy], question: SimulationQuestion, begin: Begin, watch: Watcher = _NOBODY
) -> ResultView:
    """Tries every candidate on every order of the span, and answers the result as it is shown.

    Args:
        unit: in a transaction that ``enter_history`` opened; its instant says which months are over.
        begin: opens another one, for pools by ranks that are replayed.
    """
    conn, program = unit.conn, unit.program
    published = TermsBook(program, load_timeline(conn, program), policies)
    with_refunds = question.refunds == KNOWN
    trial = _Trial(unit, question, Tally(program, question.plans, with_refunds=with_refunds), watch)
    own: Sequence[RanksUnder | None] = [None] * len(question.plans)
    given: Sequence[GivenRanks] = ()
    if question.ranks == REPLAYED:
        given = _replayed(unit, policies, question)
        own = [RanksInArrays(plan, ranks) for plan, ranks in zip(question.plans, given, strict=True)]
        watch.keep_ranks(kept for place, ranks in enumerate(given, 1) for kept in ranks.kept(place))
    tried = TriedHistory(PostgresFacts(conn, program), program, policies, question.span, published, with_refunds)
    candidates = [
        CandidatePlan(tried, plan, f"c{place}", ranks)
        for place, (plan, ranks) in enumerate(zip(question.plans, own, strict=True), 1)
    ]
    blocks = _add_settled(trial, candidates)
    _add_failed(trial, published, candidates, blocks)
    _add_pools(trial)
    if question.ranks == REPLAYED:
        _add_replayed_pools(trial, begin, given)
    watch.keep_shops(trial.tally.shops.pages())
    described = [Described(candidate.plan, judge(program, policies, candidate.plan)) for candidate in candidates]

    def ids_of(numbers: Sequence[int]) -> dict[int, str]:
        return shops.ids_of(conn, program.program_id, set(numbers))

    return result_view(program, trial.tally, described, ids_of)


@contextmanager
def own_ranks(conn: Connection, begin: Begin) -> Iterator[Connection]:
    """Opens a transaction in the same snapshot, with tables of ranks of its own."""
    snapshot = rank_rows.export_snapshot(conn)
    with begin() as own:
        rows.enter_history(own)
        with rank_rows.own_tables(own, snapshot):
            yield own


def _replayed(unit: Unit, policies: Mapping[str, Policy], question: SimulationQuestion) -> list[GivenRanks]:
    """Replays the ranks of each candidate, over arrays."""
    conn, program, now = unit.conn, unit.program, unit.now
    timeline, span = load_timeline(conn, program), question.span
    since = question.ranks_from or span.since
    since, until = max(since, rank_rows.first_fact(conn, program.program_id) or since), min(span.until, now)
    timelines = [with_candidate(timeline, plan, since) for plan in question.plans]
    source = stored_source(conn, program, timelines, since, until)
    months = Replayed(since, until, partial(over_at, program, now))
    return [replayed_in_arrays(program, policies, source, own, months) for own in timelines]


def _add_replayed_pools(trial: _Trial, begin: Begin, given: Sequence[GivenRanks]) -> None:
    """Adds the pools of candidates by their own ranks."""
    unit, plans = trial.unit, trial.question.plans
    if not any(plan.pools for plan in plans):
        return
    with own_ranks(unit.conn, begin) as own:
        by_own = trial._replace(unit=unit.on(own))
        for side, (plan, ranks) in enumerate(zip(plans, given, strict=True), 1):
            if plan.pools:
                rank_rows.hold_ranks(own, unit.program_id, ranks.rows, ranks.codes)
                _add_own_pools(by_own, side)


def over_at(program: Program, now: datetime, period: int) -> datetime | None:
    """When a month is evaluated: as soon as it is over; None while it lasts."""
    _, end = period_bounds(period, program.zone)
    return end if end <= now else None


def _add_settled(trial: _Trial, candidates: Sequence[CandidatePlan]) -> int:
    """Adds the orders that settled; answers the number of the next block."""
    unit, question, tally, watch = trial
    total = rows.count_orders(unit.conn, unit.program_id, question.span)
    in_time = any(candidate.needs_time for candidate in candidates)
    source = PostgresHistory(unit.conn, unit.program, question.span, PlanNeeds.of(question.plans))
    in_columns = [ColumnCandidate(candidate, tally.calendar) for candidate in candidates]
    done = number = 0
    watch.progress(done, total)
    for number, block in enumerate(source.blocks(in_time=in_time), 1):
        outcomes = [candidate.run(block) for candidate in in_columns]
        figures_of_block = add_block(tally, block, outcomes, left_to_engine(source, block, candidates, outcomes))
        watch.keep_block(number, figures_of_block())
        done += len(block)
        watch.progress(done, total)
    return number + 1


def left_to_engine(
    source: HistorySource,
    block: HistoryBlock,
    candidates: Sequence[CandidatePlan],
    outcomes: Sequence[BlockOutcome],
) -> EngineOrders:
    """Has the engine work on the orders of a block that candidates leave to it, each candidate on its own ones.

    Those that fail under a candidate with pools are read too.
    """
    wanted = [np.flatnonzero(outcome.needs_engine).tolist() for outcome in outcomes]
    places = sorted({place for own in [*wanted, *_without_base(candidates, outcomes)] for place in own})
    orders = dict(zip(places, source.orders(block, places), strict=True)) if places else {}
    by_candidate = []
    for candidate, own in zip(candidates, wanted, strict=True):
        simulated = candidate.simulate([orders[place] for place in own]) if own else []
        by_candidate.append(dict(zip(own, simulated, strict=True)))
    return EngineOrders(orders, by_candidate)


def _without_base(candidates: Sequence[CandidatePlan], outcomes: Sequence[BlockOutcome]) -> Iterator[list[int]]:
    """The places of orders that fail in columns under a candidate with pools."""
    for candidate, outcome in zip(candidates, outcomes, strict=True):
        if candidate.plan.pools:
            for mask in outcome.failing.values():
                yield np.flatnonzero(mask).tolist()


def _add_failed(trial: _Trial, published: TermsBook, candidates: Sequence[CandidatePlan], number: int) -> None:
    """Adds the orders that failed by the plan they were paid under; a candidate may pay them."""
    conn, program, span = trial.unit.conn, trial.unit.program, trial.question.span
    ways = [failed_orders(conn, program, span, published, candidate.terms) for candidate in candidates]
    for chunks in zip(*ways, strict=True):
        outcomes = [candidate.simulate(orders) for candidate, orders in zip(candidates, chunks, strict=True)]
        trial.watch.keep_block(number, BlockFigures.of_orders(trial.tally.add(chunks[0], outcomes)))
        number += 1


def _add_pools(trial: _Trial) -> None:
    """Adds the pools of the months that are over: those that were paid, and those of the candidates."""
    unit, question = trial.unit, trial.question
    conn, program = unit.conn, unit.program
    for month in pools.months_of(conn, program, question.span, unit.now):
        released = pools.released_on(program, month)
        posted = pools.posted_shares(conn, program, month)
        for pool_id, of_pool in groupby(posted, key=itemgetter(0)):
            paid = ((shop_no, amount_minor) for _, shop_no, amount_minor in of_pool)
            trial.tally.add_pool(AS_IT_WAS, month.period, pool_id, paid, released)
    if question.ranks == AS_WERE:
        for side in range(1, len(question.plans) + 1):
            _add_own_pools(trial, side)


def _add_own_pools(trial: _Trial, side: int) -> None:
    """Adds the pools of a candidate, by the ranks that the transaction sees and the orders that it pays."""
    conn, program, plan = trial.unit.conn, trial.unit.program, trial.question.plans[side - 1]
    for month in pools.months_of(conn, program, trial.question.span, trial.unit.now) if plan.pools else ():
        more = trial.tally.sides[side].base_more_of(month.period)
        for pool, shared in zip(plan.pools, pools.pools_of(conn, program, plan, month, more), strict=True):
            trial.tally.add_pool(side, month.period, pool.id, shared.shares, pools.released_on(program, month))
