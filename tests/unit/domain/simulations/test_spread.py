"""How a change of plan spreads over shops: counted once each, exact, rounded down."""

from __future__ import annotations

import pytest

from distrib.domain.simulations.spread import QUANTILES, Spread, share_of, spread_of


def test_every_shop_is_counted_once_as_gaining_losing_or_as_it_was() -> None:
    spread = spread_of([-6, -1, -1, 0, 0, 0, 1], 2)
    assert (spread.shops, spread.gaining, spread.losing, spread.unchanged) == (7, 1, 3, 3)
    assert (spread.gained_minor, spread.lost_minor, spread.to_zero) == (1, -8, 2)


def test_a_hundred_shops_have_a_hundredth_of_one_and_a_tenth_of_ten_that_gain_most() -> None:
    spread = spread_of(list(range(100)), 0)
    assert spread.top_hundredth_ppm == 99 * 1_000_000 // 4_950
    assert spread.top_tenth_ppm == sum(range(90, 100)) * 1_000_000 // 4_950
    assert spread.quantiles == [(share, max(share // 10_000 - 1, 0)) for share in QUANTILES]
    assert spread_of([1] * 101, 0).top_hundredth_ppm == 2 * 1_000_000 // 101


def test_where_nobody_gains_nobody_has_a_share_and_nothing_has_no_quantiles() -> None:
    assert spread_of([], 0) == Spread(0, 0, 0, 0, 0, 0, 0, [], 0, 0)
    falling = spread_of([-5, -1], 1)
    assert (falling.top_hundredth_ppm, falling.top_tenth_ppm, falling.to_zero) == (0, 0, 1)


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [(1, 1, "1"), (0, 1, "0"), (-1, 2, "-0.5"), (-1, 10_000_000, "0"), (1, 0, None), (1, -1, None), (2, 3, "0.666666")],
)
def test_a_share_is_rounded_towards_zero_and_nothing_has_none(part: int, whole: int, share: str | None) -> None:
    assert share_of(part, whole) == share
