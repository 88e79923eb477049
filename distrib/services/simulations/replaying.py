"""Ranks replayed: a candidate's own conditions promote, keep and take back, day by day, by the rules of the program.

What decides is the code that decides in the program itself (``services.ranks``), on ranks of the replay's own in place
of the program's: tables of a transaction (``own_tables``), or arrays (``own_arrays``). Facts (sales, refunds, recruits,
statuses) are those of history. No SQL may enter.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import numpy as np

from distrib.columns.commissions.chunk import NOBODY
from distrib.columns.tree import Integers, places_of
from distrib.domain.periods import next_period
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Policy
from distrib.domain.ranks.history import RankHistory, known_rank, row_reason
from distrib.domain.ranks.promotion import EARNINGS, keep_metrics, promotion_metrics
from distrib.services.context import Program, period_bounds
from distrib.services.plans.rank_map import MappedRanks, map_ranks
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import Timeline, TimelineEntry, ladder_of
from distrib.services.ranks.facts import DecidedRanks, EvaluationMark, RankFacts
from distrib.services.ranks.figures import shops_at
from distrib.services.ranks.judging import BEFORE_ALL, Counts, changes_at, failures_of, judge_month, month_to_judge
from distrib.services.ranks.promotion import decide_signals
from distrib.store.copying import microseconds
from distrib.store.ranks.evaluations import Failure
from distrib.store.ranks.figures import RankChange, RankSignal
from distrib.store.simulations.ranks import HeldRank

SHOPS_AT_ONCE = 10_000
_EVER = datetime.max.replace(tzinfo=UTC)
Evaluated = Callable[[int], datetime | None]
"""When a month was evaluated, or is to be; None: it is not."""


class Replayed(NamedTuple):
    """From when to when ranks are replayed, and when each month is evaluated."""

    since: datetime
    until: datetime
    evaluated: Evaluated


def counts_earnings(plan: Plan) -> bool:
    """Whether a condition reads what shops earn, which another plan changes."""
    return any(metric.name == EARNINGS for metric in promotion_metrics(plan) | keep_metrics(plan))


def with_candidate(timeline: Timeline, plan: Plan, since: datetime) -> Timeline:
    """The plans of history until a candidate takes their place for good."""
    before = tuple(entry for entry in timeline.entries if entry.effective_from < since)
    return Timeline((*before, TimelineEntry(0, since, plan.code, 0, plan)))


class OwnRanks(RankFacts, DecidedRanks, MappedRanks, Protocol):
    """Ranks that a replay has to itself, with the facts that decide about them: tables, or arrays."""

    def first_fact(self) -> datetime | None:
        """When the first order settled, or the first shop joined; None before either."""

    def begin(self, terms: TermsBook, since: datetime) -> None:
        """Takes over what stood at an instant: ranks, evaluations, failures; and what hands set at any time."""

    def set_by_hand(self, since: datetime) -> Sequence[int]:
        """The shops whose rank somebody set after an instant."""

    def know_refunds(self, until: datetime, known: datetime | None) -> None:
        """Makes known what came back before an instant, and all that was done by ``known``."""

    are_likely: bool
    """Whether signals are of shops alone that figures which no look of their day can exceed would promote."""

    def signals(self, terms: TermsBook, since: datetime, until: datetime) -> Iterator[Sequence[RankSignal]]:
        """Yields whom the days that are through by ``until`` may promote for what happened from ``since`` on.

        What follows may depend on what was decided by what was yielded before.
        """

    def evaluated(self) -> EvaluationMark | None:
        """Where the newest evaluation ended; None before the first."""

    def newest_seq(self) -> int:
        """The number of the row of ranks that was written last; 0 before the first."""

    def keep_evaluation(self, period: int, mark: EvaluationMark, failures: Iterable[Failure]) -> None:
        """Keeps that a month was evaluated, and who failed to keep a rank in it."""


def replay(
    ranks: OwnRanks, program: Program, policies: Mapping[str, Policy], timeline: Timeline, replayed: Replayed
) -> None:
    """Replays the ranks of a program from an instant on.

    Args:
        timeline: the plans whose conditions decide.
    """
    since, until, evaluated = replayed
    terms = TermsBook(program, timeline, policies)
    first = ranks.first_fact()
    since = since if first is None else max(since, first)
    ranks.begin(terms, since)
    _take_over(ranks, timeline, since)
    period = program.period_of(since)
    while True:
        start, end = (bound.astimezone(UTC) for bound in period_bounds(period, program.zone))
        if start >= until:
            break
        known = evaluated(period)
        _map(ranks, timeline, max(start, since), end)
        ranks.know_refunds(end, None)
        if terms.has_promotions:
            for signals in ranks.signals(terms, max(start, since), min(end, until)):
                decide_signals(ranks, program, terms, signals, are_likely=ranks.are_likely)
        if known is not None and end <= until:
            ranks.know_refunds(end, known)
            _evaluate(ranks, program, timeline, period)
        period = next_period(period)
    ranks.know_refunds(_EVER, None)


def _map(ranks: OwnRanks, timeline: Timeline, start: datetime, end: datetime) -> None:
    """Carries ranks over to the names of every plan that begins in a span."""
    ladder = ladder_of(timeline)
    for entry in timeline.entries:
        if start <= entry.effective_from < end and entry.plan.rank_map:
            map_ranks(ranks, ladder, entry.plan, entry.effective_from)


def _take_over(ranks: OwnRanks, timeline: Timeline, since: datetime) -> None:
    """Adds what follows from ranks that hands set later: where the floor holds, and where no more."""
    ladder = ladder_of(timeline)
    shops = ranks.set_by_hand(since)
    for first in range(0, len(shops), SHOPS_AT_ONCE):
        numbers = shops[first : first + SHOPS_AT_ONCE]
        history = RankHistory(ranks.rank_rows(numbers), ladder)
        changes = []
        for shop_no in numbers:
            plan = ladder.plan_at(since) or next(iter(ladder.plans()), None)
            if plan is not None:
                changes += [
                    RankChange(shop_no, row.effective_at, row.rank, row.cause, json.dumps(row_reason(row)))
                    for row in history.complete(shop_no, since, plan)
                ]
        if changes:
            ranks.insert(changes)


def _evaluate(ranks: OwnRanks, program: Program, timeline: Timeline, period: int) -> None:
    """Evaluates a month; nothing is locked or waited for, as nobody else decides."""
    month = month_to_judge(program, timeline, period, ranks.evaluated() or BEFORE_ALL)
    _, effective_at = period_bounds(period, program.zone)
    mark = EvaluationMark(effective_at.astimezone(UTC), ranks.newest_seq())
    failures: Iterable[Failure] = ()
    if month is not None:
        judged = judge_month(ranks, month, shops_at(ranks, month.last_instant))
        for places in judged.changed(SHOPS_AT_ONCE):
            changes = changes_at(ranks, month, judged, places, Counts())
            if changes:
                ranks.insert(changes)
        failures = failures_of(month.plan, judged)
    ranks.keep_evaluation(period, mark, failures)


class RanksUnder(Protocol):
    """The ranks that shops had under a candidate."""

    def load(self, shops: Sequence[int]) -> None:
        """Reads the ranks of these shops, and may forget others."""

    def rank_of(self, shop_no: int, instant: datetime) -> str:
        """The rank of a loaded shop at an instant."""

    def of_columns(self, shop_no: Integers, paid_at: Integers) -> Integers:
        """The ranks of those around many orders, by their index in the plan.

        Args:
            shop_no: a matrix of which each column is an order (``PeopleColumns``).
            paid_at: of the orders, in microseconds since 1970.
        """


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
