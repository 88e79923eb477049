"""Ranks replayed: a candidate's own conditions promote, keep and take back, day by day, by the rules of the program.

What decides is the code that decides in the program itself (``services.ranks``), on tables of this transaction's own
in place of the program's. Facts (sales, refunds, recruits, statuses) are those of history. No SQL may enter.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.columns.commissions.chunk import NOBODY
from distrib.columns.tree import Integers, places_of
from distrib.domain.periods import next_period
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Policy
from distrib.domain.ranks.history import RankHistory, known_rank, row_reason
from distrib.domain.ranks.promotion import EARNINGS, keep_metrics, promotion_metrics
from distrib.services.context import COMMAND_LINE, Program, period_bounds
from distrib.services.plans.rank_map import map_ranks
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import Timeline, TimelineEntry, ladder_of
from distrib.services.ranks.evaluation import evaluate_alone
from distrib.services.ranks.promotion import decide_signals
from distrib.store.copying import microseconds
from distrib.store.network import tree
from distrib.store.ranks import figures
from distrib.store.ranks.figures import RankChange
from distrib.store.settlement import batch
from distrib.store.simulations import ranks as rows
from distrib.store.simulations.ranks import HeldRank

SHOPS_AT_ONCE = 10_000
_EVER = datetime.max.replace(tzinfo=UTC)
Evaluated = Callable[[int], datetime | None]
"""When a month was evaluated, or is to be; None: it is not."""


class Replayed(NamedTuple):
    """From when to when ranks are replayed, when each month is evaluated, and whether refunds are known as they came.

    Otherwise each is known from when it happened.
    """

    since: datetime
    until: datetime
    evaluated: Evaluated
    as_it_came: bool = False


def counts_earnings(plan: Plan) -> bool:
    """Whether a condition reads what shops earn, which another plan changes."""
    return any(metric.name == EARNINGS for metric in promotion_metrics(plan) | keep_metrics(plan))


def with_candidate(timeline: Timeline, plan: Plan, since: datetime) -> Timeline:
    """The plans of history until a candidate takes their place for good."""
    before = tuple(entry for entry in timeline.entries if entry.effective_from < since)
    return Timeline((*before, TimelineEntry(0, since, plan.code, 0, plan)))


def replay(
    conn: Connection,
    program: Program,
    policies: Mapping[str, Policy],
    timeline: Timeline,
    replayed: Replayed,
    now: datetime,
) -> None:
    """Replays the ranks of a program from an instant on, into this transaction's own tables.

    Args:
        conn: a transaction with tables of its own (``rows.make_tables``).
        timeline: the plans whose conditions decide.
    """
    since, until, evaluated, as_it_came = replayed
    number, terms = program.program_id, TermsBook(program, timeline, policies)
    first = rows.first_fact(conn, number)
    since = since if first is None else max(since, first)
    rows.begin_ranks(conn, number, since, program.time_zone if as_it_came else None)
    _take_over(conn, program, timeline, since, now)
    if terms.has_promotions:
        tree.signal_recruiters(conn, number, program.time_zone, since)
    period = program.period_of(since)
    while True:
        start, end = (bound.astimezone(UTC) for bound in period_bounds(period, program.zone))
        if start >= until:
            break
        known = evaluated(period)
        _map(conn, program, timeline, max(start, since), end, now)
        rows.know_refunds(conn, end, None)
        if terms.has_promotions:
            _signal(conn, program, terms, max(start, since), min(end, until))
            decide_signals(conn, program, terms, rows.take_signals(conn, number, program.day_of(min(end, until))), now)
        if known is not None and end <= until:
            rows.know_refunds(conn, end, known)
            evaluate_alone(conn, program, timeline, period, COMMAND_LINE, now)
        period = next_period(period)
    rows.know_refunds(conn, _EVER, None)


def _map(conn: Connection, program: Program, timeline: Timeline, start: datetime, end: datetime, now: datetime) -> None:
    """Carries ranks over to the names of every plan that begins in a span."""
    ladder = ladder_of(timeline)
    for entry in timeline.entries:
        if start <= entry.effective_from < end and entry.plan.rank_map:
            map_ranks(conn, program.program_id, ladder, entry.plan, entry.effective_from, COMMAND_LINE.key_id, now)


def _take_over(conn: Connection, program: Program, timeline: Timeline, since: datetime, now: datetime) -> None:
    """Adds what follows from ranks that hands set later: where the floor holds, and where no more."""
    ladder = ladder_of(timeline)
    shops = rows.shops_set_by_hand(conn, program.program_id, since)
    for first in range(0, len(shops), SHOPS_AT_ONCE):
        numbers = shops[first : first + SHOPS_AT_ONCE]
        history = RankHistory(figures.rank_rows(conn, program.program_id, numbers), ladder)
        changes = []
        for shop_no in numbers:
            plan = ladder.plan_at(since) or next(iter(ladder.plans()), None)
            if plan is not None:
                changes += [
                    RankChange(shop_no, row.effective_at, row.rank, row.cause, json.dumps(row_reason(row)))
                    for row in history.complete(shop_no, since, plan)
                ]
        if changes:
            figures.insert_rank_changes(conn, program.program_id, changes, COMMAND_LINE.key_id, now)


def _signal(conn: Connection, program: Program, terms: TermsBook, since: datetime, until: datetime) -> None:
    """Asks for a look at everybody whose sales changed in a span, and at those above."""
    signals = {
        (program.day_of(instant), shop_no, instant)
        for shop_no, instant in rows.looks(conn, program.program_id, since, until)
    }
    if signals:
        batch.insert_signals(conn, program.program_id, signals, terms.signal_levels)


class SimulatedRanks:
    """The ranks that shops had under a candidate, read for a chunk of orders at once.

    Args:
        read: reads the dated ranks of shops, in the order in which they hold.
    """

    def __init__(self, plan: Plan, read: Callable[[Sequence[int]], Sequence[HeldRank]]) -> None:
        self._plan, self._read = plan, read
        self._held: dict[int, tuple[list[datetime], list[str | None]]] = {}

    def load(self, shops: Sequence[int]) -> None:
        """Reads the ranks of these shops, and forgets others."""
        self._held = {}
        for shop_no, since, rank in self._read(shops):
            instants, ranks = self._held.setdefault(shop_no, ([], []))
            instants.append(since)
            ranks.append(rank)

    def rank_of(self, shop_no: int, instant: datetime) -> str:
        """The rank of a loaded shop at an instant."""
        instants, ranks = self._held.get(shop_no, ((), ()))
        place = bisect_right(instants, instant)
        return known_rank(self._plan, ranks[place - 1] if place else None)

    def of_columns(self, shop_no: Integers, paid_at: Integers) -> Integers:
        """The ranks of those around many orders, by their index in the plan, read for these orders alone.

        Args:
            shop_no: a matrix of which each column is an order (``PeopleColumns``).
            paid_at: of the orders, in microseconds since 1970.
        """
        shops, of = np.unique(shop_no, return_inverse=True)
        held = self._read(shops[shops != NOBODY].tolist())
        place = places_of(shops, np.array([row.shop_no for row in held], np.int64))
        known = [self._plan.rank_index(known_rank(self._plan, row.rank)) for row in held]
        ranks = np.array([self._plan.rank_index(known_rank(self._plan, None)), *known], np.int64)
        effective_at = np.array(microseconds([row.effective_at for row in held]), np.int64)
        instants, since = np.unique(effective_at, return_inverse=True)
        # One key for shop and instant, by their places; what holds is the last that is not later.
        width = instants.size + 1
        keys = place * width + since + 1
        asked = of.reshape(shop_no.shape) * width + np.searchsorted(instants, paid_at, "right")
        following = np.searchsorted(keys, asked, "right")
        is_held = following > 0
        is_held[is_held] = (keys[following[is_held] - 1] // width) == (asked[is_held] // width)
        return ranks[np.where(is_held, following, 0)]
