"""Figures of shops as of many instants, from files: what a promotion is looked at again by, once refunds are known.

Each look has its own instant, team and span. Shops of all teams are paired with their looks, and a month's facts are
found for all pairs at once; no more pairs with facts are held than ``MOST_AT_ONCE``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.ranking.spans import Pairs, each_of, once
from distrib.columns.tree import Integers, Truths, at_places
from distrib.domain.ranks.promotion import EARNINGS
from distrib.services.history.arrays import column_of, numbers, truths
from distrib.services.history.buying import BuyingPeople, codes_of
from distrib.services.history.dated import rows_until
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.net_facts import NetFacts, facts_of_month
from distrib.services.history.schema import ORDERS, REFERRALS, SHOPS
from distrib.store.copying import microseconds
from distrib.store.ranks.figures import FigureQuery

MOST_AT_ONCE: Final = 1_000_000
_EVER: Final = datetime.max.replace(tzinfo=UTC)
_LAST: Final = np.iinfo(np.int64).max


class _Links(NamedTuple):
    """Who stood below whom, by ascending number of the sponsor: from when on, and until when, not included."""

    sponsors: Integers
    shops: Integers
    since: Integers
    until: Integers


class _FoundFacts(NamedTuple):
    """Facts of pairs: at which places of the pairs and of the facts, and what was left of each then."""

    pairs: Integers
    facts: Integers
    net: Integers


_Matched = tuple[_FoundFacts, pa.Array]
"""Facts of pairs, with the customers of all facts among which they were found."""


class FileLooks:
    """The figures of a directory.

    Args:
        ranks: the rows of ranks that were there, with ``shop_no``, ``effective_at``, ``seq`` and ``rank``.
    """

    def __init__(self, directory: HistoryDirectory, ranks: pa.Table) -> None:
        self._directory, self._ranks = directory, ranks
        self._links = _links_of(directory)
        self._people = BuyingPeople.merged_by(directory, _EVER)

    def figures(self, name: str, levels: int, queries: Sequence[FigureQuery], ranks: Sequence[str] | None) -> list[int]:
        """Computes one figure for each query, with every refund that is known.

        Raises:
            ValueError: a query leaves out refunds, or asks for a team of another instant than that of its sales.
        """
        if not queries:
            return []
        if any(query.tree_at != query.to_at or query.back_at < self._directory.manifest.now for query in queries):
            raise ValueError("files are looked at with all refunds, as of the instant of the sales")
        shops = np.array([query.shop_no for query in queries], np.int64)
        since, until = (
            np.array(microseconds([getattr(query, end) for query in queries]), np.int64) for end in ("from_at", "to_at")
        )
        pairs = self._pairs(name, levels, shops, until, ranks)
        if name == "direct_recruits":
            return _counted(pairs.looks[self._joined_within(pairs, since, until)], len(queries))
        matched = self._matched(pairs, since, until, with_earnings=name == EARNINGS)
        return self._added_up(name, pairs, matched, len(queries))

    def _added_up(self, name: str, pairs: Pairs, matched: Iterator[_Matched], looks: int) -> list[int]:
        """What the facts that were found come to, look by look."""
        sums, count = np.zeros(looks, np.int64), np.zeros(looks, np.int64)
        active = np.zeros(pairs.looks.size, np.bool_)
        bought = [(np.zeros(0, np.int64), pa.array([], pa.string()))]
        for facts, customers in matched:
            of, is_left = pairs.looks[facts.pairs], facts.net > 0
            np.add.at(sums, of, facts.net)
            np.add.at(count, of, is_left.astype(np.int64))
            active[facts.pairs[is_left]] = True
            if name == "customers":
                buyers = customers.take(facts.facts[is_left])
                is_named = truths(pc.is_valid(buyers))
                bought.append((of[is_left][is_named], self._people.persons(buyers.filter(pa.array(is_named)))))
        if name == "active_recruits":
            return _counted(pairs.looks[active], looks)
        if name == "customers":
            return _different([of for of, _ in bought], [persons for _, persons in bought], looks)
        return [int(figure) for figure in (count if name == "personal_orders" else sums)]

    def _pairs(self, name: str, levels: int, shops: Integers, until: Integers, ranks: Sequence[str] | None) -> Pairs:
        """The shops that each look reads."""
        own = Pairs(np.arange(shops.size), shops)
        if name in ("direct_recruits", "active_recruits"):
            recruits = self._below(own, until)
            return recruits if ranks is None else self._holding(recruits, until, ranks)
        if not levels:
            return own
        team, reached = [], own
        for _ in range(levels):
            reached = self._below(reached, until)
            team.append(reached)
        return once(Pairs(*(np.concatenate(parts) for parts in zip(*team, strict=True))))

    def _below(self, above: Pairs, until: Integers) -> Pairs:
        """Whoever stood directly below those shops at the instants of their looks."""
        links = self._links
        begins, ends = (np.searchsorted(links.sponsors, above.shops, side) for side in ("left", "right"))
        of, places = each_of(begins, ends)
        looks = above.looks[of]
        holds = (links.since[places] <= until[looks]) & (until[looks] < links.until[places])
        return Pairs(looks[holds], links.shops[places[holds]])

    def _holding(self, pairs: Pairs, until: Integers, ranks: Sequence[str]) -> Pairs:
        """Those of the pairs whose shop held one of those ranks at the instant of its look."""
        shops, since, seq = (numbers(column_of(self._ranks, name)) for name in ("shop_no", "effective_at", "seq"))
        turns = np.lexsort((seq, since, shops))
        is_asked = truths(pc.is_in(column_of(self._ranks, "rank"), value_set=pa.array([*ranks], pa.string())))
        begins, ends = (np.searchsorted(shops[turns], pairs.shops, side) for side in ("left", "right"))
        of, places = each_of(begins, ends)
        come = since[turns[places]] <= until[pairs.looks[of]]
        newest = np.full(pairs.looks.size, -1, np.int64)
        np.maximum.at(newest, of[come], places[come])
        holds = newest >= 0
        holds[holds] = is_asked[turns[newest[holds]]]
        return Pairs(pairs.looks[holds], pairs.shops[holds])

    def _joined_within(self, pairs: Pairs, since: Integers, until: Integers) -> Truths:
        """Which of the pairs have a shop that joined within the span of its look."""
        joined = rows_until(self._directory, SHOPS, ["shop_no", "joined_at"], int(_LAST))
        shops, places = np.unique(pairs.shops, return_inverse=True)
        joined_at = at_places(shops, numbers(column_of(joined, "shop_no")), numbers(column_of(joined, "joined_at")))
        instants = joined_at[places]
        return np.asarray((instants >= since[pairs.looks]) & (instants <= until[pairs.looks]), np.bool_)

    def _matched(self, pairs: Pairs, since: Integers, until: Integers, *, with_earnings: bool) -> Iterator[_Matched]:
        """Yields the facts of the pairs within the spans of their looks, with the customers of all facts."""
        last, first = int(until.max()), int(since.min())
        for file in self._directory.manifest.files_of(ORDERS):
            start, end = self._directory.bounds(file.period)
            if start > last or (end <= first and not with_earnings):
                continue
            for facts in facts_of_month(self._directory, file.period, with_earnings=with_earnings):
                of_kind = facts.earned if with_earnings else facts.sales
                for matched in _of_pairs(of_kind, pairs, since, until):
                    yield matched, facts.customers


def _of_pairs(facts: NetFacts, pairs: Pairs, since: Integers, until: Integers) -> Iterator[_FoundFacts]:
    """Yields the facts of pairs, some pairs at a time."""
    turns = np.argsort(facts.shops, kind="stable")
    begins, ends = (np.searchsorted(facts.shops[turns], pairs.shops, side) for side in ("left", "right"))
    slots = np.cumsum(ends - begins) // MOST_AT_ONCE
    for slot in np.unique(slots).tolist():
        chosen = np.flatnonzero(slots == slot)
        of, places = each_of(begins[chosen], ends[chosen])
        of, places = chosen[of], turns[places]
        looks, instants = pairs.looks[of], facts.occurred_at[places]
        is_within = (instants >= since[looks]) & (instants <= until[looks])
        of, places = of[is_within], places[is_within]
        yield _FoundFacts(of, places, facts.minor[places] + _again(facts, places, until[pairs.looks[of]]))


def _again(facts: NetFacts, places: Integers, until: Integers) -> Integers:
    """What had come again of facts by instants."""
    turns = np.argsort(facts.again.places, kind="stable")
    begins, ends = (np.searchsorted(facts.again.places[turns], places, side) for side in ("left", "right"))
    of, again = each_of(begins, ends)
    sums, again = np.zeros(places.size, np.int64), turns[again]
    np.add.at(sums, of, facts.again.minor[again] * (facts.again.occurred_at[again] <= until[of]))
    return sums


def _links_of(directory: HistoryDirectory) -> _Links:
    """Every link with until when it held: until the shop's next one."""
    columns = ["shop_no", "effective_at", "seq", "sponsor_no"]
    rows = rows_until(directory, REFERRALS, columns, int(_LAST))
    shops, since, seq, sponsors = (numbers(column_of(rows, name), 0) for name in columns)
    turns = np.lexsort((seq, since, shops))
    shops, since, sponsors = shops[turns], since[turns], sponsors[turns]
    until = np.append(since[1:], _LAST)[: since.size]
    until[np.append(shops[1:] != shops[:-1], True)[: shops.size]] = _LAST
    order = np.argsort(sponsors, kind="stable")
    order = order[sponsors[order] > 0]
    return _Links(sponsors[order], shops[order], since[order], until[order])


def _counted(looks: Integers, count: int) -> list[int]:
    return [int(figure) for figure in np.bincount(looks, minlength=count)]


def _different(looks: Sequence[Integers], persons: Sequence[pa.Array], count: int) -> list[int]:
    """How many different persons each look has."""
    codes = codes_of(pa.concat_arrays(persons))
    return _counted(once(Pairs(np.concatenate(looks), codes)).looks, count)
