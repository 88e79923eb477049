"""Who is looked at in a replay, and when: those for whom something happened, and those above. No SQL may enter.

Of a day that could carry a shop no higher, whatever the order of its events, no look is left: figures are bounded from
above for all shops and days of a month at once. Who is left is decided by the rules of the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final, NamedTuple

import numpy as np

from distrib.columns.evaluation import holding
from distrib.columns.ranking.back import LookSpan
from distrib.columns.ranking.figures import RankingFigures, ShopLooks
from distrib.columns.ranking.links import SponsorLinks
from distrib.columns.ranking.spans import Pairs, once
from distrib.columns.tree import Integers, Truths
from distrib.domain.plans.conditions import Metric
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.promotion import promotion_effective_at, promotion_metrics
from distrib.services.context import Program
from distrib.services.ranks.promotion import by_cost, first_instant
from distrib.store.copying import microseconds
from distrib.store.ranks.figures import RankSignal

_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BOUNDLESS: Final = int(np.iinfo(np.int64).max)
_DAY_US: Final = 86_400_000_000
_BEFORE_ALL: Final = -62_000_000_000_000_000
"""Some two thousand years before 1970."""


def instant_of(us: int) -> datetime:
    """An instant of arrays, which are in microseconds since 1970."""
    return _1970 + timedelta(microseconds=us)


def midnight_of(program: Program, instant: datetime) -> datetime:
    """The first instant of the local day of an instant."""
    return datetime.combine(program.day_of(instant), time(), tzinfo=program.zone).astimezone(UTC)


class LookedAt(NamedTuple):
    """Shops with the instants as of which they are looked at, each pair once, by shop and time."""

    shops: Integers
    instants: Integers

    @staticmethod
    def of(shops: Integers, instants: Integers) -> LookedAt:
        """Each pair once."""
        return LookedAt(*once(Pairs(shops, instants)))

    def among(self, which: Truths | Integers) -> LookedAt:
        """Some of them."""
        return LookedAt(self.shops[which], self.instants[which])

    def with_those_above(self, links: SponsorLinks, levels: int) -> LookedAt:
        """These, and so many levels of those who stood above each at its instant."""
        shops, instants = [self.shops], [self.instants]
        for _ in range(levels):
            above = links.sponsors_at(shops[-1], instants[-1])
            has_sponsor = above > 0
            shops.append(above[has_sponsor])
            instants.append(instants[-1][has_sponsor])
        return LookedAt.of(np.concatenate(shops), np.concatenate(instants))


class LookedDays(NamedTuple):
    """The days of shops on which they are looked at: the earliest instant of each day, and the bounds of the day."""

    shops: Integers
    first: Integers
    start: Integers
    end: Integers

    def among(self, which: Truths | Integers) -> LookedDays:
        """Some of them."""
        return LookedDays(*(column[which] for column in self))


class DayLooks:
    """Looks by shop and day.

    Args:
        since: the earliest instant of any look.
    """

    def __init__(self, program: Program, looked_at: LookedAt, since: datetime, until: datetime) -> None:
        starts = [midnight_of(program, since)]
        while starts[-1] < until:
            starts.append(promotion_effective_at(starts[-1], program.zone))
        self._looked_at, self._starts = looked_at, np.array(microseconds(starts), np.int64)
        self._days = [program.day_of(start) for start in starts]
        self._day = np.searchsorted(self._starts, looked_at.instants, "right") - 1
        shops, day = looked_at.shops, self._day
        is_first = np.ones(day.size, np.bool_)
        is_first[1:] = (shops[1:] != shops[:-1]) | (day[1:] != day[:-1])
        self._of = np.cumsum(is_first) - 1
        first = np.flatnonzero(is_first)
        # The last start is of a day that has no look.
        start, end = self._starts[day[first]], self._starts[np.minimum(day[first] + 1, len(starts) - 1)] - 1
        self.days = LookedDays(shops[first], looked_at.instants[first], start, end)

    def signals(self, kept: Truths | Integers) -> list[RankSignal]:
        """The looks of those days of shops that are kept."""
        is_kept = np.zeros(self.days.shops.size, np.bool_)
        is_kept[kept] = True
        places = np.flatnonzero(is_kept[self._of])
        looked_at, days = self._looked_at.among(places), self._days
        columns = (self._day[places].tolist(), looked_at.shops.tolist(), looked_at.instants.tolist())
        return [RankSignal(days[day], shop_no, instant_of(us)) for day, shop_no, us in zip(*columns, strict=True)]

    def by_day(self) -> Iterator[Integers]:
        """Yields the places of the shops of each day, day after day."""
        turns = np.argsort(self.days.start, kind="stable")
        yield from np.split(turns, np.flatnonzero(np.diff(self.days.start[turns])) + 1)


class HighestFigures(NamedTuple):
    """What figures can be at most in a month: of which program, by what, and an instant of the month."""

    program: Program
    figures: RankingFigures
    since: datetime

    def at_most(self, metric: Metric, days: LookedDays) -> Integers:
        """A figure at most on days: sales up to their end, refunds of before, recruits of whatever rank."""
        if metric.window.endswith("d"):
            start = days.first - int(metric.window.removesuffix("d")) * _DAY_US + 1
        else:
            first = first_instant(self.program, metric.window, self.since)
            start = np.full(days.first.size, _BEFORE_ALL if first is None else microseconds([first])[0])
        span = LookSpan(start, days.end, days.start - 1)
        return self.figures.figure(metric.name, metric.levels, ShopLooks(days.shops, span, days.first), None)


def highest_places(plan: Plan, figures: HighestFigures, days: LookedDays, earned: Integers) -> Integers:
    """The highest rank, by its place in the plan, that some look of a day may carry each shop to; 0 of none.

    It is that of figures which no look of the day can exceed.

    Args:
        figures: of the month of all looks.
        earned: the place of the least that each shop has earned by then; ranks up to it are of no interest.
    """
    left = np.arange(days.shops.size)
    known: dict[Metric, Integers] = {metric: np.full(left.size, _BOUNDLESS) for metric in promotion_metrics(plan)}
    for metric in sorted(known, key=by_cost):
        left = left[_highest(plan, {own: column[left] for own, column in known.items()}, left.size) > earned[left]]
        known[metric][left] = figures.at_most(metric, days.among(left))
    highest = np.zeros(days.shops.size, np.int64)
    highest[left] = _highest(plan, {own: column[left] for own, column in known.items()}, left.size)
    return highest


def _highest(plan: Plan, figures: Mapping[Metric, Integers], count: int) -> Integers:
    highest = np.zeros(count, np.int64)
    for place, rank in enumerate(plan.ranks):
        if rank.promote is not None:
            highest[holding(rank.promote, figures, count)] = place
    return highest
