"""What ranks are decided by, from files: shops, ranks and links as they are there, and the sums of all months."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.tree import Integers, at_places
from distrib.domain.ranks.history import EARNED, PROMOTION
from distrib.services.history.arrays import column_of, numbers, truths
from distrib.services.history.dated import newest_of, rows_until
from distrib.services.history.looks import FileLooks
from distrib.services.history.parquet import row_groups
from distrib.services.history.rank_months import NOBODY_BOUGHT, MonthRanks, RankQuestion, each_once
from distrib.services.history.schema import FAILURES, RANKS, REFERRALS, SHOPS
from distrib.services.history.sums import MonthSums, added
from distrib.services.ranks.facts import EvaluationMark, PromotedRank, RankRow
from distrib.store.copying import microseconds
from distrib.store.ranks.columns import Sales
from distrib.store.ranks.evaluations import EarnedRankRow, Failure
from distrib.store.ranks.figures import FigureQuery

BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)
"""Where a window begins that has no beginning."""
_EVER: Final = int(np.iinfo(np.int64).max)
_HELD: Final = ("shop_no", "effective_at", "seq", "rank", "cause", "earned_at", "earned_rank")


class FileRanks:
    """The facts of ``services.ranks.facts.RankFacts`` from files.

    Args:
        question: what the months were asked.
        summed: what each month comes to.
        newest_seq: of the rows of ranks that count; None: all.
    """

    def __init__(self, question: RankQuestion, summed: Iterable[MonthRanks], newest_seq: int | None) -> None:
        self._directory, self._question, self._newest_seq = question.directory, question, newest_seq
        windows = len(question.starts)
        sold, earned, bought = MonthSums.nothing(2 * windows), MonthSums.nothing(windows), [NOBODY_BOUGHT]
        refunded = reversed_of = np.zeros(0, np.int64)
        for month in summed:
            sold, earned = added([sold, month.sold]), added([earned, month.earned])
            bought.append(month.bought)
            if sum(part.sellers.size for part in bought[1:]) > bought[0].sellers.size:
                bought = [each_once(bought)]
            refunded, reversed_of = np.union1d(refunded, month.refunded), np.union1d(reversed_of, month.reversed_of)
        self._sold, self._earned, self._bought = sold, earned, each_once(bought)
        self._refunded, self._reversed_of = refunded, reversed_of

    def tree(self, as_of: datetime) -> Sequence[Integers]:
        """Reads ``RankFacts.tree``."""
        shops = rows_until(self._directory, SHOPS, ["shop_no", "joined_at"], _EVER)
        shops = shops.take(np.argsort(numbers(column_of(shops, "shop_no"))))
        numbered = numbers(column_of(shops, "shop_no"))
        columns = ["shop_no", "effective_at", "seq", "sponsor_no"]
        newest = newest_of(rows_until(self._directory, REFERRALS, columns, microseconds([as_of])[0]))
        above = numbers(column_of(newest, "shop_no")), numbers(column_of(newest, "sponsor_no"), 0)
        return [numbered, at_places(numbered, *above), numbers(column_of(shops, "joined_at"))]

    def sales(self, starts: Sequence[datetime | None], until: datetime) -> Sales:
        """Adds up ``RankFacts.sales``; of the windows that months were asked for."""
        places = [self._window(start) for start in starts]
        columns = self._sold.columns
        return Sales(
            self._sold.shops,
            [columns[2 * place] for place in places],
            [columns[2 * place + 1] for place in places],
        )

    def customers(self, start: datetime | None, until: datetime) -> Sequence[Integers]:
        """Counts ``RankFacts.customers``."""
        since = self._question.starts[self._window(start)]
        sellers, buyers = np.unique(self._bought.sellers[self._bought.latest >= since], return_counts=True)
        return [sellers, buyers.astype(np.int64)]

    def earnings(self, start: datetime | None, until: datetime) -> Sequence[Integers]:
        """Adds up ``RankFacts.earnings``."""
        return [self._earned.shops, self._earned.columns[self._window(start)]]

    def newest_ranks(
        self, codes: Sequence[str], begins: Sequence[datetime], causes: Sequence[str], as_of: datetime
    ) -> Sequence[Integers]:
        """Reads ``RankFacts.newest_ranks``."""
        newest = newest_of(self._given(causes, microseconds([as_of])[0]))
        places = pc.index_in(column_of(newest, "rank"), value_set=pa.array([*codes], pa.string()))
        since = numbers(column_of(newest, "effective_at"))
        begun = np.searchsorted(np.array(microseconds(begins), np.int64), since, "right").astype(np.int64)
        return [numbers(column_of(newest, "shop_no")), numbers(places, -1) + 1, begun, since]

    def refunded_shops(self, *, with_earners: bool) -> Sequence[Integers]:
        """Reads ``RankFacts.refunded_shops``."""
        return [self._refunded, self._reversed_of] if with_earners else [self._refunded]

    def links(self) -> Sequence[Integers]:
        """Reads ``RankFacts.links``."""
        rows = rows_until(self._directory, REFERRALS, ["shop_no", "effective_at", "sponsor_no"], _EVER)
        rows = rows.filter(pc.is_valid(rows["sponsor_no"]))
        return [numbers(column_of(rows, "shop_no")), numbers(column_of(rows, "sponsor_no"))]

    def failures(self, period: int) -> Sequence[Failure]:
        """Reads ``RankFacts.failures``."""
        groups = [group for path in self._directory.paths(FAILURES, period) for group in row_groups(path)]
        failures = [Failure(**row) for group in groups for row in group.to_pylist()]
        return [failure for failure in failures if not failure.is_lowered]

    def promoted_shops(self, since: EvaluationMark, until: datetime) -> Sequence[int]:
        """Reads ``RankFacts.promoted_shops``."""
        return [int(shop) for shop in np.unique(numbers(column_of(self._promoted(since, until), "shop_no")))]

    def promotions(self, shops: Sequence[int], since: EvaluationMark, until: datetime) -> Sequence[PromotedRank]:
        """Reads ``RankFacts.promotions``."""
        rows = _of_shops(self._promoted(since, until), shops)
        rows = rows.filter(pc.is_valid(rows["earned_at"])).sort_by([("shop_no", "ascending"), ("seq", "ascending")])
        columns = (rows[name].to_pylist() for name in ("shop_no", "seq", "earned_at", "earned_rank"))
        return [PromotedRank(*row) for row in zip(*columns, strict=True)]

    def earned_rows(self, shops: Sequence[int], until: datetime) -> Mapping[int, Sequence[EarnedRankRow]]:
        """Reads ``RankFacts.earned_rows``."""
        rows = _in_order(_of_shops(self._given(EARNED, microseconds([until])[0]), shops))
        ranks: dict[int, list[EarnedRankRow]] = {}
        for row in rows.select(EarnedRankRow._fields).to_pylist():
            ranks.setdefault(row["shop_no"], []).append(EarnedRankRow(**row))
        return ranks

    def figures(
        self, name: str, levels: int, queries: Sequence[FigureQuery], ranks: Sequence[str] | None
    ) -> Sequence[int]:
        """Computes ``RankFacts.figures``."""
        return self._looks.figures(name, levels, queries, ranks)

    def rank_rows(self, shops: Sequence[int]) -> Sequence[RankRow]:
        """Reads ``RankFacts.rank_rows``."""
        rows = _in_order(_of_shops(self._ranks, shops))
        columns = (rows[name].to_pylist() for name in ("shop_no", "effective_at", "rank", "cause"))
        return list(zip(*columns, strict=True))

    @cached_property
    def _looks(self) -> FileLooks:
        return FileLooks(self._directory, self._ranks)

    @cached_property
    def _ranks(self) -> pa.Table:
        """The rows of ranks that count."""
        newest = _EVER if self._newest_seq is None else self._newest_seq
        return rows_until(
            self._directory, RANKS, _HELD, _EVER, lambda group: numbers(column_of(group, "seq")) <= newest
        )

    def _given(self, causes: Sequence[str], until: int) -> pa.Table:
        """The rows of some causes by an instant."""
        is_asked = truths(pc.is_in(column_of(self._ranks, "cause"), value_set=pa.array([*causes], pa.string())))
        return self._ranks.filter(pa.array(is_asked & (numbers(column_of(self._ranks, "effective_at")) <= until)))

    def _promoted(self, since: EvaluationMark, until: datetime) -> pa.Table:
        """The rows of promotions after a mark, up to an instant."""
        first, last = microseconds([since.instant, until])
        rows = self._given([PROMOTION], last)
        is_after = (numbers(column_of(rows, "effective_at")) > first) | (numbers(column_of(rows, "seq")) > since.seq)
        return rows.filter(pa.array(is_after))

    def _window(self, start: datetime | None) -> int:
        return self._question.starts.index(microseconds([start or BEGINNING])[0])


def _of_shops(rows: pa.Table, shops: Sequence[int]) -> pa.Table:
    """The rows of those shops."""
    return rows.filter(pa.array(np.isin(numbers(column_of(rows, "shop_no")), np.array(shops, np.int64))))


def _in_order(rows: pa.Table) -> pa.Table:
    """Rows by shop, in the order in which they hold."""
    return rows.sort_by([(name, "ascending") for name in ("shop_no", "effective_at", "seq")])
