"""The dated ranks of all shops in arrays, which grow as ranks are decided. Ranks and causes are numbers here."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from distrib.columns.ranking.links import newest_by, until_next
from distrib.columns.ranking.spans import each_of, span_of
from distrib.columns.tree import Integers, Truths

NO_INSTANT: Final = np.iinfo(np.int64).min
"""In place of when a rank was earned, where its row does not say."""


class RankColumns(NamedTuple):
    """Rows of ranks.

    Attributes:
        seq: which was written after which.
        rank: by its number; below 0: none.
        earned_at: of promotions by figures, as of when they carried the shop, to which rank (``earned``).
    """

    shops: Integers
    since: Integers
    seq: Integers
    rank: Integers
    cause: Integers
    earned_at: Integers
    earned: Integers

    @staticmethod
    def none() -> RankColumns:
        """No row."""
        return RankColumns(*(np.zeros(0, np.int64) for _ in RankColumns._fields))

    def among(self, which: Truths | Integers) -> RankColumns:
        """Some of the rows."""
        return RankColumns(*(column[which] for column in self))

    def in_order(self) -> RankColumns:
        """The rows by shop, in the order in which they hold."""
        return self.among(np.lexsort((self.seq, self.since, self.shops)))


class DatedRanks:
    """The rows of all shops, by shop and in the order in which they hold."""

    def __init__(self, rows: RankColumns) -> None:
        self.rows = rows.in_order()

    @property
    def newest_seq(self) -> int:
        """The number of the row that was written last; 0 where there is none."""
        return int(self.rows.seq.max(initial=0))

    def add(self, rows: RankColumns) -> None:
        """Adds rows that are written after all others; of a shop's at one instant the later written holds."""
        new, known = rows.in_order(), self.rows
        begins, ends = span_of(known.shops, new.shops)
        of, places = each_of(begins, ends)
        before = np.bincount(of[known.since[places] <= new.since[of]], minlength=new.shops.size)
        behind = begins + before
        self.rows = RankColumns(*(np.insert(own, behind, more) for own, more in zip(known, new, strict=True)))

    def of_shops(self, shops: Integers) -> RankColumns:
        """The rows of ascending shops."""
        _, places = each_of(*span_of(self.rows.shops, shops))
        return self.rows.among(places)

    def newest(self, which: Truths, instant: int) -> RankColumns:
        """Of each shop the newest of some rows by an instant."""
        rows = self.rows.among(which & (self.rows.since <= instant))
        return rows.among(np.append(rows.shops[1:] != rows.shops[:-1], True)[: rows.shops.size])

    def held_at(self, shops: Integers, instants: Integers) -> Integers:
        """The rank, by its number, that each shop held at its instant; below 0 of none."""
        places = newest_by(*span_of(self.rows.shops, shops), self.rows.since, instants)
        return np.where(places >= 0, np.append(self.rows.rank, -1)[places], -1)

    def held_any(self, shops: Integers, since: Integers, until: Integers, asked: Integers) -> Truths:
        """Which shops held one of the ranks asked for at any time from an instant to another, both included."""
        begins, ends = span_of(self.rows.shops, shops)
        of, places = each_of(begins, ends)
        rows = self.rows.among(places)
        # A span begins with its shop's first row and ends with its last, so that the next row is the shop's next.
        ends_at = until_next(of, rows.since)
        holds = (rows.since <= until[of]) & (ends_at > since[of]) & np.isin(rows.rank, asked)
        held = np.zeros(shops.size, np.bool_)
        held[of[holds]] = True
        return held
