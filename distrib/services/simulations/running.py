"""Runs a simulation over a span of history: every order on every candidate, added up. No SQL may enter.

All reads are of one instant, that of the transaction's snapshot, so that the figures fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Policy
from distrib.services.context import Program
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import judge, load_timeline
from distrib.services.simulations import pools
from distrib.services.simulations.candidates import CandidatePlan
from distrib.services.simulations.histories import failed_orders, past_orders
from distrib.services.simulations.results import Described, result_view
from distrib.services.simulations.tallies import AS_IT_WAS, OrderFigures, Tally
from distrib.store.network import shops
from distrib.store.simulations import history as rows
from distrib.store.simulations.history import PaidSpan

__all__ = ["PaidSpan", "SimulationQuestion", "Watcher", "enter_history", "simulate"]

KNOWN, NONE = REFUNDS = ("known", "none")
AS_WERE, REPLAYED = "as_were", "replayed"
RANKS = (AS_WERE,)
MOST_CANDIDATES = 5


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

    ``keep_shops`` gets pages of shops, each its number and what it has on each side.
    """

    keep_block: Callable[[int, Sequence[OrderFigures]], None] = lambda _number, _figures: None
    progress: Callable[[int, int], None] = lambda _done, _total: None
    keep_shops: Callable[[Iterator[list[list[int]]]], None] = lambda _pages: None


_NOBODY = Watcher()


def enter_history(conn: Connection) -> None:
    """Makes the caller's transaction see one instant; call it first in a transaction of its own."""
    rows.enter_history(conn)


def simulate(
    conn: Connection,
    program: Program,
    policies: Mapping[str, Policy],
    question: SimulationQuestion,
    now: datetime,
    watch: Watcher = _NOBODY,
) -> dict[str, Any]:
    """Tries every candidate on every order of the span, and answers the result as it is shown.

    Args:
        conn: a transaction that ``enter_history`` opened.
        now: which months are over.
    """
    published = TermsBook(program, load_timeline(conn, program), policies)
    candidates = _candidates(conn, program, policies, question, published)
    tally = Tally(program, candidates, with_refunds=question.refunds == KNOWN)
    blocks = _add_settled(conn, program, question, candidates, tally, watch)
    _add_failed(conn, program, question, published, candidates, tally, watch, blocks)
    _add_pools(conn, program, question, tally, now)
    watch.keep_shops(tally.shops.pages())
    described = [Described(candidate.plan, judge(program, policies, candidate.plan)) for candidate in candidates]

    def ids_of(numbers: Sequence[int]) -> dict[int, str]:
        return shops.ids_of(conn, program.program_id, set(numbers))

    return result_view(program, tally, described, ids_of)


def _candidates(
    conn: Connection,
    program: Program,
    policies: Mapping[str, Policy],
    question: SimulationQuestion,
    published: TermsBook,
) -> list[CandidatePlan]:
    with_refunds = question.refunds == KNOWN
    return [
        CandidatePlan(conn, program, plan, policies, question.span, published, f"c{place}", with_refunds=with_refunds)
        for place, plan in enumerate(question.plans, 1)
    ]


def _add_settled(
    conn: Connection,
    program: Program,
    question: SimulationQuestion,
    candidates: Sequence[CandidatePlan],
    tally: Tally,
    watch: Watcher,
) -> int:
    """Adds the orders that settled; answers the number of the next block."""
    total = rows.count_orders(conn, program.program_id, question.span)
    in_time = any(candidate.needs_time for candidate in candidates)
    done = number = 0
    watch.progress(done, total)
    for number, orders in enumerate(past_orders(conn, program, question.span, in_time=in_time), 1):
        figures = tally.add(orders, [candidate.simulate(orders) for candidate in candidates])
        watch.keep_block(number, figures)
        done += len(orders)
        watch.progress(done, total)
    return number + 1


def _add_failed(
    conn: Connection,
    program: Program,
    question: SimulationQuestion,
    published: TermsBook,
    candidates: Sequence[CandidatePlan],
    tally: Tally,
    watch: Watcher,
    number: int,
) -> None:
    """Adds the orders that failed by the plan they were paid under; a candidate may pay them."""
    ways = [failed_orders(conn, program, question.span, published, candidate.terms) for candidate in candidates]
    for chunks in zip(*ways, strict=True):
        outcomes = [candidate.simulate(orders) for candidate, orders in zip(candidates, chunks, strict=True)]
        watch.keep_block(number, tally.add(chunks[0], outcomes))
        number += 1


def _add_pools(conn: Connection, program: Program, question: SimulationQuestion, tally: Tally, now: datetime) -> None:
    """Adds the pools of the months that are over: those that were paid, and those of the candidates."""
    for month in pools.months_of(program, question.span, now):
        released = pools.released_on(program, month)
        posted = pools.posted_shares(conn, program, month)
        for pool_id, of_pool in groupby(posted, key=itemgetter(0)):
            paid = ((shop_no, amount_minor) for _, shop_no, amount_minor in of_pool)
            tally.add_pool(AS_IT_WAS, month.period, pool_id, paid, released)
        for side, plan in enumerate(question.plans, 1):
            for pool in plan.pools:
                own = pools.pool_of(conn, program, plan, pool, month).shares
                tally.add_pool(side, month.period, pool.id, own, released)
