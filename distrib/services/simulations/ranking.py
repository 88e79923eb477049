"""What ranks are replayed by, gathered from wherever it stands: sales by month, refunds, links, ranks. No SQL.

Of an order 16 bytes are kept, 24 where conditions count customers, of those months alone that a condition can reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from distrib.columns.ranking.back import RefundedOrders, RefundRows
from distrib.columns.ranking.figures import RankingFacts
from distrib.columns.ranking.held import NO_INSTANT, RankColumns
from distrib.columns.ranking.links import SponsorLinks
from distrib.columns.ranking.persons import MergedPersons
from distrib.columns.ranking.sold import SoldMonth, halves, sold_month
from distrib.columns.tree import Integers
from distrib.domain.plans.conditions import Metric
from distrib.domain.ranks.promotion import keep_metrics, promotion_metrics
from distrib.services.plans.versions import Timeline
from distrib.store.copying import microseconds
from distrib.store.ranks.evaluations import Failure
from distrib.store.ranks.figures import FigureQuery

BEFORE_ALL: Final = int(np.iinfo(np.int64).min)
_MONTH: Final = timedelta(days=32)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RankingSource:
    """Everything that ranks of a program rest on, whoever read it.

    Attributes:
        facts: what happened, and ``first_fact`` when something did first.
        ranks: every row of ranks of the program, by the numbers of ``rank_codes``.
        settled: reads who sold, and when it settled, in a span of microseconds, the end not included.
        evaluated: months that were evaluated, with the instant from which on what was decided holds.
        failures: reads who failed to keep a rank in a month's evaluation of the program.
        earned: computes figures of what shops earned.
        reversed_of: reads the shops of which commissions were taken back.
    """

    facts: RankingFacts
    first_fact: datetime | None
    ranks: RankColumns
    rank_codes: Sequence[str]
    settled: Callable[[int, int], tuple[Integers, Integers]]
    evaluated: Mapping[int, datetime]
    failures: Callable[[int], Sequence[Failure]]
    earned: Callable[[Sequence[FigureQuery]], Sequence[int]]
    reversed_of: Callable[[], Integers]


class SoldColumns(NamedTuple):
    """Orders of a month that somebody sold and of which something counts; ``buyers`` where conditions count them."""

    order_no: Integers
    sellers: Integers
    settled_at: Integers
    minor: Integers
    buyers: Integers


class BackColumns(NamedTuple):
    """What refunds took of sales of somebody; ``looked_at`` is when the seller is looked at for it."""

    order_no: Integers
    sellers: Integers
    minor: Integers
    occurred_at: Integers
    done_at: Integers
    looked_at: Integers


class GatheredFacts:
    """Facts that are added month by month."""

    def __init__(self, back: BackColumns) -> None:
        self._back, self._months = back, list[SoldMonth]()
        self._refunded = np.unique(back.order_no[back.minor != 0])
        self._orders = RefundedOrders(*(np.full(self._refunded.size, -1) for _ in RefundedOrders._fields))

    def add_month(self, sold: SoldColumns) -> None:
        """Adds the orders of a month, in any order."""
        parts = halves(sold.sellers, sold.settled_at)
        if parts is not None:
            for part in parts:
                self.add_month(SoldColumns(*(column[part] if column.size else column for column in sold)))
            return
        sorted_month = sold_month(sold.sellers, sold.settled_at, sold.minor, sold.buyers)
        if sorted_month is None:
            return
        month, rows = sorted_month
        places = np.searchsorted(self._refunded, sold.order_no)
        is_refunded = np.append(self._refunded, -1)[places] == sold.order_no
        of_month = np.full(rows.size, len(self._months))
        known = RefundedOrders(sold.sellers, sold.settled_at, sold.minor, of_month, rows)
        for column, values in zip(self._orders, known, strict=True):
            column[places[is_refunded]] = values[is_refunded]
        self._months.append(month)

    def facts(self, links: SponsorLinks, shops: Integers, joined_at: Integers, persons: MergedPersons) -> RankingFacts:
        """All that was added, with what is known of shops."""
        back = self._back
        orders = np.where(back.minor != 0, np.searchsorted(self._refunded, back.order_no), -1)
        is_known = np.append(self._orders.rows, -1)[orders] >= 0
        rows = RefundRows(
            np.where(is_known, orders, -1), back.occurred_at, back.done_at, back.minor, back.sellers, back.looked_at
        )
        turns = np.argsort(shops)
        return RankingFacts(self._months, self._orders, rows, links, shops[turns], joined_at[turns], persons)


def metrics_of(timelines: Iterable[Timeline]) -> set[Metric]:
    """Every figure that conditions of those plans read."""
    plans = [entry.plan for timeline in timelines for entry in timeline.entries]
    return {metric for plan in plans for metric in promotion_metrics(plan) | keep_metrics(plan)}


def evaluated_by(evaluated: Mapping[int, datetime], since: datetime) -> dict[int, datetime]:
    """The months of which what was decided holds by an instant."""
    return {period: effective_at for period, effective_at in evaluated.items() if effective_at <= since}


def earliest_sale(
    metrics: Iterable[Metric], ranks: RankColumns, evaluated: Mapping[int, datetime], since: datetime
) -> int:
    """From when on, in microseconds since 1970, what was sold can reach into a window of any look from ``since`` on.

    Promotions made since the newest evaluation are looked at again as of the instants that earned them.
    """
    windows = {metric.window for metric in metrics}
    if "ever" in windows:
        return BEFORE_ALL
    before = max(microseconds([*evaluated_by(evaluated, since).values()]), default=BEFORE_ALL)
    (start,) = microseconds([since])
    is_looked_at = (ranks.since > before) & (ranks.since <= start) & (ranks.earned_at != NO_INSTANT)
    first = min(start, int(ranks.earned_at[is_looked_at].min(initial=start)))
    reach = max([_MONTH, *(timedelta(days=int(window[:-1])) for window in windows if window != "month")])
    return first - reach // _MICROSECOND
