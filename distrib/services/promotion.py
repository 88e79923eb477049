"""Promotions: decided when a day is through, effective from the start of the next.

Every look (a shop at the instant of an event that may have promoted it) asks for the figures
as they stood at that instant, so that nothing depends on the order in which a day's events
were worked on. A first pass asks, once a shop and day, for figures that no look of the day
can exceed; only shops that would rise by those are looked at one by one. Redis must not enter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

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
    ranks = rows.current_ranks(conn, program.program_id, sorted({shop_no for _, shop_no, _ in signals}))
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
    ranks: dict[int, str | None],
) -> list[RankChange]:
    start = datetime.combine(day, time(), tzinfo=program.zone).astimezone(UTC)
    end = promotion_effective_at(start, program.zone) - _INSTANT
    bounds = [Asked(shop_no, min(times), end, start - _INSTANT) for shop_no, times in sorted(looks.items())]
    risers = {asked.shop_no for asked, _, _ in _risers(conn, program, terms, bounds, dict(ranks))}
    exact = [Asked(shop_no, at, at, at) for shop_no in sorted(risers) for at in sorted(looks[shop_no])]
    exact += [Asked(shop_no, end, end, end) for shop_no in sorted(risers)]
    changes = []
    for asked, rank, reason in _risers(conn, program, terms, exact, ranks):
        effective_at = promotion_effective_at(asked.at, program.zone)
        changes.append(RankChange(asked.shop_no, effective_at, rank, json.dumps(reason, ensure_ascii=False)))
    return changes


def _risers(
    conn: Connection, program: Program, terms: TermsBook, asked: Sequence[Asked], ranks: dict[int, str | None]
) -> list[tuple[Asked, str, dict[str, object]]]:
    """Who rises, look by look; ``ranks`` rises with them."""
    found = []
    for plan, looks in _by_plan(terms, asked):
        for look, figures in _hopeful(conn, program, plan, looks, ranks):
            risen = highest_rank(plan, _rank(plan, ranks[look.shop_no]), figures)
            if risen is not None:
                ranks[look.shop_no] = risen[0]
                found.append((look, risen[0], {"at": look.at.isoformat(), **risen[1]}))
    return found


def _hopeful(
    conn: Connection, program: Program, plan: Plan, asked: Sequence[Asked], ranks: Mapping[int, str | None]
) -> list[tuple[Asked, dict[Metric, int]]]:
    """The looks with their figures, less those that no figure still to be read could carry to a rank."""
    unread = dict.fromkeys(metrics_needed(plan), _BOUNDLESS)
    left = [(look, dict(unread)) for look in asked]
    for metric in sorted(unread, key=_cost):
        left = [
            (look, own) for look, own in left if highest_rank(plan, _rank(plan, ranks[look.shop_no]), own) is not None
        ]
        column = _figures(conn, program, metric, [look for look, _ in left])
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
