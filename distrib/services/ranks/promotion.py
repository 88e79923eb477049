"""Promotions: decided when a day is through, effective from the start of the next.

Every look (a shop at the instant of an event that may have promoted it) asks for the figures
as they stood at that instant, so that nothing depends on the order in which a day's events
were worked on. A first pass asks, once a shop and day, for figures that no look of the day
can exceed; only shops that would rise by those are looked at one by one. Redis must not enter.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import PROMOTION, RankHistory, RankRow, known_rank, row_reason
from distrib.domain.ranks.promotion import (
    Metric,
    highest_rank,
    includes_start,
    metrics_needed,
    promotion_effective_at,
    window_start,
)
from distrib.services.context import Program
from distrib.services.plans.terms import TermsBook
from distrib.store.ranks import figures as rows
from distrib.store.ranks.figures import Look, RankChange

_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_BOUNDLESS = 10**30


class Asked(NamedTuple):
    """A shop, the instant it is looked at, and up to when sales and refunds count."""

    shop_no: int
    at: datetime
    sales_until: datetime
    refunds_until: datetime


class _Held(NamedTuple):
    """A look, and the instant from which a rise by it would hold."""

    asked: Asked
    effective_at: datetime


class Riser(NamedTuple):
    """A shop that rises by a look: to which rank, from when, and by which figures."""

    asked: Asked
    plan: Plan
    effective_at: datetime
    rank: str
    reason: dict[str, Any]


def decide_promotions(
    conn: Connection, program: Program, terms: TermsBook, first_day: date | None, now: datetime
) -> bool | None:
    """Decides the looks of days that are through.

    Args:
        first_day: the earliest day that still has work; None when there is none.

    Returns:
        True when looks were decided, False when another worker is deciding them, None when there
        are none.
    """
    signals = rows.take_signals(conn, program.program_id, first_day)
    if signals is None:
        return False
    if not signals:
        return None
    rows.prefer_indexes(conn)
    shops = sorted({shop_no for _, shop_no, _ in signals})
    ranks = RankHistory(rows.rank_rows(conn, program.program_id, shops), terms.ladder)
    days: dict[date, dict[int, set[datetime]]] = {}
    for day, shop_no, at in signals:
        days.setdefault(day, {}).setdefault(shop_no, set()).add(at)
    for day in sorted(days):
        changes = _decide_day(conn, program, terms, day, days[day], ranks)
        if changes:  # the looks of the next day read the ranks of recruits
            rows.insert_rank_changes(conn, program.program_id, changes, "distrib", now)
    return True


def _decide_day(
    conn: Connection,
    program: Program,
    terms: TermsBook,
    day: date,
    looks: Mapping[int, set[datetime]],
    ranks: RankHistory,
) -> list[RankChange]:
    start = datetime.combine(day, time(), tzinfo=program.zone).astimezone(UTC)
    end = promotion_effective_at(start, program.zone) - _INSTANT
    bounds = [
        Asked(shop_no, first, end, start - _INSTANT)
        for shop_no, times in sorted(looks.items())
        for first in _first_looks(terms, times)
    ]
    risers = {riser.asked.shop_no for riser in _risers(conn, program, terms, bounds, ranks)}
    exact = [Asked(shop_no, at, at, at) for shop_no in sorted(risers) for at in sorted(looks[shop_no])]
    exact += [Asked(shop_no, end, end, end) for shop_no in sorted(risers)]
    changes = []
    for riser in _risers(conn, program, terms, exact, ranks):
        there = terms.ladder.plan_at(riser.effective_at) or riser.plan
        rank = known_rank(there, terms.ladder.carry(riser.rank, riser.asked.at, riser.effective_at))
        earned = ranks.earned(riser.asked.shop_no, riser.effective_at, there)
        if there.rank_index(rank) > there.rank_index(earned):
            changes.extend(_changes(riser._replace(rank=rank), ranks))
    return changes


def _first_looks(terms: TermsBook, times: Collection[datetime]) -> list[datetime]:
    """The first look under each plan that was in force on the day."""
    firsts: dict[int | None, datetime] = {}
    for at in sorted(times):
        firsts.setdefault(terms.version_no_at(at), at)
    return list(firsts.values())


def _changes(riser: Riser, ranks: RankHistory) -> list[RankChange]:
    """The rise, and what follows from it for all later instants at which something changes."""
    shop_no = riser.asked.shop_no
    reason = {"at": riser.asked.at.isoformat(), **riser.reason}
    return rank_changes(shop_no, ranks.rise(shop_no, riser.effective_at, riser.rank, riser.plan), PROMOTION, reason)


def rank_changes(shop_no: int, found: Iterable[RankRow], cause: str, reason: Mapping[str, Any]) -> list[RankChange]:
    """The rows as they are written: those of ``cause`` with the numbers that decided, others with what they repeat."""
    return [
        RankChange(
            shop_no,
            row.effective_at,
            row.rank,
            row.cause,
            json.dumps(reason if row.cause == cause else row_reason(row), ensure_ascii=False),
        )
        for row in found
    ]


def _risers(
    conn: Connection, program: Program, terms: TermsBook, asked: Sequence[Asked], ranks: RankHistory
) -> list[Riser]:
    """Who would rise above the rank held when the rise takes effect, look by look."""
    found = []
    for plan, looks in _by_plan(terms, asked):
        held = [_Held(look, promotion_effective_at(look.at, program.zone)) for look in looks]
        for look, figures in _hopeful(conn, program, plan, held, ranks):
            risen = highest_rank(plan, ranks.earned(look.asked.shop_no, look.effective_at, plan), figures)
            if risen is not None:
                rank, reason = risen
                found.append(Riser(look.asked, plan, look.effective_at, rank, {"to": rank, **reason}))
    return found


def _hopeful(
    conn: Connection, program: Program, plan: Plan, looks: Sequence[_Held], ranks: RankHistory
) -> list[tuple[_Held, dict[Metric, int]]]:
    """The looks with their figures, less those that no figure still to be read could carry to a rank."""
    unread = dict.fromkeys(metrics_needed(plan), _BOUNDLESS)
    left = [(look, dict(unread)) for look in looks]
    for metric in sorted(unread, key=_cost):
        left = [
            (look, own)
            for look, own in left
            if highest_rank(plan, ranks.earned(look.asked.shop_no, look.effective_at, plan), own) is not None
        ]
        column = figures_of(conn, program, plan, metric, [look.asked for look, _ in left])
        for (_, own), figure in zip(left, column, strict=True):
            own[metric] = figure
    return left


def _cost(metric: Metric) -> tuple[int, Metric]:
    """What reads many shops is read last, when few looks are left."""
    return metric.reach, metric


def _by_plan(terms: TermsBook, asked: Sequence[Asked]) -> list[tuple[Plan, list[Asked]]]:
    """The looks by the plan in force at their instants; where there was none, nobody rises."""
    groups: dict[int, tuple[Plan, list[Asked]]] = {}
    for look in asked:
        try:
            at = terms.in_force(look.at)
        except Refusal:
            continue
        if at.plan.has_promotions:
            groups.setdefault(at.version_no, (at.plan, []))[1].append(look)
    return list(groups.values())


def figures_of(conn: Connection, program: Program, plan: Plan, metric: Metric, asked: Sequence[Asked]) -> list[int]:
    """One figure of each look, over the metric's window."""
    looks = []
    for look in asked:
        start = first_instant(program, metric.window, look.at) or _BEGINNING
        looks.append(Look(look.shop_no, start, look.sales_until, look.refunds_until, look.at))
    return rows.figures(conn, program.program_id, metric.name, metric.levels, looks, ranks_from(plan, metric))


def first_instant(program: Program, window: str, at: datetime) -> datetime | None:
    """The first instant that a window includes which is looked at ``at``; None: it has no beginning."""
    start = window_start(window, at, program.zone)
    return start if start is None or includes_start(window) else start + _INSTANT


def ranks_from(plan: Plan, metric: Metric) -> list[str] | None:
    """The ranks of which a recruit counts; None where all do."""
    first = plan.rank_index(metric.min_rank) if metric.min_rank else 0
    return [rank.code for rank in plan.ranks[first:]] if first else None
