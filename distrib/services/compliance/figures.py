"""Computes the figures of a whole program that policy packs watch, each once and only when a pack reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from distrib.columns.structure import Trees
from distrib.domain.periods import quarter_start, shift_period, to_period, year_and_month
from distrib.domain.plans.conditions import leaves
from distrib.domain.policies.monitors import share
from distrib.services.compliance.facts import StructureFacts
from distrib.services.context import Program, period_bounds
from distrib.services.plans.versions import Timeline
from distrib.store.compliance.structure import ThresholdCounts

LEVELS_OF_A_DEEP_TREE = 3
"""Trees of so many levels are added together for one organiser (公通字〔2013〕37号), and counted apart in reports."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class ProgramFigures:
    """The program at an instant. Sales and pay are those of the twelve months before, as the trees have them."""

    def __init__(
        self, facts: StructureFacts, program: Program, timeline: Timeline, trees: Trees, as_of: datetime
    ) -> None:
        self._facts, self._timeline, self._trees, self._as_of = (facts, timeline, trees, as_of)
        self._spans = StructureSpans.of(program, timeline, as_of)
        self._known: dict[tuple[str, int], int | None] = {}
        self._measures: dict[str, Callable[[int], int | None]] = {
            "persons": lambda _: int(trees.persons.sum()),
            "trees": lambda _: int(trees.roots.size),
            "deepest_level": lambda _: int(trees.levels.max(initial=0)),
            "deep_trees": lambda _: int((trees.levels >= LEVELS_OF_A_DEEP_TREE).sum()),
            "deep_share": lambda _: self._deep_share(),
            "retail_share": lambda _: share(int(trees.retail_minor.sum()), int(trees.sales_minor.sum())),
            "indirect_share": lambda _: self._indirect_share(),
            "entry_share": lambda _: share(int(trees.recent_entry_minor.sum()), int(trees.sales_minor.sum())),
            "recruits_per_buyer": lambda _: self._recruits_per_buyer(),
            "month_retail_share": lambda _: self._month_retail_share(),
            "sponsors_with_few_buyers": self._sponsors_with_few_buyers,
            "at_rank_threshold": lambda _: max((counts.exactly for counts in self._thresholds()), default=0),
            "share_at_rank_threshold": lambda _: self._share_at_threshold(),
            "month_earners": lambda each: facts.earners(*self._spans.month, each),
            "quarter_earners": lambda _: facts.earners(*self._spans.quarter, 1),
            "year_payees": lambda each: facts.payees(*self._spans.calendar_year, each),
        }

    def figure(self, measure: str, each: int = 0) -> int | None:
        """Computes a figure by its measure; None where it cannot be taken, such as a share of nothing.

        Args:
            each: the figure of one shop that measures which count shops count by.
        """
        key = (measure, each)
        if key not in self._known:
            self._known[key] = self._measures[measure](each)
        return self._known[key]

    def _deep_share(self) -> int | None:
        deep = self._trees.levels >= LEVELS_OF_A_DEEP_TREE
        return share(int(self._trees.persons[deep].sum()), int(self._trees.persons.sum()))

    def _indirect_share(self) -> int | None:
        indirect, direct = (int(self._trees.indirect_minor.sum()), int(self._trees.direct_minor.sum()))
        return share(indirect, direct + indirect)

    def _recruits_per_buyer(self) -> int | None:
        """Divides new shops by new retail buyers of the month; without new buyers each shop counts as one to one."""
        recruits, buyers = self._facts.newcomers(self._spans.month[0])
        return share(recruits, max(buyers, 1)) if recruits else None

    def _month_retail_share(self) -> int | None:
        _, sales, retail = self._facts.sales(self._spans.month[0])
        return share(int(retail.sum()), int(sales.sum()))

    def _sponsors_with_few_buyers(self, each: int) -> int:
        return self._facts.few_buyers(self._spans.month[0], each)

    def _share_at_threshold(self) -> int | None:
        shares = [share(counts.exactly, counts.at_least) for counts in self._thresholds()]
        return max((ppm for ppm in shares if ppm is not None), default=None)

    def _thresholds(self) -> Iterator[ThresholdCounts]:
        """Counts, for each threshold of own sales in the plan in force, the shops exactly at it and at it or above."""
        for window, least in _thresholds(self._timeline, self._as_of):
            since = _window_start(window, self._spans.month[0], self._as_of)
            yield self._facts.at_threshold(since, least)


class StructureSpans(NamedTuple):
    """The spans over which figures of the structure at an instant are taken, each from its first to its last instant.

    Attributes:
        year: since when sales and pay of trees count, the instant itself left out.
        month: of the instant, its end left out; so are those of the others.
        quarter: the calendar quarter before that of the instant.
        calendar_year: of the instant.
        thresholds: since when sales count for thresholds of the plan, the instants themselves left out.
    """

    year: datetime
    month: tuple[datetime, datetime]
    quarter: tuple[datetime, datetime]
    calendar_year: tuple[datetime, datetime]
    thresholds: tuple[datetime, ...]

    @staticmethod
    def of(program: Program, timeline: Timeline, as_of: datetime) -> StructureSpans:
        """Computes those of an instant."""
        period = program.period_of(as_of)
        this_quarter, (year, _) = quarter_start(period), year_and_month(period)
        quarters, years = ((shift_period(this_quarter, -3), this_quarter), (to_period(year, 1), to_period(year + 1, 1)))
        (quarter_from, quarter_to), (year_from, year_to) = (
            [period_bounds(first, program.zone)[0] for first in firsts] for firsts in (quarters, years)
        )
        month = period_bounds(period, program.zone)
        starts = {_window_start(window, month[0], as_of) for window, _ in _thresholds(timeline, as_of)}
        return StructureSpans(
            year_before(as_of), month, (quarter_from, quarter_to), (year_from, year_to), tuple(sorted(starts))
        )


def year_before(instant: datetime) -> datetime:
    """Computes the same instant twelve months earlier; 29 February becomes the 28th.

    >>> year_before(datetime(2024, 2, 29)).isoformat()
    '2023-02-28T00:00:00'
    """
    is_leap_day = (instant.month, instant.day) == (2, 29)
    return instant.replace(year=instant.year - 1, day=28 if is_leap_day else instant.day)


def _thresholds(timeline: Timeline, as_of: datetime) -> list[tuple[str, int]]:
    """The windows and amounts of own sales that promote under the plan in force."""
    entry = timeline.in_force(as_of)
    asked = {
        (leaf.metric.window, leaf.at_least)
        for rank in (entry.plan.ranks if entry is not None else ())
        if rank.promote is not None
        for leaf in leaves(rank.promote)
        if leaf.metric.name == "personal_sales_minor" and leaf.at_least > 0
    }
    return sorted(asked)


def _window_start(window: str, month_start: datetime, as_of: datetime) -> datetime:
    if window == "month":
        return month_start
    return _EVER if window == "ever" else as_of - timedelta(days=int(window.removesuffix("d")))
