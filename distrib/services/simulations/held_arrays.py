"""The ranks that shops had under a candidate, replayed, as arrays for whoever works on orders. No SQL may enter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from distrib.columns.commissions.chunk import NOBODY
from distrib.columns.ranking.links import newest_by
from distrib.columns.ranking.spans import span_of
from distrib.columns.tree import Integers
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import known_rank
from distrib.services.simulations.looking import instant_of
from distrib.store.copying import microseconds
from distrib.store.simulations.ranks import HeldColumns, KeptRank


class GivenRanks(NamedTuple):
    """Rows of ranks by shop and in the order in which they hold: from when on, and which, by its number in ``codes``.

    Instants are in microseconds since 1970; a number below 0 is of no rank.
    """

    shops: Integers
    since: Integers
    rank: Integers
    codes: Sequence[str]

    @property
    def rows(self) -> HeldColumns:
        """The rows without what their numbers stand for."""
        return HeldColumns(self.shops, self.since, self.rank)

    def kept(self, place: int) -> Iterator[KeptRank]:
        """Yields the rows as those of a candidate."""
        codes: list[str | None] = [*self.codes, None]
        for shop_no, since, rank in zip(*(column.tolist() for column in self.rows), strict=True):
            yield KeptRank(place, shop_no, instant_of(since), codes[rank])

    def places_at(self, shops: Integers, instants: Integers) -> Integers:
        """The row that held of each shop at its instant; -1 of none."""
        return newest_by(*span_of(self.shops, shops), self.since, instants)

    def ranks_at(self, shops: Integers, instant: datetime) -> list[str | None]:
        """The rank that each shop held at an instant."""
        places = self.places_at(shops, np.full(shops.size, microseconds([instant])[0]))
        codes: list[str | None] = [*self.codes, None]
        return [codes[number] for number in np.where(places >= 0, np.append(self.rank, -1)[places], -1).tolist()]


class RanksInArrays:
    """Those ranks as a plan knows them; ``replaying.RanksUnder``."""

    def __init__(self, plan: Plan, given: GivenRanks) -> None:
        self._plan, self._given = plan, given
        known = [plan.rank_index(known_rank(plan, code)) for code in (*given.codes, None)]
        self._ranks = np.append(np.array(known, np.int64)[given.rank], known[-1])

    def load(self, shops: Sequence[int]) -> None:
        """All shops are there."""

    def rank_of(self, shop_no: int, instant: datetime) -> str:
        """The rank of a shop at an instant."""
        instants = np.array(microseconds([instant]), np.int64)
        return self._plan.ranks[int(self._ranks[self._given.places_at(np.array([shop_no]), instants)][0])].code

    def of_columns(self, shop_no: Integers, paid_at: Integers) -> Integers:
        """Reads ``RanksUnder.of_columns``; places where nobody stands have the lowest rank."""
        is_somebody = shop_no != NOBODY
        instants = np.broadcast_to(paid_at, shop_no.shape)
        ranks = np.full(shop_no.shape, self._ranks[-1])
        ranks[is_somebody] = self._ranks[self._given.places_at(shop_no[is_somebody], instants[is_somebody])]
        return ranks
