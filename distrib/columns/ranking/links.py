"""Who stood below whom, and above, at any instant: dated links in arrays."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np

from distrib.columns.ranking.spans import Pairs, each_of, once, span_of
from distrib.columns.tree import Integers

_LAST: Final = np.iinfo(np.int64).max


def newest_by(begins: Integers, ends: Integers, since: Integers, instants: Integers) -> Integers:
    """The place of the newest row of each span by an instant; -1 where none had begun.

    Args:
        since: when each row began; ascending within a span.
    """
    of, places = each_of(begins, ends)
    begun = np.bincount(of[since[places] <= instants[of]], minlength=begins.size).astype(np.int64)
    return np.where(begun > 0, begins + begun - 1, -1)


def until_next(shops: Integers, since: Integers) -> Integers:
    """Until when each dated row holds: the beginning of the shop's next one.

    >>> until_next(np.array([3, 3, 4]), np.array([5, 9, 1])).tolist() == [9, _LAST, _LAST]
    True
    """
    until = np.full(shops.size, _LAST)
    goes_on = np.flatnonzero(shops[1:] == shops[:-1])
    until[goes_on] = since[goes_on + 1]
    return until


class SponsorLinks:
    """Every link there ever was.

    Args:
        sponsors: 0 of a root.
    """

    def __init__(self, shops: Integers, since: Integers, seq: Integers, sponsors: Integers) -> None:
        turns = np.lexsort((seq, since, shops))
        self.shops, self.since, self.sponsors = shops[turns], since[turns], sponsors[turns]
        until = until_next(self.shops, self.since)
        below = np.argsort(self.sponsors, kind="stable")
        below = below[self.sponsors[below] > 0]
        self._above, self._below = self.sponsors[below], self.shops[below]
        self._below_since, self._below_until = self.since[below], until[below]

    def sponsors_at(self, shops: Integers, instants: Integers) -> Integers:
        """The sponsor of each shop at its instant; 0 where it has none."""
        places = newest_by(*span_of(self.shops, shops), self.since, instants)
        return np.where(places >= 0, np.append(self.sponsors, 0)[places], 0)

    def team(self, above: Pairs, levels: int, tree_at: Integers, to_at: Integers) -> Pairs:
        """Whoever stood within so many levels below those shops at any time from ``tree_at`` to ``to_at``, each once.

        Args:
            above: looks with a shop each, and ``tree_at`` and ``to_at`` those of the looks.
        """
        parts, reached, is_still = [], above, True
        for _ in range(levels):
            of, places = each_of(*span_of(self._above, reached.shops))
            looks = reached.looks[of]
            since, until = self._below_since[places], self._below_until[places]
            holds = (since <= to_at[looks]) & (until > tree_at[looks])
            # Where nobody moved meanwhile everybody stands below one alone, and on one level.
            is_still = is_still and bool(((since <= tree_at[looks]) & (until > to_at[looks]))[holds].all())
            reached = Pairs(looks[holds], self._below[places[holds]])
            reached = reached if is_still else once(reached)
            parts.append(reached)
        if levels == 1:
            return parts[0]
        team = Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        return team if is_still else once(team)

    def most_below(self, shops: Integers, levels: int) -> Integers:
        """At most how many pairs the team of each shop comes to."""
        while len(self._sizes) < levels:
            own = np.append(np.int64(0), np.cumsum(figures_of(self._recruiters, self._sizes[-1], self._below)))
            begins, ends = span_of(self._above, self._recruiters)
            self._sizes.append(own[ends] - own[begins])
        most = np.zeros(shops.size, np.int64)
        for sizes in self._sizes[:levels]:
            most += figures_of(self._recruiters, sizes, shops)
        return most

    @cached_property
    def _recruiters(self) -> Integers:
        return np.unique(self._above)

    @cached_property
    def _sizes(self) -> list[Integers]:
        """Of each recruiter how many links lead down, by level."""
        begins, ends = span_of(self._above, self._recruiters)
        return [ends - begins]


def figures_of(shops: Integers, figures: Integers, wanted: Integers) -> Integers:
    """The figure of each wanted shop among ascending ones; 0 of others.

    >>> figures_of(np.array([3, 5]), np.array([30, 50]), np.array([5, 4])).tolist()
    [50, 0]
    """
    places = np.searchsorted(shops, wanted)
    is_known = np.append(shops, -1)[places] == wanted
    return np.where(is_known, np.append(figures, 0)[places], 0)
