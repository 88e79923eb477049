"""What ranks are decided by, of all shops of a program, whoever has it: the database, or files of history.

Arrays by shop number and rows of few shops; nothing here decides. The files are ``services.history.ranks``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from distrib.columns.tree import Integers
from distrib.store.ranks import columns, evaluations, figures
from distrib.store.ranks.columns import RanksByCause, Sales
from distrib.store.ranks.evaluations import EarnedRankRow, EvaluationMark, Failure
from distrib.store.ranks.figures import Figure, FigureQuery, RankChange

__all__ = ["EvaluationMark"]

RankRow = tuple[int, datetime, str | None, str]
"""Shop, from when on, rank and cause."""


class PromotedRank(NamedTuple):
    """A row of a promotion by figures: as of when they carried the shop to which rank."""

    shop_no: int
    seq: int
    earned_at: datetime
    rank: str


class RankFigureFacts(Protocol):
    """Figures of shops as of any instants."""

    def figures(
        self, name: str, levels: int, queries: Sequence[FigureQuery], ranks: Sequence[str] | None
    ) -> Sequence[int]:
        """What ``store.ranks.figures.figures`` answers."""


class DecidedRanks(RankFigureFacts, Protocol):
    """The same, with ranks that are read and written."""

    def rank_rows(self, shops: Sequence[int]) -> Sequence[RankRow]:
        """The ranks that those shops were given, in the order in which they hold."""

    def insert(self, changes: Sequence[RankChange]) -> None:
        """Writes changes of rank, in their order."""


class RankFacts(RankFigureFacts, Protocol):
    """Shops with their sales and ranks, with every refund that is known."""

    def tree(self, as_of: datetime) -> Sequence[Integers]:
        """Every shop by ascending number, its sponsor at an instant (0: none), its joining in µs since 1970."""

    def sales(self, starts: Sequence[datetime | None], until: datetime) -> Sales:
        """By seller, from each of the starts on (None: ever), what was sold, and the orders of which some is left."""

    def customers(self, start: datetime | None, until: datetime) -> Sequence[Integers]:
        """Sellers, and how many different persons bought of them."""

    def earnings(self, start: datetime | None, until: datetime) -> Sequence[Integers]:
        """Shops, and what they earned, net of reversals."""

    def newest_ranks(
        self, codes: Sequence[str], begins: Sequence[datetime], causes: Sequence[str], as_of: datetime
    ) -> Sequence[Integers]:
        """What ``store.ranks.columns.newest_ranks`` answers."""

    def refunded_shops(self, *, with_earners: bool) -> Sequence[Integers]:
        """Shops with a refunded sale, and apart, with ``with_earners``, shops with a reversed commission."""

    def links(self) -> Sequence[Integers]:
        """Every link there ever was, as shop and sponsor."""

    def failures(self, period: int) -> Sequence[Failure]:
        """The shops that failed to keep a rank in a month's evaluation and did not lose it."""

    def promoted_shops(self, since: EvaluationMark, until: datetime) -> Sequence[int]:
        """The shops promoted after a mark, up to an instant, by ascending number."""

    def promotions(self, shops: Sequence[int], since: EvaluationMark, until: datetime) -> Sequence[PromotedRank]:
        """The rows of promotions by figures of those shops after a mark, up to an instant; by shop and number."""

    def earned_rows(self, shops: Sequence[int], until: datetime) -> Mapping[int, Sequence[EarnedRankRow]]:
        """By shop the ranks that those shops earned by an instant, in the order in which they hold."""

    def rank_rows(self, shops: Sequence[int]) -> Sequence[RankRow]:
        """The ranks that those shops were given, in the order in which they hold."""


class StoredRanks:
    """The same from the database."""

    def __init__(self, conn: Connection, program_id: int) -> None:
        self._conn, self._number = conn, program_id

    def tree(self, as_of: datetime) -> Sequence[Integers]:
        """Reads ``RankFacts.tree``."""
        return columns.tree_at(self._conn, self._number, as_of)

    def sales(self, starts: Sequence[datetime | None], until: datetime) -> Sales:
        """Reads ``RankFacts.sales``."""
        return columns.sales(self._conn, self._number, starts, until)

    def customers(self, start: datetime | None, until: datetime) -> Sequence[Integers]:
        """Reads ``RankFacts.customers``."""
        return columns.customers(self._conn, self._number, start, until)

    def earnings(self, start: datetime | None, until: datetime) -> Sequence[Integers]:
        """Reads ``RankFacts.earnings``."""
        return columns.earnings(self._conn, self._number, start, until)

    def newest_ranks(
        self, codes: Sequence[str], begins: Sequence[datetime], causes: Sequence[str], as_of: datetime
    ) -> Sequence[Integers]:
        """Reads ``RankFacts.newest_ranks``."""
        return columns.newest_ranks(self._conn, self._number, RanksByCause(codes, causes), begins, as_of)

    def refunded_shops(self, *, with_earners: bool) -> Sequence[Integers]:
        """Reads ``RankFacts.refunded_shops``."""
        return columns.refunded_shops(self._conn, self._number, with_earners=with_earners)

    def links(self) -> Sequence[Integers]:
        """Reads ``RankFacts.links``."""
        return columns.links(self._conn, self._number)

    def failures(self, period: int) -> Sequence[Failure]:
        """Reads ``RankFacts.failures``."""
        return evaluations.failures_of(self._conn, self._number, period)

    def promoted_shops(self, since: EvaluationMark, until: datetime) -> Sequence[int]:
        """Reads ``RankFacts.promoted_shops``."""
        return evaluations.promoted_shops(self._conn, self._number, since, until)

    def promotions(self, shops: Sequence[int], since: EvaluationMark, until: datetime) -> Sequence[PromotedRank]:
        """Reads ``RankFacts.promotions``; from here on the transaction reads few rows of large tables."""
        figures.prefer_indexes(self._conn)
        rows = evaluations.promotions(self._conn, self._number, shops, since, until)
        reasons = [(row, json.loads(row.reason)) for row in rows]
        return [
            PromotedRank(row.shop_no, row.seq, datetime.fromisoformat(reason["at"]), reason["to"])
            for row, reason in reasons
            if "conditions" in reason
        ]

    def earned_rows(self, shops: Sequence[int], until: datetime) -> Mapping[int, Sequence[EarnedRankRow]]:
        """Reads ``RankFacts.earned_rows``."""
        return evaluations.earned_rows(self._conn, self._number, shops, until)

    def figures(
        self, name: str, levels: int, queries: Sequence[FigureQuery], ranks: Sequence[str] | None
    ) -> Sequence[int]:
        """Reads ``RankFacts.figures``."""
        return figures.figures(self._conn, self._number, Figure(name, levels, ranks), queries)

    def rank_rows(self, shops: Collection[int]) -> Sequence[RankRow]:
        """Reads ``RankFacts.rank_rows``."""
        return figures.rank_rows(self._conn, self._number, [*shops])


class WrittenRanks(StoredRanks):
    """The same, and ranks are written there.

    Args:
        by: who decides them.
    """

    def __init__(self, conn: Connection, program_id: int, by: str, now: datetime) -> None:
        super().__init__(conn, program_id)
        self._by, self._now = by, now

    def insert(self, changes: Sequence[RankChange]) -> None:
        """Writes ``DecidedRanks.insert``."""
        figures.insert_rank_changes(self._conn, self._number, changes, self._by, self._now)
