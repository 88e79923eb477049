"""Promotions: decided when a day is through, effective from the start of the next.

Every look (a shop at the instant of an event that may have promoted it) asks for the figures
as they stood at that instant, so that nothing depends on the order in which a day's events
were worked on. A first pass asks, once a shop and day, for figures that no look of the day
can exceed; only shops that would rise by those are looked at one by one. Redis must not enter.
"""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.plan import Plan
from distrib.domain.ranks import (
    Metric,
    highest_rank,
    includes_start,
    metrics_needed,
    promotion_effective_at,
    window_start,
)  # fmt: skip
from distrib.services.context import Program
from distrib.services.terms import TermsBook
from distrib.store import figures as rows
from distrib.store.figures import Look, RankChange

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


class RankHistory:
    """The dated ranks of some shops, those decided meanwhile included.

    A look may come late, when ranks that take effect after it are already there; so every look is
    held against the rank of its own time.
    """

    def __init__(self, given: Sequence[tuple[int, datetime, str | None, str]]) -> None:
        self._rows: dict[int, list[tuple[datetime, str | None, str]]] = {}
        for shop_no, at, rank, cause in given:
            self._rows.setdefault(shop_no, []).append((at, rank, cause))

    def at(self, shop_no: int, at: datetime) -> str | None:
        """The rank the shop holds at an instant; None where it never got one."""
        held = None
        for since, rank, _ in self._rows.get(shop_no, ()):
            if since > at:
                break
            held = rank
        return held

    def later_below(self, shop_no: int, after: datetime, rank: str, plan: Plan) -> list[datetime]:
        """When promotions to a lower rank take effect after an instant; what was decided otherwise stands."""
        return [
            since
            for since, other, cause in self._rows.get(shop_no, ())
            if since > after and cause == "promotion" and plan.rank_index(_rank(plan, other)) < plan.rank_index(rank)
        ]

    def note(self, shop_no: int, at: datetime, rank: str, cause: str) -> None:
        """Adds a rank decided just now, after those of the same instant."""
        insort(self._rows.setdefault(shop_no, []), (at, rank, cause), key=itemgetter(0))


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
    ranks = RankHistory(rows.rank_rows(conn, program.program_id, sorted({shop_no for _, shop_no, _ in signals})))
    days: dict[date, dict[int, set[datetime]]] = {}
    for day, shop_no, at in signals:
        days.setdefault(day, {}).setdefault(shop_no, set()).add(at)
    changes: list[RankChange] = []
    for day in sorted(days):
        changes.extend(_decide_day(conn, program, terms, day, days[day], ranks))
    if changes:
        rows.insert_rank_changes(conn, program.program_id, changes, "promotion", "distrib", now)
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
    bounds = [Asked(shop_no, min(times), end, start - _INSTANT) for shop_no, times in sorted(looks.items())]
    risers = {riser.asked.shop_no for riser in _risers(conn, program, terms, bounds, ranks)}
    exact = [Asked(shop_no, at, at, at) for shop_no in sorted(risers) for at in sorted(looks[shop_no])]
    exact += [Asked(shop_no, end, end, end) for shop_no in sorted(risers)]
    changes = []
    for riser in _risers(conn, program, terms, exact, ranks):
        current = _rank(riser.plan, ranks.at(riser.asked.shop_no, riser.effective_at))
        if riser.plan.rank_index(riser.rank) > riser.plan.rank_index(current):
            changes.extend(_changes(riser, ranks))
    return changes


def _changes(riser: Riser, ranks: RankHistory) -> list[RankChange]:
    """The rise, and the same rank again wherever a lower promotion was to take effect later."""
    shop_no = riser.asked.shop_no
    reason = json.dumps({"at": riser.asked.at.isoformat(), **riser.reason}, ensure_ascii=False)
    instants = [riser.effective_at, *ranks.later_below(shop_no, riser.effective_at, riser.rank, riser.plan)]
    for at in instants:
        ranks.note(shop_no, at, riser.rank, "promotion")
    return [RankChange(shop_no, at, riser.rank, reason) for at in instants]


def _risers(
    conn: Connection, program: Program, terms: TermsBook, asked: Sequence[Asked], ranks: RankHistory
) -> list[Riser]:
    """Who would rise above the rank held when the rise takes effect, look by look."""
    found = []
    for plan, looks in _by_plan(terms, asked):
        held = [_Held(look, promotion_effective_at(look.at, program.zone)) for look in looks]
        for look, figures in _hopeful(conn, program, plan, held, ranks):
            risen = highest_rank(plan, _rank(plan, ranks.at(look.asked.shop_no, look.effective_at)), figures)
            if risen is not None:
                found.append(Riser(look.asked, plan, look.effective_at, *risen))
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
            if highest_rank(plan, _rank(plan, ranks.at(look.asked.shop_no, look.effective_at)), own) is not None
        ]
        column = _figures(conn, program, metric, [look.asked for look, _ in left])
        for (_, own), figure in zip(left, column, strict=True):
            own[metric] = figure
    return left


def _cost(metric: Metric) -> tuple[int, Metric]:
    """What reads many shops is read last, when few looks are left."""
    return metric.levels, metric


def _by_plan(terms: TermsBook, asked: Sequence[Asked]) -> list[tuple[Plan, list[Asked]]]:
    """The looks by the plan in force at their instants; where there was none, nobody rises."""
    groups: dict[int, tuple[Plan, list[Asked]]] = {}
    for look in asked:
        try:
            at = terms.at(look.at)
        except Refusal:
            continue
        if at.plan.has_promotions:
            groups.setdefault(at.version_no, (at.plan, []))[1].append(look)
    return list(groups.values())


def _rank(plan: Plan, rank: str | None) -> str:
    return rank if rank in plan.rank_indexes else plan.lowest_rank  # type: ignore[return-value]


def _figures(conn: Connection, program: Program, metric: Metric, asked: Sequence[Asked]) -> list[int]:
    looks = []
    for look in asked:
        start = window_start(metric.window, look.at, program.zone)
        if start is None:
            start = _BEGINNING
        elif not includes_start(metric.window):
            start += _INSTANT
        looks.append(Look(look.shop_no, start, look.sales_until, look.refunds_until))
    return rows.figures(conn, program.program_id, metric.name, metric.levels, looks)
