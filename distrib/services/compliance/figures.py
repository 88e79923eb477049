"""Figures of a whole program that policy packs watch, each worked out once and only when asked for.

What a figure leads to is the packs' business. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from distrib.columns.structure import Trees
from distrib.domain.plans.conditions import leaves
from distrib.domain.policies.monitors import share
from distrib.services.context import Program, period_bounds
from distrib.services.plans.versions import Timeline
from distrib.store.compliance import structure as store

LEVELS_OF_A_DEEP_TREE = 3
"""Trees of so many levels are added together for one organiser (公通字〔2013〕37号), and counted apart in reports."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class ProgramFigures:
    """The program at an instant. Sales and pay are those of the twelve months before, as the trees have them."""

    def __init__(self, conn: Connection, program: Program, timeline: Timeline, trees: Trees, at: datetime) -> None:
        self._conn, self._program, self._timeline, self._trees, self._at = conn, program, timeline, trees, at
        self._month_start, self._month_end = period_bounds(program.period_of(at), program.zone)
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
            "at_rank_threshold": lambda _: max((exact for exact, _ in self._at_thresholds()), default=0),
            "share_at_rank_threshold": lambda _: self._share_at_threshold(),
            "month_earners": lambda each: self._earners(self._month_start, self._month_end, each),
            "quarter_earners": lambda _: self._earners(*self._quarter_before(), 1),
            "year_payees": self._year_payees,
        }

    def figure(self, measure: str, each: int = 0) -> int | None:
        """One figure; None where it cannot be taken, such as a share of nothing.

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
        """New shops by new retail buyers of the month; where there is no new buyer, each shop counts as one to one."""
        recruits, buyers = store.newcomers(self._conn, self._program.program_id, self._month_start, self._at)
        return share(recruits, max(buyers, 1)) if recruits else None

    def _month_retail_share(self) -> int | None:
        number = self._program.program_id
        _, sales, retail = store.sales_by_shop(self._conn, number, self._month_start, self._at)
        return share(int(retail.sum()), int(sales.sum()))

    def _sponsors_with_few_buyers(self, each: int) -> int:
        number = self._program.program_id
        return store.sponsors_with_few_buyers(self._conn, number, self._month_start, self._at, each)

    def _share_at_threshold(self) -> int | None:
        shares = [share(exact, at_least) for exact, at_least in self._at_thresholds()]
        return max((found for found in shares if found is not None), default=None)

    def _at_thresholds(self) -> Iterator[tuple[int, int]]:
        """For each threshold of own sales in the plan in force: shops exactly at it, and at it or above."""
        entry = self._timeline.in_force(self._at)
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
            yield store.shops_at_threshold(self._conn, self._program.program_id, since, self._at, least)

    def _window_start(self, window: str) -> datetime:
        if window == "month":
            return self._month_start
        return _EVER if window == "ever" else self._at - timedelta(days=int(window.removesuffix("d")))

    def _quarter_before(self) -> tuple[datetime, datetime]:
        """The calendar quarter before that of the look."""
        local = self._at.astimezone(self._program.zone)
        this = local.year * 4 + (local.month - 1) // 3
        return self._quarter_start(this - 1), self._quarter_start(this)

    def _quarter_start(self, quarter: int) -> datetime:
        year, place = divmod(quarter, 4)
        return period_bounds(year * 100 + place * 3 + 1, self._program.zone)[0]

    def _year_payees(self, each: int) -> int:
        year = self._at.astimezone(self._program.zone).year
        start, end = (period_bounds(first * 100 + 1, self._program.zone)[0] for first in (year, year + 1))
        return store.payees(self._conn, self._program.program_id, start, end, self._at, each)

    def _earners(self, start: datetime, end: datetime, least: int) -> int:
        return store.earners(self._conn, self._program.program_id, start, end, self._at, least)
