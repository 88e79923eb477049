"""What ranks are replayed by, from files: what was sold, what came back, links, joinings, and the ranks there were."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.ranking.figures import RankingFacts
from distrib.columns.ranking.held import NO_INSTANT, RankColumns
from distrib.columns.ranking.links import SponsorLinks
from distrib.columns.ranking.persons import MergedPersons
from distrib.columns.tree import Integers
from distrib.domain.customers import taken_along
from distrib.domain.ranks.history import PROMOTION, RANK_CAUSES
from distrib.domain.ranks.promotion import EARNINGS
from distrib.services.history.arrays import coded, column_of, last_numbers, numbers, truths
from distrib.services.history.dated import rows_until
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.looks import FileLooks
from distrib.services.history.parquet import arrow_schema, row_groups, row_groups_between
from distrib.services.history.pools import first_fact
from distrib.services.history.schema import FAILURES, ORDERS, RANKS, REFERRALS, REFUNDS, SHOPS, TRANSFERS
from distrib.services.plans.versions import Timeline
from distrib.services.simulations.ranking import (
    BackColumns,
    GatheredFacts,
    RankingSource,
    SoldColumns,
    earliest_sale,
    metrics_of,
)
from distrib.store.copying import microseconds
from distrib.store.ranks.evaluations import Failure
from distrib.store.ranks.figures import FigureQuery

_EVER: Final = int(np.iinfo(np.int64).max)
_REFUNDS: Final = ("order_no", "seller_no", "settled_at", "sales_minor", "occurred_at", "happened_at", "done_at")
_SOLD: Final = ("order_no", "seller_no", "settled_at", "sales_minor")
_GIVEN: Final = ("shop_no", "effective_at", "seq", "rank", "cause", "earned_at", "earned_rank")


def ranking_source(
    directory: HistoryDirectory, timelines: Collection[Timeline], since: datetime, until: datetime
) -> RankingSource:
    """Reads what ranks are replayed by from an instant to another.

    Args:
        timelines: the plans whose conditions decide, of every candidate.
    """
    metrics = metrics_of(timelines)
    ranks, codes = _ranks(directory)
    evaluated = {month.period: datetime.fromisoformat(month.effective_at) for month in directory.manifest.evaluations}
    customers = _FileCustomers() if any(metric.name == "customers" for metric in metrics) else None
    earliest = earliest_sale(metrics, ranks, evaluated, since)
    return RankingSource(
        facts=_facts(directory, earliest, microseconds([until])[0], customers),
        first_fact=first_fact(directory),
        ranks=ranks,
        rank_codes=codes,
        settled=lambda start, end: _settled(directory, start, end),
        evaluated=evaluated,
        failures=lambda period: _failures(directory, period),
        earned=lambda queries: _earned(directory, queries),
        reversed_of=lambda: _reversed_of(directory),
    )


class _FileCustomers:
    """The customers that bought, by number; their ids are in memory once."""

    def __init__(self) -> None:
        self._known = pa.array([], pa.string())

    def numbers_of(self, ids: pa.Array) -> Integers:
        """The number of each of an array of ids; -1 of none."""
        places = pc.index_in(ids, value_set=self._known)
        new = pc.unique(ids.filter(pc.and_(places.is_null(), ids.is_valid())))
        if len(new):
            self._known = pa.concat_arrays([self._known, new])
            places = pc.index_in(ids, value_set=self._known)
        return np.where(truths(ids.is_valid()), numbers(places), -1)


def _facts(directory: HistoryDirectory, earliest: int, until: int, customers: _FileCustomers | None) -> RankingFacts:
    gathered = GatheredFacts(_back(directory))
    for file in directory.manifest.files_of(ORDERS):
        start, end = directory.bounds(file.period)
        if start < until and end > earliest:
            gathered.add_month(_sold(directory, file.period, customers))
    shops = _table(directory, SHOPS, ("shop_no", "joined_at"))
    links = _table(directory, REFERRALS, ("shop_no", "effective_at", "seq", "sponsor_no"))
    return gathered.facts(
        SponsorLinks(*(numbers(column_of(links, name), 0) for name in links.column_names)),
        numbers(column_of(shops, "shop_no")),
        numbers(column_of(shops, "joined_at")),
        _persons(directory, customers),
    )


def _back(directory: HistoryDirectory) -> BackColumns:
    """What refunds took of the sales of somebody."""
    rows = _table(directory, REFUNDS, _REFUNDS)
    rows = rows.filter(pc.is_valid(rows["seller_no"]))
    settled_at, happened_at = (numbers(column_of(rows, name)) for name in ("settled_at", "happened_at"))
    order_no, sellers, minor, occurred_at = (
        numbers(column_of(rows, name)) for name in ("order_no", "seller_no", "sales_minor", "occurred_at")
    )
    return BackColumns(
        order_no,
        sellers,
        minor,
        occurred_at,
        last_numbers(column_of(rows, "done_at")),
        np.maximum(happened_at, settled_at),
    )


def _sold(directory: HistoryDirectory, period: int, customers: _FileCustomers | None) -> SoldColumns:
    """The orders of a month that count."""
    columns = _SOLD if customers is None else (*_SOLD, "customer_id")
    parts: list[list[Integers]] = [[np.zeros(0, np.int64)] for _ in SoldColumns._fields]
    for path in directory.paths(ORDERS, period):
        for group in row_groups(path, columns):
            counts = (numbers(column_of(group, "seller_no")) >= 0) & (numbers(column_of(group, "sales_minor")) > 0)
            kept = group.filter(pa.array(counts))
            for name, part in zip(_SOLD, parts, strict=False):
                part.append(numbers(column_of(kept, name)))
            if customers is not None:
                parts[-1].append(customers.numbers_of(column_of(kept, "customer_id")))
    return SoldColumns(*(np.concatenate(part) for part in parts))


def _persons(directory: HistoryDirectory, customers: _FileCustomers | None) -> MergedPersons:
    merged = list(taken_along(directory.identities.merges)) if customers is not None else []
    if customers is None or not merged:
        return MergedPersons(*(np.zeros(0, np.int64) for _ in range(3)))
    return MergedPersons(
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
    shops, since, seq = (numbers(column_of(rows, name)) for name in _GIVEN[:3])
    columns = RankColumns(
        shops,
        since,
        seq,
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
            for group in row_groups_between(path, columns, "settled_at", (start, end)):
                of, settled = (numbers(column_of(group, name)) for name in columns)
                is_asked = (of >= 0) & (settled >= start) & (settled < end)
                sellers.append(of[is_asked])
                settled_at.append(settled[is_asked])
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


def _table(directory: HistoryDirectory, kind: str, columns: Sequence[str]) -> pa.Table:
    """All rows of a kind."""
    return rows_until(directory, kind, columns, _EVER)
