"""Sums of cells and of orders are exact where 64 bits would not carry them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distrib.columns.history.counting import CountedRows, numbered, stable_order, sums_of_cells, widened
from distrib.services.simulations.figures import entries_of

LARGE = 2**61


def test_sums_beyond_64_bits_are_exact() -> None:
    amounts = np.array([LARGE, LARGE, LARGE, LARGE, -1])
    keys = [np.array([0, 0, 0, 0, 1]), np.array([1, 1, 1, 1, 0])]
    assert sums_of_cells(keys, [2, 2], amounts) == {(0, 1): 4 * LARGE, (1, 0): -1}
    assert sums_of_cells(keys, [2, 2**40], amounts) == {(0, 1): 4 * LARGE, (1, 0): -1}
    assert widened(amounts[:1]).dtype == np.int64


def rows(order: list[int], rule: list[int], shop_no: list[int], amount_minor: list[int]) -> CountedRows:
    columns = [np.array(column, np.int64) for column in (order, rule, shop_no, amount_minor)]
    nothing = np.zeros(len(order), np.int64)
    return CountedRows(columns[0], columns[1], nothing, nothing, columns[2], columns[3], nothing > 0, nothing, nothing)


def test_entries_of_an_order_stand_where_each_first_stands_and_shops_may_have_any_number() -> None:
    for shop in (7, 2**60):
        entries = entries_of(rows([0, 0, 0, 2, 2], [1, 0, 1, 0, 0], [shop, 3, shop, 3, 4], [5, 1, LARGE * 2 - 5, 1, 1]))
        assert entries.order.tolist() == [0, 0, 2, 2]
        assert entries.rule.tolist() == [1, 0, 0, 0]
        assert entries.shop_no.tolist() == [shop, 3, 3, 4]
        assert [int(minor) for minor in entries.amount_minor] == [2 * LARGE, 1, 1, 1]


@given(st.lists(st.integers(0, 9) | st.integers(0, 2**63 - 1)))
def test_equal_keys_stand_in_order_as_they_stood(keys: list[int]) -> None:
    assert stable_order(np.array(keys, np.int64)).tolist() == sorted(range(len(keys)), key=keys.__getitem__)


@given(st.lists(st.integers(-9, 9) | st.integers(-(2**62), 2**62)))
def test_values_are_numbered_in_their_order_however_far_apart_they_lie(values: list[int]) -> None:
    known, of = numbered(np.array(values, np.int64))
    assert known.tolist() == sorted({*values})
    assert known[of].tolist() == values
