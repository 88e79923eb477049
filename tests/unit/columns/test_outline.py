"""The part of a tree that is drawn hangs together, holds the deepest way, and says how many are left out."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from distrib.columns.outline import outline_of
from distrib.columns.structure import Forest, plant


def random_forest(dice: Random, shops: int, bend: float) -> Forest:
    """Trees grown shop by shop; the higher ``bend``, the more stand near the first."""
    sponsors = [0] + [1 + int(dice.random() ** bend * number) for number in range(1, shops)]
    return plant(np.arange(1, shops + 1), np.array(sponsors))


@pytest.mark.parametrize("bend", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("shops", [1, 5, 36, 900])
def test_an_outline_is_a_part_of_the_tree_that_counts_everybody(shops: int, bend: float) -> None:
    forest = random_forest(Random(shops), shops, bend)
    nodes = outline_of(forest, 1, 36)
    assert (nodes[0].number, nodes[0].above, nodes[0].persons) == (1, -1, shops)
    assert len(nodes) == min(36, shops)
    assert len({node.number for node in nodes}) == len(nodes)
    for place, node in enumerate(nodes[1:], 1):
        assert node.above < place
        sponsor = forest.numbers[forest.sponsor_places[forest.places_of(np.array([node.number]))[0]]]
        assert (nodes[node.above].number, nodes[node.above].level) == (sponsor, node.level - 1)
    assert sum(node.more for node in nodes) + len(nodes) == shops
    assert min(node.more for node in nodes) >= 0
    deepest = int(forest.levels.max())
    assert deepest > 18 or max(node.level for node in nodes) == deepest


def test_an_outline_of_a_line_is_its_upper_end_and_what_hangs_below_it() -> None:
    nodes = outline_of(plant(np.arange(1, 101), np.arange(100)), 1, 36)
    assert [node.level for node in nodes] == list(range(1, len(nodes) + 1))
    assert nodes[-1].more == 100 - len(nodes)
