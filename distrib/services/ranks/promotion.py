"""Promotions: decided when a day is through, effective from the start of the next.

Every check (a shop at the instant of an event that may promote it) asks for the figures
as they stood at that instant, so that nothing depends on the order in which a day's events
are applied. A first pass asks, once a shop and day, for figures that no check of the day
can exceed; only shops that would be promoted by those are checked one by one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from distrib.domain.errors import Refusal
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import PROMOTION, DatedRank, RankHistory, known_rank, row_reason
from distrib.domain.ranks.promotion import (
    Metric,
    highest_rank,
    includes_start,
    promotion_effective_at,
    promotion_metrics,
    window_start,
)
from distrib.failpoints import reach
from distrib.services.context import Program, Unit
from distrib.services.plans.terms import TermsBook
from distrib.services.ranks.facts import DecidedRanks, RankFigureFacts, WrittenRanks
from distrib.store.ranks import figures as rows
from distrib.store.ranks.figures import FigureQuery, RankChange, RankSignal

_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_BOUNDLESS = 10**30


class PromotionCheck(NamedTuple):
    """A shop, the instant as of which its promotion is decided, and up to when sales and refunds count."""

    shop_no: int
    as_of: datetime
    sales_until: datetime
    refunds_until: datetime


class _DatedCheck(NamedTuple):
    """A check, and the instant from which a promotion by it would hold."""

    check: PromotionCheck
    effective_at: datetime


class _AskedOfDay(NamedTuple):
    """A day, and the signalled instants of it by shop."""

    day: date
    instants: Mapping[int, set[datetime]]


class Promotion(NamedTuple):
    """A promotion of a shop by a check: to which rank, from when, and by which figures."""

    check: PromotionCheck
    plan: Plan
    effective_at: datetime
    rank: str
    reason: Mapping[str, object]


def decide_promotions(unit: Unit, terms: TermsBook, first_day: date | None) -> bool | None:
    """Decides the promotions signalled for days before ``first_day`` and writes the changes of rank.

    Args:
        unit: what lies after its instant, as the look for a recruit by a move to come, is decided when its time has
            come.
        first_day: the earliest day that still has pending events; None when there is none.

    Returns:
        True when promotions were decided, False when another worker is deciding them, None when none are signalled.
    """
    signals = rows.take_signals(unit.conn, unit.program_id, first_day, unit.now)
    if signals is None:
        return False
    if not signals:
        return None
    rows.prefer_indexes(unit.conn)
    decide_signals(WrittenRanks(unit.conn, unit.program_id, "distrib", unit.now), unit.program, terms, signals)
    reach("promotion.written")
    return True


def decide_signals(
    ranks: DecidedRanks,
    program: Program,
    terms: TermsBook,
    signals: Sequence[RankSignal],
    *,
    are_likely: bool = False,
) -> None:
    """Decides the promotions that these signals ask for, day by day, and writes the changes of rank.

    Args:
        ranks: with what they are decided by, wherever they are.
        are_likely: whether figures that no check of a day can exceed were asked for already.
    """
    shops = sorted({signal.shop_no for signal in signals})
    history = RankHistory(ranks.rank_rows(shops), terms.ladder)
    days: dict[date, dict[int, set[datetime]]] = {}
    for signal in signals:
        days.setdefault(signal.day, {}).setdefault(signal.shop_no, set()).add(signal.instant)
    for day in sorted(days):
        asked = _AskedOfDay(day, days[day])
        likely = sorted(days[day]) if are_likely else _likely(ranks, program, terms, asked, history)
        hopeful = _AskedOfDay(day, {shop_no: days[day][shop_no] for shop_no in likely})
        changes = _decide_day(ranks, program, terms, hopeful, history)
        if changes:  # the checks of the next day read the ranks of recruits
            ranks.insert(changes)


def _likely(
    facts: RankFigureFacts, program: Program, terms: TermsBook, asked: _AskedOfDay, ranks: RankHistory
) -> list[int]:
    """Lists the shops that figures would promote which no check of the day can exceed."""
    start, end = _bounds_of(program, asked.day)
    bounds = [
        PromotionCheck(shop_no, first, end, start - _INSTANT)
        for shop_no, times in sorted(asked.instants.items())
        for first in _first_instants(terms, times)
    ]
    return sorted({promotion.check.shop_no for promotion in _promotions(facts, program, terms, bounds, ranks)})


def _bounds_of(program: Program, day: date) -> tuple[datetime, datetime]:
    """The first and the last instant of a day."""
    start = datetime.combine(day, time(), tzinfo=program.zone).astimezone(UTC)
    return start, promotion_effective_at(start, program.zone) - _INSTANT


def _decide_day(
    facts: RankFigureFacts, program: Program, terms: TermsBook, asked: _AskedOfDay, ranks: RankHistory
) -> list[RankChange]:
    """Decides the promotions of one day by the signalled instants of each shop; answers the rows to write."""
    instants, (_, end) = asked.instants, _bounds_of(program, asked.day)
    exact = [
        PromotionCheck(shop_no, as_of, as_of, as_of) for shop_no, times in instants.items() for as_of in sorted(times)
    ]
    exact += [PromotionCheck(shop_no, end, end, end) for shop_no in instants]
    changes = []
    for promotion in _promotions(facts, program, terms, exact, ranks):
        plan_then = terms.ladder.plan_at(promotion.effective_at) or promotion.plan
        carried = terms.ladder.carry(promotion.rank, promotion.check.as_of, promotion.effective_at)
        rank = known_rank(plan_then, carried)
        earned = ranks.earned(promotion.check.shop_no, promotion.effective_at, plan_then)
        if plan_then.rank_index(rank) > plan_then.rank_index(earned):
            changes.extend(_changes(promotion._replace(rank=rank), ranks))
    return changes


def _first_instants(terms: TermsBook, times: Collection[datetime]) -> list[datetime]:
    """Picks the first instant under each plan that was in force on the day."""
    firsts: dict[int | None, datetime] = {}
    for instant in sorted(times):
        firsts.setdefault(terms.version_no_at(instant), instant)
    return list(firsts.values())


def _changes(promotion: Promotion, ranks: RankHistory) -> list[RankChange]:
    """Computes the rows of a promotion, those of later instants at which it changes a rank included."""
    shop_no = promotion.check.shop_no
    reason = {"at": promotion.check.as_of.isoformat(), **promotion.reason}
    dated = ranks.promote(shop_no, promotion.effective_at, promotion.rank, promotion.plan)
    return rank_changes(shop_no, dated, PROMOTION, reason)


def rank_changes(
    shop_no: int, dated: Iterable[DatedRank], cause: str, reason: Mapping[str, object]
) -> list[RankChange]:
    """Encodes dated ranks for writing: those of ``cause`` with ``reason``, others with what they repeat."""
    return [
        RankChange(
            shop_no,
            row.effective_at,
            row.rank,
            row.cause,
            json.dumps(reason if row.cause == cause else row_reason(row), ensure_ascii=False),
        )
        for row in dated
    ]


def _promotions(
    facts: RankFigureFacts, program: Program, terms: TermsBook, checks: Sequence[PromotionCheck], ranks: RankHistory
) -> list[Promotion]:
    """Computes the promotions above the rank earned when they would hold, check by check."""
    promotions = []
    for plan, group in _by_plan(terms, checks):
        dated = [_DatedCheck(check, promotion_effective_at(check.as_of, program.zone)) for check in group]
        for entry, figures in _hopeful(facts, program, plan, dated, ranks):
            earned = ranks.earned(entry.check.shop_no, entry.effective_at, plan)
            promoted = highest_rank(plan, earned, figures)
            if promoted is not None:
                rank, reason = promoted
                promotions.append(Promotion(entry.check, plan, entry.effective_at, rank, {"to": rank, **reason}))
    return promotions


def _hopeful(
    facts: RankFigureFacts, program: Program, plan: Plan, checks: Sequence[_DatedCheck], ranks: RankHistory
) -> list[tuple[_DatedCheck, dict[Metric, int]]]:
    """Reads the figures of checks, less those checks that no figure still to be read could carry to a rank."""
    unread = dict.fromkeys(promotion_metrics(plan), _BOUNDLESS)
    left = [(entry, dict(unread)) for entry in checks]
    for metric in sorted(unread, key=by_cost):
        left = [
            (entry, own)
            for entry, own in left
            if highest_rank(plan, ranks.earned(entry.check.shop_no, entry.effective_at, plan), own) is not None
        ]
        column = figures_of(facts, program, plan, metric, [entry.check for entry, _ in left])
        for (_, own), figure in zip(left, column, strict=True):
            own[metric] = figure
    return left


def by_cost(metric: Metric) -> tuple[int, Metric]:
    """Orders metrics so that one that reads many shops is read last, when few checks are left."""
    return metric.reach, metric


def _by_plan(terms: TermsBook, checks: Sequence[PromotionCheck]) -> list[tuple[Plan, list[PromotionCheck]]]:
    """Groups checks by the plan in force at their instants; without a plan, or promotions in it, they are dropped."""
    plans: dict[int, Plan] = {}
    groups: dict[int, list[PromotionCheck]] = {}
    for check in checks:
        try:
            version = terms.in_force(check.as_of)
        except Refusal:
            continue
        if version.plan.has_promotions:
            plans[version.version_no] = version.plan
            groups.setdefault(version.version_no, []).append(check)
    return [(plans[version_no], group) for version_no, group in groups.items()]


def figures_of(
    facts: RankFigureFacts, program: Program, plan: Plan, metric: Metric, checks: Sequence[PromotionCheck]
) -> Sequence[int]:
    """Reads one figure for each check, over the metric's window."""
    queries = queries_of(program, metric, checks)
    return facts.figures(metric.name, metric.levels, queries, ranks_from(plan, metric))


def queries_of(program: Program, metric: Metric, checks: Sequence[PromotionCheck]) -> list[FigureQuery]:
    """What is asked for each check, over the metric's window."""
    queries = []
    for check in checks:
        start = first_instant(program, metric.window, check.as_of) or _BEGINNING
        queries.append(FigureQuery(check.shop_no, start, check.sales_until, check.refunds_until, check.as_of))
    return queries


def first_instant(program: Program, window: str, as_of: datetime) -> datetime | None:
    """Computes the first instant that belongs to a window which ends ``as_of``; None: it has no beginning."""
    start = window_start(window, as_of, program.zone)
    return start if start is None or includes_start(window) else start + _INSTANT


def ranks_from(plan: Plan, metric: Metric) -> list[str] | None:
    """Lists the ranks of which a recruit counts; None where all do."""
    first = plan.rank_index(metric.min_rank) if metric.min_rank else 0
    return [rank.code for rank in plan.ranks[first:]] if first else None
