"""Exact arithmetic: ratios, rounding, sharing out."""

from __future__ import annotations

import pytest

from distrib.domain.money import parse_ratio, round_ratio, scale_down, show_ratio


@pytest.mark.parametrize(
    "text", ["0.1234567", "1.000001", "-0.1", "+0.1", ".5", "0.", "1e-2", " 0.1", "10", "", "NaN", "٠.١", "0,1", "00.1"]
)
def test_a_ratio_is_a_plain_decimal_from_0_to_1_with_six_decimals_at_most(text: str) -> None:
    with pytest.raises(ValueError, match=r"must (look like|be from)"):
        parse_ratio(text)


@pytest.mark.parametrize("value", [0.1, 1, True, None, [], {}, b"0.1"])
def test_a_ratio_is_never_anything_but_text(value: object) -> None:
    with pytest.raises(ValueError, match="decimal string"):
        parse_ratio(value)


@pytest.mark.parametrize(("text", "ppm"), [("0", 0), ("1", 1_000_000), ("0.000001", 1), ("0.30", 300_000)])
def test_a_ratio_is_read_exactly_and_shown_as_short_as_it_goes(text: str, ppm: int) -> None:
    assert parse_ratio(text) == ppm
    assert parse_ratio(show_ratio(ppm)) == ppm


def test_an_unknown_rounding_is_an_error_and_not_a_default() -> None:
    with pytest.raises(ValueError, match="unknown rounding"):
        round_ratio(1, 2, "up")


def test_the_units_left_over_go_to_the_largest_remainders_and_ties_to_the_smaller_key() -> None:
    assert scale_down([1, 1, 1], 2, [(2,), (0,), (1,)]) == [0, 1, 1]
    assert scale_down([5, 3, 3], 10, [(0,), (1,), (2,)]) == [4, 3, 3]


def test_nothing_shared_out_among_nothing_is_nothing() -> None:
    assert scale_down([0, 0], 0, [(0,), (1,)]) == [0, 0]
