"""Sums by shop: exact however large they grow."""

from __future__ import annotations

import pytest

from distrib.services.simulations import shop_sums
from distrib.services.simulations.shop_sums import ShopSums


def test_sums_of_many_shops_stay_apart_and_grow_beyond_64_bits() -> None:
    sums = ShopSums(2)
    sums.add({(0, shop_no): shop_no for shop_no in range(3_000)})
    for _ in range(20):
        sums.add({(1, 7): 10**18, (0, 7): -1})
    sums.add({})
    assert sums.shops.tolist() == list(range(3_000))
    assert (sums.side(0)[7], sums.side(1)[7]) == (7 - 20, 20 * 10**18)
    assert sum(sums.side(0)) == sum(range(3_000)) - 20


def test_pages_have_the_shops_with_anything_on_any_side_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop_sums, "SHOPS_A_PAGE", 2)
    sums = ShopSums(2)
    sums.add({(0, 9): 5, (1, 3): 1, (0, 4): 7, (0, 2): 2**62, (1, 2): 2**62})
    sums.add({(0, 4): -7, (0, 1): 6})
    pages = list(sums.pages())
    assert [page.shop_no.tolist() for page in pages] == [[1, 2], [3], [9]]
    assert [page.sums_minor.tolist() for page in pages] == [[[6, 0], [2**62, 2**62]], [[0, 1]], [[5, 0]]]
