"""Payees that stand more than once in a tree, in arrays: the same as walking from shop to shop finds."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distrib.columns.payees import find_shared
from distrib.columns.structure import plant


def shared_of(sponsors: list[int], payees: dict[int, int]) -> list[tuple[list[int], int]]:
    """The shops of each shared payee, and how many stand below another; shops are numbered from 1, 0 is no sponsor."""
    forest = plant(np.arange(1, len(sponsors) + 1), np.array(sponsors, np.int64))
    found = find_shared(forest, np.array(list(payees), np.int64), np.array(list(payees.values()), np.int64))
    return [
        (found.members[start : start + count].tolist(), below)
        for start, count, below in zip(found.starts.tolist(), found.counts.tolist(), found.below.tolist(), strict=True)
    ]


def test_without_payees_or_shops_nothing_is_shared() -> None:
    assert shared_of([], {}) == []
    assert shared_of([0, 1], {}) == []
    assert shared_of([0], {9: 1}) == [], "a shop that had not joined"


def test_the_worst_come_first_and_their_shops_from_the_root_down() -> None:
    sponsors = [0, 1, 2, 1, 1, 1, 0, 7]
    payees = {6: 1, 5: 1, 4: 1, 3: 2, 1: 2, 8: 3, 7: 3}
    assert shared_of(sponsors, payees) == [([1, 3], 1), ([7, 8], 1), ([4, 5, 6], 0)]


def walked(sponsors: list[int], payees: dict[int, int]) -> list[tuple[list[int], int]]:
    """The same by walking up from every shop."""

    def above(shop: int) -> list[int]:
        chain = []
        while (shop := sponsors[shop - 1]) != 0:
            chain.append(shop)
        return chain

    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for shop, payee in payees.items():
        groups[((above(shop) or [shop])[-1], payee)].append(shop)
    found = []
    for shops in groups.values():
        if len(shops) > 1:
            shops.sort(key=lambda shop: (len(above(shop)), shop))
            found.append((shops, sum(1 for shop in shops if any(higher in shops for higher in above(shop)))))
    return sorted(found, key=lambda group: (-group[1], -len(group[0]), group[0][0]))


@given(st.data())
def test_arrays_find_what_walking_from_shop_to_shop_finds(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 14))
    sponsors = [data.draw(st.integers(0, place)) for place in range(size)]
    payees = data.draw(st.dictionaries(st.integers(1, size), st.integers(1, 4)))
    assert shared_of(sponsors, payees) == walked(sponsors, payees)
