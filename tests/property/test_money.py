"""Laws of exact arithmetic, against decimal and fractions."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.money import MAX_MINOR, PPM, parse_ratio, round_ratio, scale_down, show_ratio

DECIMAL_ROUNDINGS = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


@given(st.integers(0, MAX_MINOR), st.integers(0, PPM), st.sampled_from(sorted(DECIMAL_ROUNDINGS)))
def test_a_share_is_rounded_as_decimal_rounds_it(amount: int, rate_ppm: int, rounding: str) -> None:
    with localcontext(prec=60):
        expected = (Decimal(amount) * rate_ppm / PPM).quantize(Decimal(1), DECIMAL_ROUNDINGS[rounding])
    assert round_ratio(amount * rate_ppm, PPM, rounding) == expected


@given(st.integers(0, 10**30), st.integers(1, 10**12), st.sampled_from(sorted(DECIMAL_ROUNDINGS)))
def test_rounding_is_never_further_off_than_it_may_be(numerator: int, denominator: int, rounding: str) -> None:
    off = Fraction(numerator, denominator) - round_ratio(numerator, denominator, rounding)
    if rounding == "down":
        assert 0 <= off < 1
    else:
        assert abs(off) <= Fraction(1, 2)


@given(st.integers(0, PPM))
def test_every_ratio_is_read_back_as_it_was_shown(rate_ppm: int) -> None:
    assert parse_ratio(show_ratio(rate_ppm)) == rate_ppm


@given(st.text() | st.from_regex(r"[0-2]\.?[0-9]{0,7}", fullmatch=True))
def test_any_text_is_a_ratio_or_a_clear_error(text: str) -> None:
    if is_ratio(text):
        assert 0 <= parse_ratio(text) <= PPM
    else:
        with pytest.raises(ValueError, match=r"^must "):
            parse_ratio(text)


def is_ratio(text: str) -> bool:
    """The rule of the plan language, said in another way."""
    whole, point, part = text.partition(".")
    digits = text.isascii() and whole.isdigit() and len(whole) == 1 and (not point or part.isdigit()) and len(part) <= 6
    return digits and Decimal(text) <= 1


@given(st.lists(st.integers(0, MAX_MINOR), min_size=1, max_size=30), st.data())
def test_what_is_scaled_down_adds_up_exactly_and_each_is_within_one_of_its_share(
    amounts: list[int], data: st.DataObject
) -> None:
    total = data.draw(st.integers(0, sum(amounts)))
    ties = [(i,) for i in range(len(amounts))]
    shares = scale_down(amounts, total, ties)
    assert sum(shares) == total
    for amount, share in zip(amounts, shares, strict=True):
        assert 0 <= share <= amount
        assert sum(amounts) == 0 or abs(share - Fraction(amount * total, sum(amounts))) < 1
