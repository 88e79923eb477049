"""Ranks of a simulation in arrays: the facts that rules of ranks ask for, and the ranks that they decide.

What ``services.ranks.facts.RankFacts`` says of tables is said here of arrays, whoever read them. Whom nothing that
happened in a month could carry higher is not looked at one by one. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from distrib.columns.ranking.back import LookSpan
from distrib.columns.ranking.figures import RankingFigures, ShopLooks
from distrib.columns.ranking.held import NO_INSTANT, DatedRanks, RankColumns
from distrib.columns.tree import Integers, Truths, at_places
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Policy
from distrib.domain.ranks.history import EARNED, HAND, PROMOTION, RANK_CAUSES, Ladder, known_rank
from distrib.domain.ranks.promotion import EARNINGS
from distrib.services.context import Program
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import Timeline
from distrib.services.ranks.facts import EvaluationMark, PromotedRank, RankRow
from distrib.services.simulations.held_arrays import GivenRanks
from distrib.services.simulations.looking import (
    DayLooks,
    HighestFigures,
    LookedAt,
    highest_places,
    instant_of,
    midnight_of,
)
from distrib.services.simulations.ranking import BEFORE_ALL, RankingSource, evaluated_by
from distrib.services.simulations.replaying import Replayed, replay
from distrib.store.copying import microseconds
from distrib.store.ranks.columns import Sales
from distrib.store.ranks.evaluations import EarnedRankRow, Failure
from distrib.store.ranks.figures import FigureQuery, RankChange, RankSignal

BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)
"""Where a window begins that has no beginning."""
_BEGINNING_OF_TIME: Final = datetime.min.replace(tzinfo=UTC)
_NO_RANK: Final = -1


class ArrayRanks:
    """The ranks of a candidate, and what they are decided by; ``begin`` makes them those of an instant."""

    are_likely = True

    def __init__(self, program: Program, source: RankingSource) -> None:
        self._program, self._source, self._facts = program, source, source.facts
        self._codes = {code: number for number, code in enumerate(source.rank_codes)}
        self._given = DatedRanks(RankColumns.none())
        self._figures = RankingFigures(self._facts, self._given)
        self._mark: EvaluationMark | None = None
        self._failures: dict[int, Sequence[Failure]] = {}

    @property
    def given(self) -> RankColumns:
        """All rows of ranks as they stand, by shop and in the order in which they hold."""
        return self._given.rows

    @property
    def codes(self) -> list[str]:
        """The ranks by their number."""
        return list(self._codes)

    def first_fact(self) -> datetime | None:
        """When the first order settled, or the first shop joined; None before either."""
        return self._source.first_fact

    def begin(self, terms: TermsBook, since: datetime) -> None:
        """Takes over what stood at an instant: ranks, evaluations, failures; and what hands set at any time."""
        (start,), ranks = microseconds([since]), self._source.ranks
        self._given = DatedRanks(ranks.among((ranks.since <= start) | (ranks.cause == RANK_CAUSES.index(HAND))))
        self._figures = RankingFigures(self._facts, self._given)
        before = evaluated_by(self._source.evaluated, since)
        newest = max(before, default=None)
        self._mark = None if newest is None else EvaluationMark(before[newest], self._given.newest_seq)
        self._failures = {} if newest is None else {newest: self._source.failures(newest)}

    def set_by_hand(self, since: datetime) -> list[int]:
        """Lists shops whose rank somebody set after an instant."""
        rows, (start,) = self.given, microseconds([since])
        is_asked = (rows.cause == RANK_CAUSES.index(HAND)) & (rows.since > start)
        shops: list[int] = np.unique(rows.shops[is_asked]).tolist()
        return shops

    def know_refunds(self, until: datetime, known: datetime | None) -> None:
        """Makes known what came back before an instant, and all that was done by ``known``."""
        done_by = BEFORE_ALL if known is None else microseconds([known])[0]
        self._figures.know(microseconds([until])[0], done_by)

    def signals(self, terms: TermsBook, since: datetime, until: datetime) -> Iterator[Sequence[RankSignal]]:
        """Yields ``OwnRanks.signals`` day by day, less those of shops that their day can carry no higher."""
        if until <= since:
            return
        looked_at = self._looked_at(since, midnight_of(self._program, until), terms.signal_levels)
        by_day = DayLooks(self._program, looked_at, since, until)
        days = by_day.days
        follows = terms.ladder.next_after(since)
        if follows is not None and follows < until:
            raise ValueError("of the plans of a replay over arrays one is in force throughout")
        plan = terms.in_force(since).plan
        if not plan.has_promotions or not days.shops.size:
            return
        earned = self._earned(terms.ladder, plan, days.shops, since)
        highest = highest_places(plan, HighestFigures(self._program, self._figures, since), days, earned)
        for places in by_day.by_day():
            takes_effect = instant_of(int(days.end[places[0]]) + 1)
            own = self._earned(terms.ladder, plan, days.shops[places], takes_effect)
            yield by_day.signals(places[highest[places] > own])

    def _earned(self, ladder: Ladder, plan: Plan, shops: Integers, instant: datetime) -> Integers:
        """The rank that each shop has earned by an instant, by its place in the plan's."""
        known, of = np.unique(shops, return_inverse=True)
        (until,) = microseconds([instant])
        rows = self._given.of_shops(known)
        rows = rows.among(is_cause(rows, EARNED) & (rows.since <= until))
        rows = rows.among(np.append(rows.shops[1:] != rows.shops[:-1], True)[: rows.shops.size])
        # Which names a rank has had since follows from which of the versions that rename any had begun.
        begins = [_BEGINNING_OF_TIME, *ladder.maps_from(_BEGINNING_OF_TIME)]
        begun = np.searchsorted(np.array(microseconds(begins[1:]), np.int64), rows.since, "right")
        codes = self.codes
        pairs, of_rows = np.unique(np.stack([rows.rank, begun]), axis=1, return_inverse=True)
        places = [
            plan.rank_index(known_rank(plan, ladder.carry(codes[rank], begins[place], instant)))
            for rank, place in pairs.T.tolist()
        ]
        return at_places(known, rows.shops, np.array(places, np.int64)[of_rows.ravel()])[of]

    def _looked_at(self, since: datetime, until: datetime, levels: int) -> LookedAt:
        """Everybody for whom something happened in a span, and those above."""
        start, end = microseconds([since, until])
        back, links = self._figures.known_refunds(), self._facts.links
        came_back = (back.looked_at >= start) & (back.looked_at < end)
        sellers, settled_at = self._source.settled(start, end)
        looked_at = LookedAt.of(
            np.concatenate([sellers, back.sellers[came_back]]), np.concatenate([settled_at, back.looked_at[came_back]])
        ).with_those_above(links, levels)
        recruited = (links.sponsors > 0) & (links.since >= start) & (links.since < end)
        return LookedAt.of(
            np.concatenate([looked_at.shops, links.sponsors[recruited]]),
            np.concatenate([looked_at.instants, links.since[recruited]]),
        )

    def evaluated(self) -> EvaluationMark | None:
        """Where the newest evaluation ended; None before the first."""
        return self._mark

    def newest_seq(self) -> int:
        """The number of the row of ranks that was written last."""
        return self._given.newest_seq

    def keep_evaluation(self, period: int, mark: EvaluationMark, failures: Iterable[Failure]) -> None:
        """Keeps that a month was evaluated, and who failed to keep a rank in it."""
        self._mark, self._failures = mark, {period: [row for row in failures if not row.is_lowered]}

    def insert(self, changes: Sequence[RankChange]) -> None:
        """Adds rows of ranks, in their order."""
        reasons = [json.loads(change.reason) if change.cause == PROMOTION else {} for change in changes]
        earned = [(reason["at"], reason["to"]) if "conditions" in reason else None for reason in reasons]
        first = self._given.newest_seq + 1
        columns = (
            [change.shop_no for change in changes],
            microseconds([change.effective_at for change in changes]),
            range(first, first + len(changes)),
            [self._number_of(change.rank) for change in changes],
            [RANK_CAUSES.index(change.cause) for change in changes],
            [NO_INSTANT if of is None else microseconds([datetime.fromisoformat(of[0])])[0] for of in earned],
            [_NO_RANK if of is None else self._number_of(of[1]) for of in earned],
        )
        self._given.add(RankColumns(*(np.array(column, np.int64) for column in columns)))

    def shops_with_ranks(self, ranks: Sequence[str]) -> Sequence[int]:
        """Lists the shops that ever got one of the ranks."""
        shops: list[int] = np.unique(self.given.shops[np.isin(self.given.rank, self._numbers_of(ranks))]).tolist()
        return shops

    def rename_later_ranks(self, names: Mapping[str, str], since: datetime, until: datetime | None) -> None:
        """Writes again, under their new codes, the ranks that take effect from ``since`` to before ``until``."""
        rows, (start,) = self.given, microseconds([since])
        is_asked = (rows.since >= start) & np.isin(rows.rank, self._numbers_of([*names]))
        if until is not None:
            is_asked &= rows.since < microseconds([until])[0]
        renamed = rows.among(is_asked)
        if renamed.shops.size:
            codes = self.codes
            rank = [self._number_of(names[codes[number]]) for number in renamed.rank.tolist()]
            seq = np.arange(renamed.shops.size) + self._given.newest_seq + 1
            self._given.add(renamed._replace(rank=np.array(rank, np.int64), seq=seq))

    def tree(self, as_of: datetime) -> Sequence[Integers]:
        """Reads ``RankFacts.tree``."""
        shops = self._facts.shops
        instants = np.full(shops.size, microseconds([as_of])[0])
        return [shops, self._facts.links.sponsors_at(shops, instants), self._facts.joined_at]

    def sales(self, starts: Sequence[datetime | None], until: datetime) -> Sales:
        """Adds up ``RankFacts.sales``."""
        shops, (last,) = self._facts.shops, microseconds([until])
        sold = [self._figures.sold(microseconds([start or BEGINNING])[0], last) for start in starts]
        return Sales(
            shops,
            [at_places(shops, of.sellers, of.minor) for of in sold],
            [at_places(shops, of.sellers, of.orders) for of in sold],
        )

    def customers(self, start: datetime | None, until: datetime) -> Sequence[Integers]:
        """Counts ``RankFacts.customers``."""
        return self._figures.buyers(*microseconds([start or BEGINNING, until]))

    def earnings(self, start: datetime | None, until: datetime) -> Sequence[Integers]:
        """What shops earned under a candidate is not known before it is replayed: no condition may read it."""
        raise ValueError("a plan whose conditions read earnings cannot be replayed")

    def newest_ranks(
        self, codes: Sequence[str], begins: Sequence[datetime], causes: Sequence[str], as_of: datetime
    ) -> Sequence[Integers]:
        """Reads ``RankFacts.newest_ranks``."""
        newest = self._given.newest(is_cause(self.given, causes), microseconds([as_of])[0])
        places = {code: place for place, code in enumerate(codes, 1)}
        table = np.array([*(places.get(code, 0) for code in self._codes), 0], np.int64)
        begun = np.searchsorted(np.array(microseconds(begins), np.int64), newest.since, "right").astype(np.int64)
        return [newest.shops, table[newest.rank], begun, newest.since]

    def refunded_shops(self, *, with_earners: bool) -> Sequence[Integers]:
        """Reads ``RankFacts.refunded_shops``."""
        refunded = self._figures.refunded()
        return [refunded, self._source.reversed_of()] if with_earners else [refunded]

    def links(self) -> Sequence[Integers]:
        """Reads ``RankFacts.links``."""
        links = self._facts.links
        has_sponsor = links.sponsors > 0
        return [links.shops[has_sponsor], links.sponsors[has_sponsor]]

    def failures(self, period: int) -> Sequence[Failure]:
        """Reads ``RankFacts.failures``."""
        return self._failures.get(period, ())

    def promoted_shops(self, since: EvaluationMark, until: datetime) -> Sequence[int]:
        """Reads ``RankFacts.promoted_shops``."""
        shops: list[int] = np.unique(self._promoted(since, until).shops).tolist()
        return shops

    def promotions(self, shops: Sequence[int], since: EvaluationMark, until: datetime) -> Sequence[PromotedRank]:
        """Reads ``RankFacts.promotions``."""
        rows = self._promoted(since, until)
        rows = rows.among(np.isin(rows.shops, np.array(shops, np.int64)) & (rows.earned_at != NO_INSTANT))
        rows, codes = rows.among(np.lexsort((rows.seq, rows.shops))), self.codes
        columns = (rows.shops.tolist(), rows.seq.tolist(), rows.earned_at.tolist(), rows.earned.tolist())
        return [
            PromotedRank(shop_no, seq, instant_of(earned_at), codes[rank])
            for shop_no, seq, earned_at, rank in zip(*columns, strict=True)
        ]

    def earned_rows(self, shops: Sequence[int], until: datetime) -> Mapping[int, Sequence[EarnedRankRow]]:
        """Reads ``RankFacts.earned_rows``."""
        (last,) = microseconds([until])
        ranks: dict[int, list[EarnedRankRow]] = {}
        for shop_no, since, seq, rank, cause in self._rows_of(shops):
            if cause in EARNED and since <= last and rank is not None:
                ranks.setdefault(shop_no, []).append(EarnedRankRow(shop_no, instant_of(since), seq, rank))
        return ranks

    def figures(
        self, name: str, levels: int, queries: Sequence[FigureQuery], ranks: Sequence[str] | None
    ) -> Sequence[int]:
        """Computes ``RankFacts.figures``."""
        if not queries:
            return []
        if name == EARNINGS:
            return self._source.earned(queries)
        shops, since, until, back, tree_at = (
            np.array(column, np.int64)
            for column in (
                [query.shop_no for query in queries],
                *(
                    microseconds([getattr(query, end) for query in queries])
                    for end in ("from_at", "to_at", "back_at", "tree_at")
                ),
            )
        )
        looks = ShopLooks(shops, LookSpan(since, until, back), tree_at)
        asked = None if ranks is None else self._numbers_of(ranks)
        figures: list[int] = self._figures.figure(name, levels, looks, asked).tolist()
        return figures

    def rank_rows(self, shops: Sequence[int]) -> Sequence[RankRow]:
        """Reads ``RankFacts.rank_rows``."""
        return [(shop_no, instant_of(since), rank, cause) for shop_no, since, _, rank, cause in self._rows_of(shops)]

    def _rows_of(self, shops: Iterable[int]) -> list[tuple[int, int, int, str | None, str]]:
        """Shop, instant, number, rank and cause of the rows of shops, in the order in which they hold."""
        rows = self._given.of_shops(np.unique(np.array([*shops], np.int64)))
        codes: list[str | None] = [*self._codes, None]
        columns = (column.tolist() for column in (rows.shops, rows.since, rows.seq, rows.rank, rows.cause))
        return [
            (shop_no, since, seq, codes[rank], RANK_CAUSES[cause])
            for shop_no, since, seq, rank, cause in zip(*columns, strict=True)
        ]

    def _promoted(self, since: EvaluationMark, until: datetime) -> RankColumns:
        """The rows of promotions after a mark, up to an instant."""
        first, last = microseconds([since.instant, until])
        rows = self.given
        is_asked = is_cause(rows, [PROMOTION]) & (rows.since <= last)
        return rows.among(is_asked & ((rows.since > first) | (rows.seq > since.seq)))

    def _number_of(self, rank: str | None) -> int:
        return _NO_RANK if rank is None else self._codes.setdefault(rank, len(self._codes))

    def _numbers_of(self, ranks: Sequence[str]) -> Integers:
        return np.array([self._number_of(rank) for rank in ranks], np.int64)


def is_cause(rows: RankColumns, causes: Sequence[str]) -> Truths:
    """Which rows have one of those causes."""
    return np.isin(rows.cause, [RANK_CAUSES.index(cause) for cause in causes])


def replayed_in_arrays(
    program: Program,
    policies: Mapping[str, Policy],
    source: RankingSource,
    timeline: Timeline,
    replayed: Replayed,
) -> GivenRanks:
    """Replays the ranks of a candidate over arrays; arguments as of ``replaying.replay``."""
    ranks = ArrayRanks(program, source)
    replay(ranks, program, policies, timeline, replayed)
    rows = ranks.given
    return GivenRanks(rows.shops, rows.since, rows.rank, tuple(ranks.codes))
