"""What ranks are replayed by, from files: what was sold, what came back, links, joinings, and the ranks there were.

Of an order 16 bytes are kept, 24 where conditions count customers, of those months alone that a condition can reach.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.ranking.back import RefundedOrders, RefundRows
from distrib.columns.ranking.figures import RankingFacts
from distrib.columns.ranking.held import NO_INSTANT, RankColumns
from distrib.columns.ranking.links import SponsorLinks
from distrib.columns.ranking.persons import Persons
from distrib.columns.ranking.sold import SoldMonth, sold_month
from distrib.columns.tree import Integers
from distrib.domain.customers import taken_along
from distrib.domain.plans.conditions import Metric
from distrib.domain.ranks.history import PROMOTION, RANK_CAUSES
from distrib.domain.ranks.promotion import EARNINGS, keep_metrics, promotion_metrics
from distrib.services.history.arrays import coded, column_of, last_numbers, numbers, truths
from distrib.services.history.dated import rows_until
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.looks import FileLooks
from distrib.services.history.parquet import arrow_schema, row_groups, row_groups_between
from distrib.services.history.pools import first_fact
from distrib.services.history.schema import FAILURES, ORDERS, RANKS, REFERRALS, REFUNDS, SHOPS, TRANSFERS
from distrib.services.plans.versions import Timeline
from distrib.services.simulations.own_arrays import RankingSource
from distrib.store.copying import microseconds
from distrib.store.ranks.evaluations import Failure
from distrib.store.ranks.figures import FigureQuery

_EVER: Final = int(np.iinfo(np.int64).max)
_MONTH: Final = timedelta(days=32)
_REFUNDS: Final = ("order_no", "seller_no", "settled_at", "sales_minor", "occurred_at", "happened_at", "done_at")
_SOLD: Final = ("settled_at", "order_no", "seller_no", "sales_minor")
_GIVEN: Final = ("shop_no", "effective_at", "seq", "rank", "cause", "earned_at", "earned_rank")


def ranking_source(
    directory: HistoryDirectory, timelines: Collection[Timeline], since: datetime, until: datetime
) -> RankingSource:
    """Reads what ranks are replayed by from an instant to another.

    Args:
        timelines: the plans whose conditions decide, of every candidate.
    """
    plans = [entry.plan for timeline in timelines for entry in timeline.entries]
    metrics = {metric for plan in plans for metric in promotion_metrics(plan) | keep_metrics(plan)}
    ranks, codes = _ranks(directory)
    evaluated = {month.period: datetime.fromisoformat(month.effective_at) for month in directory.manifest.evaluations}
    customers = _Customers() if any(metric.name == "customers" for metric in metrics) else None
    earliest = _earliest(metrics, ranks, evaluated, since)
    facts = _facts(directory, earliest, microseconds([until])[0], customers)
    return RankingSource(
        facts=facts,
        first_fact=first_fact(directory),
        ranks=ranks,
        rank_codes=codes,
        settled=lambda start, end: _settled(directory, start, end),
        evaluated=evaluated,
        failures=lambda period: _failures(directory, period),
        earned=lambda queries: _earned(directory, queries),
        reversed_of=lambda: _reversed_of(directory),
    )


def _earliest(metrics: Iterable[Metric], ranks: RankColumns, evaluated: dict[int, datetime], since: datetime) -> int:
    """From when on what was sold can reach into a window of any look.

    Promotions made since the newest evaluation are looked at again as of the instants that earned them.
    """
    windows = {metric.window for metric in metrics}
    if "ever" in windows:
        return -_EVER
    before = max(microseconds([at for at in evaluated.values() if at <= since]), default=-_EVER)
    (start,) = microseconds([since])
    is_looked_at = (ranks.since > before) & (ranks.since <= start) & (ranks.earned_at != NO_INSTANT)
    first = min(start, int(ranks.earned_at[is_looked_at].min(initial=start)))
    reach = max([_MONTH, *(timedelta(days=int(window[:-1])) for window in windows if window != "month")])
    return first - reach // timedelta(microseconds=1)


class _Customers:
    """The customers that bought, by number; their ids are in memory once."""

    def __init__(self) -> None:
        self._known: Any = pa.array([], pa.string())

    def numbers_of(self, ids: Any) -> Integers:
        """The number of each of an array of ids; -1 of none."""
        places = pc.index_in(ids, value_set=self._known)
        new = pc.unique(ids.filter(pc.and_(places.is_null(), ids.is_valid())))
        if len(new):
            self._known = pa.concat_arrays([self._known, new])
            places = pc.index_in(ids, value_set=self._known)
        return np.where(truths(ids.is_valid()), numbers(places), -1)


class _Refunded(NamedTuple):
    """The numbers of orders of which sales came back, ascending, and what is known of each."""

    order_no: Integers
    orders: RefundedOrders

    @staticmethod
    def of(order_no: Integers) -> _Refunded:
        """Nothing is known yet."""
        numbered = np.unique(order_no)
        return _Refunded(numbered, RefundedOrders(*(np.full(numbered.size, -1) for _ in RefundedOrders._fields)))

    def note(self, month: int, order_no: Integers, sold: RefundedOrders) -> None:
        """Notes those among the orders of a month; ``sold`` has the same length."""
        places = np.searchsorted(self.order_no, order_no)
        is_refunded = np.append(self.order_no, -1)[places] == order_no
        for column, known in zip(self.orders, sold, strict=True):
            column[places[is_refunded]] = known[is_refunded]
        self.orders.months[places[is_refunded]] = month


def _facts(directory: HistoryDirectory, earliest: int, until: int, customers: _Customers | None) -> RankingFacts:
    back = _table(directory, REFUNDS, _REFUNDS)
    is_sold = numbers(column_of(back, "seller_no")) >= 0
    order_no, sellers, settled_at, minor, occurred_at, happened_at = (
        numbers(column_of(back, name))[is_sold] for name in _REFUNDS[:-1]
    )
    refunded = _Refunded.of(order_no[minor != 0])
    months: list[SoldMonth] = []
    for file in directory.manifest.files_of(ORDERS):
        start, end = directory.bounds(file.period)
        if start < until and end > earliest:
            months += _month(directory, file.period, len(months), refunded, customers)
    orders = np.where(minor != 0, np.searchsorted(refunded.order_no, order_no), -1)
    orders[(orders >= 0) & (np.append(refunded.orders.rows, -1)[orders] < 0)] = -1
    done_at = last_numbers(column_of(back, "done_at"))[is_sold]
    rows = RefundRows(orders, occurred_at, done_at, minor, sellers, np.maximum(happened_at, settled_at))
    shops, joined_at = (
        numbers(column_of(_table(directory, SHOPS, ("shop_no", "joined_at")), name))
        for name in ("shop_no", "joined_at")
    )
    turns = np.argsort(shops)
    links = _table(directory, REFERRALS, ("shop_no", "effective_at", "seq", "sponsor_no"))
    return RankingFacts(
        months,
        refunded.orders,
        rows,
        SponsorLinks(*(numbers(column_of(links, name), 0) for name in links.column_names)),
        shops[turns],
        joined_at[turns],
        _persons(directory, customers),
    )


def _month(
    directory: HistoryDirectory, period: int, place: int, refunded: _Refunded, customers: _Customers | None
) -> list[SoldMonth]:
    """What was sold in a month, as a list of one, or of none."""
    columns = _SOLD if customers is None else (*_SOLD, "customer_id")
    parts: list[list[Integers]] = [[np.zeros(0, np.int64)] for _ in columns]
    for path in directory.paths(ORDERS, period):
        for group in row_groups(path, columns):
            counts = (numbers(column_of(group, "seller_no")) >= 0) & (numbers(column_of(group, "sales_minor")) > 0)
            kept = group.filter(pa.array(counts))
            for name, part in zip(_SOLD, parts, strict=False):
                part.append(numbers(column_of(kept, name)))
            if customers is not None:
                parts[-1].append(customers.numbers_of(column_of(kept, "customer_id")))
    settled_at, order_no, sellers, minor, *buyers = (np.concatenate(part) for part in parts)
    sold = sold_month(sellers, settled_at, minor, buyers[0] if buyers else np.zeros(0, np.int64))
    if sold is None:
        return []
    month, rows = sold
    refunded.note(place, order_no, RefundedOrders(sellers, settled_at, minor, np.full(rows.size, place), rows))
    return [month]


def _persons(directory: HistoryDirectory, customers: _Customers | None) -> Persons:
    merged = list(taken_along(directory.identities.merges)) if customers is not None else []
    if customers is None or not merged:
        return Persons(*(np.zeros(0, np.int64) for _ in range(3)))
    return Persons(
        customers.numbers_of(pa.array([customer_id for customer_id, _ in merged], pa.string())),
        np.array(microseconds([merge.merged_at for _, merge in merged]), np.int64),
        customers.numbers_of(pa.array([merge.into_id for _, merge in merged], pa.string())),
    )


def _ranks(directory: HistoryDirectory) -> tuple[RankColumns, list[str]]:
    """Every row of ranks, and the ranks by number."""
    rows = _table(directory, RANKS, _GIVEN)
    codes: dict[str, int] = {}
    causes = {cause: place for place, cause in enumerate(RANK_CAUSES)}
    earned_at = numbers(column_of(rows, "earned_at"), NO_INSTANT)
    is_promotion = truths(pc.equal(column_of(rows, "cause"), PROMOTION))
    columns = RankColumns(
        *(numbers(column_of(rows, name)) for name in _GIVEN[:3]),
        coded(column_of(rows, "rank"), lambda code: codes.setdefault(code, len(codes))),
        coded(column_of(rows, "cause"), causes.__getitem__),
        np.where(is_promotion, earned_at, NO_INSTANT),
        coded(column_of(rows, "earned_rank"), lambda code: codes.setdefault(code, len(codes))),
    )
    return columns, list(codes)


def _settled(directory: HistoryDirectory, start: int, end: int) -> tuple[Integers, Integers]:
    """Who sold in a span, and when each order settled."""
    sellers, settled_at = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for file in directory.manifest.files_of(ORDERS):
        first, last = directory.bounds(file.period)
        if first < end and last > start:
            path, columns = directory.path / file.path, ("seller_no", "settled_at")
            for group in row_groups_between(path, columns, "settled_at", start, end):
                of, at = (numbers(column_of(group, name)) for name in columns)
                is_asked = (of >= 0) & (at >= start) & (at < end)
                sellers.append(of[is_asked])
                settled_at.append(at[is_asked])
    return np.concatenate(sellers), np.concatenate(settled_at)


def _failures(directory: HistoryDirectory, period: int) -> Sequence[Failure]:
    groups = [group for path in directory.paths(FAILURES, period) for group in row_groups(path)]
    failures = [Failure(**row) for group in groups for row in group.to_pylist()]
    return [failure for failure in failures if not failure.is_lowered]


def _earned(directory: HistoryDirectory, queries: Sequence[FigureQuery]) -> Sequence[int]:
    return FileLooks(directory, arrow_schema(RANKS).empty_table()).figures(EARNINGS, 0, queries, None)


def _reversed_of(directory: HistoryDirectory) -> Integers:
    shops = [np.zeros(0, np.int64)]
    for group in directory.rows(TRANSFERS, ("kind", "shop_no")):
        is_back = truths(pc.equal(column_of(group, "kind"), "reversed"))
        shops.append(np.unique(numbers(column_of(group, "shop_no"))[is_back]))
    return np.unique(np.concatenate(shops))


def _table(directory: HistoryDirectory, kind: str, columns: Sequence[str]) -> Any:
    """All rows of a kind."""
    return rows_until(directory, kind, columns, _EVER, since=columns[1])
