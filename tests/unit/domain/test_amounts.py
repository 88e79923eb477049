"""Amounts are read as they are shown, and nothing that is none is read as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.amounts import read_amount, show_amount, show_percent
from distrib.domain.money import PPM

CURRENCIES = st.sampled_from(["CNY", "JPY", "KWD", "CLF"])


@given(st.integers(0, 10**12), CURRENCIES)
def test_an_amount_that_is_shown_is_read_as_it_was(amount_minor: int, currency: str) -> None:
    assert read_amount(show_amount(amount_minor, currency), currency) == amount_minor


@pytest.mark.parametrize(
    "text", ["", " ", "-1", "+1", "1e3", "1.", ".5", "1,00", "1,0000", ",100", "1.001", "１", "0x1", "1 000", "9" * 17]
)
def test_what_is_no_amount_is_not_read_as_one(text: str) -> None:
    assert read_amount(text, "CNY") is None


def test_decimals_that_say_nothing_may_stand_there() -> None:
    assert read_amount(" 5.500 ", "CNY") == 550
    assert read_amount("5.0", "JPY") == 5


def test_a_percentage_ends_with_its_last_figure_and_a_whole_one_without_a_point() -> None:
    shown = [show_percent(ratio_ppm) for ratio_ppm in (0, 1, 10_000, 100_000, 125_000, PPM)]
    assert shown == ["0%", "0.0001%", "1%", "10%", "12.5%", "100%"]


@given(st.integers(0, PPM))
def test_a_percentage_says_every_part_per_million(ratio_ppm: int) -> None:
    whole, _, part = show_percent(ratio_ppm).removesuffix("%").partition(".")
    assert int(whole) * 10_000 + int(part.ljust(4, "0")) == ratio_ppm
