"""Computes the figures of a whole program that policy packs watch, each once and only when a pack reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from distrib.columns.structure import Trees
from distrib.domain.periods import quarter_start, shift_period, to_period, year_and_month
from distrib.domain.plans.conditions import leaves
from distrib.domain.policies.monitors import share
from distrib.services.context import Program, period_bounds
from distrib.services.plans.versions import Timeline
from distrib.store.compliance import structure as store
from distrib.store.compliance.structure import ThresholdCounts

LEVELS_OF_A_DEEP_TREE = 3
"""Trees of so many levels are added together for one organiser (公通字〔2013〕37号), and counted apart in reports."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class ProgramFigures:
    """The program at an instant. Sales and pay are those of the twelve months before, as the trees have them."""

    def __init__(self, conn: Connection, program: Program, timeline: Timeline, trees: Trees, as_of: datetime) -> None:
        self._conn, self._program, self._timeline, self._trees, self._as_of = conn, program, timeline, trees, as_of
        self._month_start, self._month_end = period_bounds(program.period_of(as_of), program.zone)
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
            "month_earners": lambda each: self._earners(self._month_start, self._month_end, each),
            "quarter_earners": lambda _: self._earners(*self._quarter_before(), 1),
            "year_payees": self._year_payees,
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
        indirect, direct = int(self._trees.indirect_minor.sum()), int(self._trees.direct_minor.sum())
        return share(indirect, direct + indirect)

    def _recruits_per_buyer(self) -> int | None:
        """Divides new shops by new retail buyers of the month; without new buyers each shop counts as one to one."""
        recruits, buyers = store.newcomers(self._conn, self._program.program_id, self._month_start, self._as_of)
        return share(recruits, max(buyers, 1)) if recruits else None

    def _month_retail_share(self) -> int | None:
        number = self._program.program_id
        _, sales, retail = store.sales_by_shop(self._conn, number, self._month_start, self._as_of)
        return share(int(retail.sum()), int(sales.sum()))

    def _sponsors_with_few_buyers(self, each: int) -> int:
        number = self._program.program_id
        return store.sponsors_with_few_buyers(self._conn, number, self._month_start, self._as_of, each)

    def _share_at_threshold(self) -> int | None:
        shares = [share(counts.exactly, counts.at_least) for counts in self._thresholds()]
        return max((ppm for ppm in shares if ppm is not None), default=None)

    def _thresholds(self) -> Iterator[ThresholdCounts]:
        """Counts, for each threshold of own sales in the plan in force, the shops exactly at it and at it or above."""
        entry = self._timeline.in_force(self._as_of)
        ranks = entry.plan.ranks if entry is not None else ()
        asked = {
            (leaf.metric.window, leaf.at_least)
            for rank in ranks
            if rank.promote is not None
            for leaf in leaves(rank.promote)
            if leaf.metric.name == "personal_sales_minor" and leaf.at_least > 0
        }
        for window, least in sorted(asked):
            since = self._window_start(window)
            yield store.shops_at_threshold(self._conn, self._program.program_id, since, self._as_of, least)

    def _window_start(self, window: str) -> datetime:
        if window == "month":
            return self._month_start
        return _EVER if window == "ever" else self._as_of - timedelta(days=int(window.removesuffix("d")))

    def _quarter_before(self) -> tuple[datetime, datetime]:
        """Computes the bounds of the calendar quarter before that of the instant."""
        this_quarter = quarter_start(self._program.period_of(self._as_of))
        return self._start_of(shift_period(this_quarter, -3)), self._start_of(this_quarter)

    def _start_of(self, period: int) -> datetime:
        start, _ = period_bounds(period, self._program.zone)
        return start

    def _year_payees(self, each: int) -> int:
        year, _ = year_and_month(self._program.period_of(self._as_of))
        start, end = self._start_of(to_period(year, 1)), self._start_of(to_period(year + 1, 1))
        return store.payees(self._conn, self._program.program_id, start, end, self._as_of, each)

    def _earners(self, start: datetime, end: datetime, least: int) -> int:
        return store.earners(self._conn, self._program.program_id, start, end, self._as_of, least)
