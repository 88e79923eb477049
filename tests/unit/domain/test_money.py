"""Exact arithmetic: ratios, rounding, sharing out."""

from __future__ import annotations

import pytest

from distrib.domain.money import RatioInvalid, half_of, parse_ratio, round_ratio, scale_down, show_ratio
from distrib.languages import render_both


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (0.1, 'must be a decimal string such as "0.125" / 必须是十进制字符串，例如 "0.125"'),
        ("1.5", "must be from 0 to 1 / 必须在 0 到 1 之间"),
        ("9", "must be from 0 to 1 / 必须在 0 到 1 之间"),
        ("0.1234567", 'must look like "0.125", with at most six decimals / 须形如 "0.125"，最多六位小数'),
    ],
)
def test_what_is_no_ratio_is_told_in_both_languages(text: object, words: str) -> None:
    with pytest.raises(RatioInvalid) as caught:
        parse_ratio(text)
    assert render_both(caught.value.right) == words


@pytest.mark.parametrize(
    ("numerator", "denominator", "half_up", "half_even", "down"),
    [
        (0, 10, 0, 0, 0),
        (4, 10, 0, 0, 0),
        (5, 10, 1, 0, 0),
        (6, 10, 1, 1, 0),
        (15, 10, 2, 2, 1),
        (25, 10, 3, 2, 2),
        (35, 10, 4, 4, 3),
        (1, 3, 0, 0, 0),
        (2, 3, 1, 1, 0),
        (3, 3, 1, 1, 1),
        (7, 1, 7, 7, 7),
    ],
)
def test_each_rounding_rounds_as_its_name_says(
    numerator: int, denominator: int, half_up: int, half_even: int, down: int
) -> None:
    rounded = [round_ratio(numerator, denominator, rounding) for rounding in ("half_up", "half_even", "down")]
    assert rounded == [half_up, half_even, down]


@pytest.mark.parametrize("rounding", ["half_up", "half_even", "down"])
def test_a_half_to_add_rounds_as_the_rounding_does_wherever_there_is_one(rounding: str) -> None:
    halves = {denominator: half_of(denominator, rounding) for denominator in range(1, 9)}
    for denominator, half in halves.items():
        if half is not None:
            assert all((n + half) // denominator == round_ratio(n, denominator, rounding) for n in range(30))
    assert [denominator for denominator, half in halves.items() if half is not None] == {
        "half_up": [2, 4, 6, 8],
        "half_even": [],
        "down": [1, 2, 3, 4, 5, 6, 7, 8],
    }[rounding]
