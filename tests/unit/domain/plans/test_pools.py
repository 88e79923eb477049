"""Pools: what there is to share, and how it divides to the unit."""

from __future__ import annotations

from fractions import Fraction

import pytest

from distrib.domain.plans.pools import Pool, share_pool, sum_in_pairs

BY_RANK = Pool("managers", 20_000, {"w1": 1, "w2": 2, "w3": 3, "none": 0})


def test_a_pool_is_its_share_of_the_base_rounded_down() -> None:
    assert BY_RANK.amount_of(99) == 1
    assert BY_RANK.amount_of(49) == 0
    everything = Pool("all", 1_000_000, {"w1": 1})
    assert [everything.amount_of(base_minor) for base_minor in (-5, 0, 1)] == [0, 0, 1]


@pytest.mark.parametrize("base_minor", [0, -1, -(10**12)])
def test_a_month_that_took_back_more_than_it_sold_has_an_empty_pool(base_minor: int) -> None:
    assert share_pool(base_minor, BY_RANK, {"a": "w1"}) == {"a": 0}


def test_units_that_are_left_go_to_the_largest_remainders() -> None:
    # 10 over 6 points: 1.67, 3.33 and 5
    assert share_pool(500, BY_RANK, {"a": "w1", "b": "w2", "c": "w3"}) == {"a": 2, "b": 3, "c": 5}


def test_of_equal_remainders_the_smaller_shop_id_comes_first_by_code_point() -> None:
    holders = dict.fromkeys(["é", "b", "B", "10", "9"], "w1")
    assert share_pool(100, BY_RANK, holders) == {"10": 1, "9": 1, "B": 0, "b": 0, "é": 0}


def test_the_shares_do_not_depend_on_the_order_of_the_holders() -> None:
    holders = {"a": "w1", "b": "w2", "c": "w2", "d": "w3"}
    turned = dict(reversed(holders.items()))
    assert list(share_pool(777, BY_RANK, holders).items()) == list(share_pool(777, BY_RANK, turned).items())


def test_who_holds_no_rank_of_the_pool_takes_no_part() -> None:
    assert share_pool(5_000, BY_RANK, {"a": "w1", "b": "other", "c": "none"}) == {"a": 100}


def test_a_pool_that_nobody_shares_is_not_paid() -> None:
    assert share_pool(5_000, BY_RANK, {"b": "other"}) == {}


@pytest.mark.parametrize("count", range(6))
def test_fractions_are_added_up_exactly_however_many_there_are(count: int) -> None:
    parts = [Fraction(1, 3 + place) for place in range(count)]
    assert sum_in_pairs(parts) == sum(parts, Fraction())
