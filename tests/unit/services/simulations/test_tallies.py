"""Sums by shop: exact however large they grow."""

from __future__ import annotations

from distrib.services.simulations.shop_sums import ShopSums


def test_sums_of_many_shops_stay_apart_and_grow_beyond_64_bits() -> None:
    sums = ShopSums(2)
    sums.add({(0, shop_no): shop_no for shop_no in range(3_000)})
    for _ in range(20):
        sums.add({(1, 7): 10**18, (0, 7): -1})
    sums.add({})
    assert len(sums.shops()) == 3_000
    place = sums.shops().index(7)
    assert (sums.side(0)[place], sums.side(1)[place]) == (7 - 20, 20 * 10**18)
    assert sum(sums.side(0)) == sum(range(3_000)) - 20
