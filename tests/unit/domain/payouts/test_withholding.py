"""Withholding: the golden figures of the two Chinese methods, and laws that hold for every amount."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.payouts.withholding import (
    CUMULATIVE,
    CUMULATIVE_BRACKETS,
    PER_PAYMENT,
    PER_PAYMENT_BRACKETS,
    IncomeSoFar,
    cumulative_tax,
    months_unbroken,
    per_payment_tax,
    reporting_threshold_minor,
    tax_of_payment,
)

AMOUNTS = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("gross_minor", "tax_minor"),
    [
        (0, 0),
        (80_000, 0),
        (80_001, 0),
        (80_003, 1),
        (300_000, 44_000),
        (400_000, 64_000),
        (400_001, 64_000),
        (2_500_000, 400_000),
        (3_000_000, 520_000),
        (6_250_000, 1_300_000),
        (10_000_000, 2_500_000),
    ],
)
def test_one_payment_is_taxed_by_the_published_figures(gross_minor: int, tax_minor: int) -> None:
    assert per_payment_tax(gross_minor) == tax_minor


def yearly(amounts: list[int]) -> list[int]:
    """What is held back month by month of a year of payments without a gap."""
    income = withheld = 0
    taxes = []
    for month, amount in enumerate(amounts, 1):
        taxes.append(tax_of_payment(CUMULATIVE, amount, IncomeSoFar(income, withheld), month))
        income, withheld = income + amount, withheld + taxes[-1]
    return taxes


@pytest.mark.parametrize(
    ("amounts", "taxes"),
    [
        ([625_000] * 12, [0] * 12),
        ([1_000_000] * 12, [9_000] * 12),
        ([5_000_000, 5_000_000], [105_000, 343_000]),
        ([2_000_000, 300_000], [33_000, 0]),
    ],
)
def test_a_year_is_taxed_by_the_published_figures(amounts: list[int], taxes: list[int]) -> None:
    assert yearly(amounts) == taxes


@pytest.mark.parametrize("brackets", [PER_PAYMENT_BRACKETS, CUMULATIVE_BRACKETS])
def test_quick_deductions_make_the_brackets_meet(brackets: tuple[tuple[int | None, int, int], ...]) -> None:
    for (up_to, percent, quick), (_, next_percent, next_quick) in pairwise(brackets):
        assert up_to is not None
        assert up_to * percent - quick * 100 == up_to * next_percent - next_quick * 100


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=6))
def test_a_month_paid_in_steps_bears_the_tax_of_one_payment(steps: list[int]) -> None:
    income = withheld = 0
    for step in steps:
        withheld += tax_of_payment(PER_PAYMENT, step, IncomeSoFar(income, withheld), 1)
        income += step
    assert withheld == per_payment_tax(income)


@given(AMOUNTS, AMOUNTS, st.integers(1, 12))
def test_tax_never_falls_with_income_and_never_reaches_it(first: int, second: int, months: int) -> None:
    low, high = sorted((first, second))
    for tax in (per_payment_tax, lambda income: cumulative_tax(income, months)):
        assert 0 <= tax(low) <= tax(high) <= max(high - 1, 0)


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(1, 12), st.sampled_from([PER_PAYMENT, CUMULATIVE]))
def test_a_payment_bears_from_nothing_to_all_of_itself(
    amount: int, income: int, withheld: int, months: int, method: str
) -> None:
    assert 0 <= tax_of_payment(method, amount, IncomeSoFar(income, withheld), months) <= amount


@pytest.mark.parametrize("method", ["none", "us_1099"])
def test_other_methods_hold_nothing_back(method: str) -> None:
    assert tax_of_payment(method, 10**9, IncomeSoFar(), 1) == 0


def test_months_are_counted_back_to_the_first_gap_and_not_into_last_year() -> None:
    assert months_unbroken([202601, 202602, 202604], 202605) == 2
    assert months_unbroken([202512], 202601) == 1
    assert months_unbroken([202601, 202602, 202603], 202603) == 3
    for months in (0, 13):
        with pytest.raises(ValueError, match="1 to 12"):
            cumulative_tax(1, months)


def test_the_threshold_of_form_1099_rises_with_2026() -> None:
    assert [reporting_threshold_minor(year) for year in (2020, 2025, 2026, 2030)] == [60_000, 60_000, 200_000, 200_000]
