"""What a program allows of withdrawals: each bound holds from its own figure on, and all that is broken is named."""

from __future__ import annotations

import pytest

from distrib.domain.payouts.withdrawals import WithdrawalRules, withdrawal_misfits

RULES = WithdrawalRules(least_minor=1_000, most_minor=8_000, per_day=2, per_month=5, fee_minor=100)


def codes(
    rules: WithdrawalRules, amount_minor: int, available_minor: int = 9_000, today: int = 0, month: int = 0
) -> list[str]:
    """The codes of what stands against a withdrawal."""
    return [refusal.code for refusal in withdrawal_misfits(rules, amount_minor, available_minor, today, month)]


@pytest.mark.parametrize(
    ("amount_minor", "available_minor", "today", "month", "expected"),
    [
        (1_000, 1_000, 0, 0, []),
        (8_000, 8_000, 1, 4, []),
        (999, 9_000, 0, 0, ["withdrawal_below_least"]),
        (8_001, 9_000, 0, 0, ["withdrawal_above_most"]),
        (1_001, 1_000, 0, 0, ["exceeds_available"]),
        (1_000, 9_000, 2, 0, ["withdrawals_used_today"]),
        (1_000, 9_000, 0, 5, ["withdrawals_used_this_month"]),
        (
            8_001,
            8_000,
            2,
            5,
            ["withdrawal_above_most", "exceeds_available", "withdrawals_used_today", "withdrawals_used_this_month"],
        ),
    ],
)
def test_each_bound_holds_from_its_own_figure_on(
    amount_minor: int, available_minor: int, today: int, month: int, expected: list[str]
) -> None:
    assert codes(RULES, amount_minor, available_minor, today, month) == expected


def test_a_bound_that_is_not_set_does_not_hold() -> None:
    assert codes(WithdrawalRules(1), 10**12, 10**12, today=999, month=999) == []


def test_a_debt_leaves_nothing_to_withdraw_and_says_so() -> None:
    [refusal] = withdrawal_misfits(RULES, 1_000, -500, 0, 0)
    assert refusal.params == {"available_minor": 0}


def test_what_is_broken_says_by_which_figure() -> None:
    misfits = withdrawal_misfits(RULES, 1, 0, 2, 5)
    assert [refusal.params for refusal in misfits] == [
        {"least_minor": 1_000},
        {"available_minor": 0},
        {"most": 2},
        {"most": 5},
    ]
    assert withdrawal_misfits(RULES, 8_001, 9_000, 0, 0)[0].params == {"most_minor": 8_000}
