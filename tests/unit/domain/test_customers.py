"""Which shop a customer belongs to: what becomes of a claim, and what a binding then says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from distrib.domain.customers import (
    FIRST,
    LAST,
    PROTECTED,
    Binding,
    BindingRule,
    Claim,
    Identities,
    Merge,
    binding_at,
    binding_of_person,
    first_bound,
    judge_claims,
    judge_people,
    persons_by,
)


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


def merge(number: int, customer_id: str, into_id: str, seq: int = 1) -> Merge:
    return Merge(day(number), seq, customer_id, into_id)


def steps(claims: dict[str, list[Claim]], *merges: Merge) -> list[tuple[str, str, int, datetime | None]]:
    """Of each judged claim whose id it names, what became of it, who has the person then, and until when."""
    judged = judge_people(claims, merges)
    return [(step.customer_id, step.outcome, step.binding.shop_no, step.until) for step in judged]


def owner_of(customer_id: str, number: int, claims: dict[str, list[Claim]], *merges: Merge) -> int | None:
    binding = binding_of_person(customer_id, claims, merges, day(number))
    return None if binding is None else binding.shop_no


def test_without_merges_each_claim_is_judged_as_its_customers_alone() -> None:
    claims = {"a": [claim(1, 1, BindingRule(LAST)), claim(3, 2, BindingRule(LAST))], "b": [claim(2, 3, BindingRule())]}
    assert steps(claims) == [("a", "bound", 1, day(3)), ("b", "bound", 3, None), ("a", "taken_over", 2, None)]


def test_a_kept_claim_made_no_binding_and_a_binding_ends_by_its_renewed_term() -> None:
    rule = BindingRule(FIRST, expire_days=5)
    claims = {"a": [claim(1, 1, rule), claim(3, 1, rule), claim(4, 2, rule), claim(9, 2, rule)]}
    assert steps(claims) == [
        ("a", "bound", 1, day(8)),
        ("a", "kept", 1, None),
        ("a", "kept", 1, None),
        ("a", "bound", 2, day(14)),
    ]


def test_the_surviving_ids_binding_stands_and_the_others_ends_at_the_merge() -> None:
    claims = {"a": [claim(1, 1, BindingRule())], "b": [claim(2, 2, BindingRule())]}
    assert steps(claims, merge(4, "a", "b")) == [("a", "bound", 1, day(4)), ("b", "bound", 2, None)]
    owners = [owner_of(customer, number, claims, merge(4, "a", "b")) for customer in "ab" for number in (3, 4)]
    assert owners == [1, 2, 2, 2]


@pytest.mark.parametrize(("expire_days", "owner"), [(2, 1), (3, 2)])
def test_at_the_instant_of_its_expiry_the_survivors_binding_stands_no_more(expire_days: int, owner: int) -> None:
    claims = {"a": [claim(1, 1, BindingRule())], "b": [claim(2, 2, BindingRule(FIRST, expire_days=expire_days))]}
    assert owner_of("a", 4, claims, merge(4, "a", "b")) == owner


def test_a_binding_goes_over_with_its_terms_and_can_still_be_renewed_or_taken_over() -> None:
    rule = BindingRule(PROTECTED, 3, 9)
    claims = {"a": [claim(1, 1, rule)], "b": [claim(6, 1, rule), claim(9, 2, rule)]}
    assert binding_of_person("b", claims, [merge(4, "a", "b")], day(5)) == Binding(
        1, "poster 1", day(1), day(1), day(4), day(10)
    )
    assert steps(claims, merge(4, "a", "b")) == [
        ("a", "bound", 1, day(9)),
        ("b", "kept", 1, None),
        ("b", "taken_over", 2, day(18)),
    ]


def test_an_expired_binding_that_goes_over_ends_when_it_expired() -> None:
    claims = {"a": [claim(1, 1, BindingRule(FIRST, expire_days=2))]}
    assert owner_of("b", 5, claims, merge(5, "a", "b")) is None
    assert steps(claims, merge(5, "a", "b")) == [("a", "bound", 1, day(3))]
    later = {**claims, "b": [claim(6, 2, BindingRule(FIRST))]}
    assert steps(later, merge(5, "a", "b"))[1] == ("b", "bound", 2, None)


def test_a_claim_at_the_very_instant_of_a_merge_comes_after_it_and_counts_for_the_person() -> None:
    claims = {"a": [claim(4, 1, BindingRule(LAST))], "b": [claim(2, 2, BindingRule(LAST))]}
    assert steps(claims, merge(4, "a", "b"))[1] == ("a", "taken_over", 1, None)
    assert owner_of("b", 4, claims, merge(4, "a", "b")) == 1


def test_a_person_is_followed_through_merge_after_merge_to_the_one_it_was_by_then() -> None:
    claims = {"x": [claim(1, 1, BindingRule())], "z": [claim(2, 2, BindingRule())]}
    merges = [merge(4, "x", "y", 1), merge(6, "y", "z", 2)]
    owners = [[owner_of(customer, number, claims, *merges) for customer in "xyz"] for number in (3, 4, 6)]
    assert owners == [[1, None, 2], [1, 1, 2], [2, 2, 2]]


def test_identities_list_every_id_of_a_person_and_its_merges() -> None:
    merges = [merge(6, "y", "z", 2), merge(4, "x", "y", 1), merge(5, "k", "l", 3)]
    people = Identities(merges)
    assert people.ids_of("x") == people.ids_of("z") == ["x", "y", "z"]
    assert [people.surviving(customer) for customer in "xyzkl?"] == ["z", "z", "z", "l", "l", "?"]
    assert people.merges_of("z") == [merges[1], merges[0]]
    assert people.merges_of("k") == [merges[2]]
    assert people.merges_of("?") == []
    assert (people.merge_of("x"), people.merge_of("z")) == (merges[1], None)
    assert Identities().ids_of("a") == ["a"]


def test_merges_in_a_loop_lead_somewhere() -> None:
    assert Identities([merge(1, "a", "b"), merge(2, "b", "a")]).surviving("a") == "b"


def test_a_shop_first_bound_a_person_by_whichever_id() -> None:
    claims = {"a": [claim(1, 1, BindingRule())], "b": [claim(2, 2, BindingRule()), claim(5, 3, BindingRule())]}
    assert [first_bound(claims, shop, [merge(4, "a", "b")]) for shop in (1, 2, 3)] == [day(1), day(2), None]


def test_a_binding_that_had_expired_before_a_merge_ends_when_it_expired() -> None:
    claims = {"new": [claim(1, 1, BindingRule(LAST, expire_days=2))], "old": [claim(2, 2, BindingRule(LAST))]}
    judged = judge_people(claims, [Merge(day(5), 1, "old", "new")])
    assert [(dated.customer_id, dated.until) for dated in judged] == [("new", day(3)), ("old", None)]


def test_ids_that_were_merged_in_a_ring_are_followed_once_round() -> None:
    ring = [Merge(day(1), 1, "z", "a"), Merge(day(2), 2, "a", "b"), Merge(day(3), 3, "b", "a")]
    assert Identities(ring).surviving("z") == "b"


def test_a_merge_takes_along_all_that_went_on_under_the_id_in_the_order_in_which_merges_were_recorded() -> None:
    merges = [Merge(day(4), 1, "a", "b"), Merge(day(2), 2, "b", "c"), Merge(day(3), 3, "x", "c")]
    assert persons_by(merges, day(1)) == {}
    assert persons_by(merges, day(2)) == {"a": "c", "b": "c"}
    assert persons_by(reversed(merges), day(3)) == {"a": "c", "b": "c", "x": "c"}
    assert persons_by([*merges, Merge(day(5), 4, "c", "d")], day(5)) == dict.fromkeys("abcx", "d")
