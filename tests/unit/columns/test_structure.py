"""Trees in arrays: persons, levels, sums, whatever the order of the rows and the depth."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distrib.columns.structure import NONE, Forest, ShopFigures, Trees, Whole, measure_below, measure_trees, plant

NOTHING = (np.array([], np.int64), np.array([], np.int64))


def forest_of(*sponsors: int) -> Forest:
    """Shops numbered from 1; each names its sponsor, 0 for none."""
    return plant(np.arange(1, len(sponsors) + 1), np.array(sponsors, np.int64))


def trees_of(forest: Forest, **pulled: tuple[Whole, Whole]) -> Trees:
    names = (
        "sales_minor",
        "retail_minor",
        "entry_minor",
        "recent_entry_minor",
        "direct_minor",
        "indirect_minor",
        "buyers",
    )
    return measure_trees(forest, ShopFigures(**{name: pulled.get(name, NOTHING) for name in names}))


def shape(trees: Trees) -> list[tuple[int, int]]:
    return list(zip(trees.persons.tolist(), trees.levels.tolist(), strict=True))


def test_a_root_with_29_children_is_30_persons_in_2_levels() -> None:
    assert shape(trees_of(forest_of(0, *[1] * 29))) == [(30, 2)]


def test_a_root_with_28_children_and_a_grandchild_is_30_persons_in_3_levels() -> None:
    assert shape(trees_of(forest_of(0, *[1] * 28, 2))) == [(30, 3)]


def test_29_persons_in_3_levels_are_29() -> None:
    assert shape(trees_of(forest_of(0, *[1] * 27, 2))) == [(29, 3)]


def test_a_chain_of_51_levels_has_51_persons() -> None:
    assert shape(trees_of(forest_of(*range(51)))) == [(51, 51)]


def test_a_buyer_is_no_node_and_stands_beside() -> None:
    trees = trees_of(forest_of(0, 1), buyers=(np.array([2]), np.array([1])))
    assert shape(trees) == [(2, 2)]
    assert (trees.buyers.tolist(), trees.levels_with_buyers.tolist()) == ([1], [3])


def test_figures_of_shops_add_up_to_their_trees_and_strangers_are_left_out() -> None:
    figures = (np.array([2, 3, 4, 99]), np.array([10, 10**15, 7, 5]))
    trees = trees_of(forest_of(0, 1, 0, 3), sales_minor=figures)
    assert (trees.roots.tolist(), trees.sales_minor.tolist()) == ([1, 3], [10, 10**15 + 7])


def test_a_program_without_shops_has_no_trees() -> None:
    assert shape(trees_of(plant(*NOTHING))) == []


def test_a_sponsor_who_is_not_there_leaves_a_root() -> None:
    assert shape(trees_of(forest_of(0, 77))) == [(1, 1), (1, 1)]


@given(st.lists(st.integers(0, 30), max_size=30), st.randoms(use_true_random=False))
def test_levels_and_persons_are_those_of_walking_up(picks: list[int], dice: object) -> None:
    sponsors = [pick % place if place else NONE for place, pick in enumerate(picks)]
    numbers = list(range(1, len(sponsors) + 1))
    rows = list(zip(numbers, sponsors, strict=True))
    dice.shuffle(rows)  # type: ignore[attr-defined]
    forest = plant(np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64))
    for number, level, root in zip(numbers, forest.levels.tolist(), forest.root_places.tolist(), strict=True):
        chain = [number]
        while sponsors[chain[-1] - 1]:
            chain.append(sponsors[chain[-1] - 1])
        assert (level, root + 1) == (len(chain), chain[-1])


def test_a_million_shops_in_one_chain_take_a_few_passes_and_not_a_walk_each() -> None:
    trees = trees_of(plant(np.arange(1, 1_000_001), np.arange(0, 1_000_000)))
    assert shape(trees) == [(1_000_000, 1_000_000)]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40), st.randoms())
def test_below_every_shop_stand_those_whose_chain_it_is_in(draws: list[int], random: Random) -> None:
    sponsors = {number: draw % number for number, draw in enumerate(draws, 1)}
    numbers = random.sample(sorted(sponsors), len(sponsors))
    forest = plant(np.array(numbers, np.int64), np.array([sponsors[number] for number in numbers], np.int64))
    expected = {number: [0, 0] for number in sponsors}
    for number in sponsors:
        level, above = 1, number
        while above != NONE:
            expected[above] = [expected[above][0] + 1, max(expected[above][1], level)]
            level, above = level + 1, sponsors[above]
    persons, levels = measure_below(forest)
    rows = zip(forest.numbers.tolist(), persons.tolist(), levels.tolist(), strict=True)
    assert {number: [count, height] for number, count, height in rows} == expected


def test_below_nobody_stands_nobody() -> None:
    persons, levels = measure_below(forest_of())
    assert (persons.tolist(), levels.tolist()) == ([], [])
