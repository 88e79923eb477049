"""Which shop a customer belongs to: what becomes of a claim, and what a binding then says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from distrib.domain.customers import FIRST, LAST, PROTECTED, Binding, BindingRule, Claim, binding_at, judge_claims


def day(number: int) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number)


def claim(number: int, shop: int, rule: BindingRule, seq: int = 0) -> Claim:
    return Claim(day(number), seq, shop, f"poster {shop}", rule)


def outcomes(*claims: Claim) -> list[tuple[str, int]]:
    return [(step.outcome, step.binding.shop_no) for step in judge_claims(claims)]


@pytest.mark.parametrize(
    ("rule", "second"),
    [
        (BindingRule(), ("kept", 1)),
        (BindingRule(FIRST, expire_days=5), ("bound", 2)),
        (BindingRule(FIRST, expire_days=6), ("kept", 1)),
        (BindingRule(LAST), ("taken_over", 2)),
        (BindingRule(PROTECTED), ("taken_over", 2)),
        (BindingRule(PROTECTED, 5), ("taken_over", 2)),
        (BindingRule(PROTECTED, 6), ("kept", 1)),
        (BindingRule(PROTECTED, 9, 5), ("bound", 2)),
    ],
)
def test_another_shop_takes_over_as_the_rule_says(rule: BindingRule, second: tuple[str, int]) -> None:
    assert outcomes(claim(1, 1, rule), claim(6, 2, rule)) == [("bound", 1), second]


def test_protected_by_no_days_is_not_protected_at_all() -> None:
    assert outcomes(claim(1, 1, BindingRule(PROTECTED)), claim(1, 2, BindingRule(PROTECTED), seq=1))[1] == (
        "taken_over",
        2,
    )


def test_a_binding_says_from_when_it_is_protected_until_when_and_when_it_ends() -> None:
    first, second = judge_claims([claim(4, 7, BindingRule(PROTECTED, 2, 9)), claim(6, 7, BindingRule(PROTECTED, 3, 8))])
    assert first.binding == Binding(7, "poster 7", day(4), day(4), day(6), day(13))
    renewed = Claim(day(5), 0, 7, "link", BindingRule(PROTECTED, 3, 8))
    assert judge_claims([renewed, claim(4, 7, BindingRule())])[1].binding == Binding(
        7, "poster 7", day(4), day(5), day(8), day(13)
    )
    assert (second.outcome, second.binding.renewed_at) == ("kept", day(6))
    assert judge_claims([claim(4, 7, BindingRule())])[0].binding == Binding(7, "poster 7", day(4), day(4), None, None)


def test_protection_counts_from_the_last_time_the_customer_came_by() -> None:
    rule = BindingRule(PROTECTED, 5)
    assert outcomes(claim(1, 1, rule), claim(4, 1, rule), claim(8, 2, rule)) == [("bound", 1), ("kept", 1), ("kept", 1)]
    assert outcomes(claim(1, 1, rule), claim(4, 1, rule), claim(9, 2, rule))[2] == ("taken_over", 2)


def test_at_an_instant_the_claims_up_to_it_decide_and_at_the_instant_of_expiry_nobody_has_the_customer() -> None:
    claims = [claim(5, 2, BindingRule(LAST, expire_days=3)), claim(1, 1, BindingRule())]
    bindings = [binding_at(claims, day(number)) for number in (0, 1, 4, 5, 7, 8)]
    assert [binding.shop_no if binding else None for binding in bindings] == [None, 1, 1, 2, 2, None]
    both = [claim(1, 2, BindingRule(LAST), seq=2), claim(1, 1, BindingRule(LAST), seq=1)]
    assert outcomes(*both) == [("bound", 1), ("taken_over", 2)]
