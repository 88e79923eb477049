"""The largest part of a tree that fits a picture, and how many shops hang from each that is drawn and are not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from distrib.columns.structure import Forest, Whole, measure_below


class OutlineNode(NamedTuple):
    """A shop of a picture: its number, the place of the one above in the picture (-1 of the root), and its level.

    ``persons`` counts it and all below it; ``more`` are the shops below it that are not drawn.
    """

    number: int
    above: int
    level: int
    persons: int
    more: int


def outline_of(forest: Forest, root_no: int, most: int) -> list[OutlineNode]:
    """Picks up to ``most`` shops of a tree, the root first, each after its sponsor.

    The way down to a deepest shop, up to half of them; the shops with the most persons below them, up to two thirds
    where there are others; and of those that have nobody below them the deepest whose sponsors are drawn. A sponsor has
    more persons than any shop below it, so it is never left out before one of those.

    >>> from distrib.columns.structure import plant
    >>> forest = plant(np.array([1, 2, 3, 4, 5, 6]), np.array([0, 1, 2, 1, 1, 2]))
    >>> [(node.number, node.above, node.persons, node.more) for node in outline_of(forest, 1, 4)]
    [(1, -1, 6, 2), (2, 0, 3, 0), (3, 1, 1, 0), (6, 1, 1, 0)]
    """
    [root_place] = forest.places_of(np.array([root_no]))
    places = np.flatnonzero(forest.root_places == root_place)
    persons, _ = measure_below(forest)
    drawn = _chosen(forest, places, persons, most)
    index_of = {place: index for index, place in enumerate(drawn)}
    above = [index_of[int(forest.sponsor_places[place])] if index else -1 for index, place in enumerate(drawn)]
    more = [int(persons[place]) - 1 for place in drawn]
    for place, sponsor in zip(drawn[1:], above[1:], strict=True):
        more[sponsor] -= int(persons[place])
    return [
        OutlineNode(int(forest.numbers[place]), sponsor, int(forest.levels[place]), int(persons[place]), left_out)
        for place, sponsor, left_out in zip(drawn, above, more, strict=True)
    ]


def _chosen(forest: Forest, places: Whole, persons: Whole, most: int) -> list[int]:
    """The places that are drawn, by level, larger trees first."""
    deepest = int(places[np.argmax(forest.levels[places])])
    with_others = places[persons[places] > 1]
    order = np.lexsort((forest.numbers[with_others], forest.levels[with_others], -persons[with_others]))
    largest = with_others[order][:most].tolist()
    alone = places[persons[places] == 1]
    alone = alone[np.lexsort((forest.numbers[alone], -forest.levels[alone]))]
    chosen = dict.fromkeys(_way_down(forest, deepest)[: max(1, most // 2)])
    for place in largest:
        if len(chosen) < 2 * most // 3:
            chosen[place] = None
    for place in (*_below(forest, alone, chosen), *largest, *_below(forest, alone, largest)):
        if len(chosen) < most:
            chosen[place] = None
    return sorted(chosen, key=lambda place: (forest.levels[place], -persons[place], forest.numbers[place]))


def _below(forest: Forest, places: Whole, sponsors: Iterable[int]) -> list[int]:
    """Of the places those that stand directly below one of the sponsors."""
    below: list[int] = places[np.isin(forest.sponsor_places[places], list(sponsors))].tolist()
    return below


def _way_down(forest: Forest, place: int) -> list[int]:
    """The places from the root down to a shop."""
    way = [place]
    while forest.levels[way[-1]] > 1:
        way.append(int(forest.sponsor_places[way[-1]]))
    return way[::-1]
