"""Bindings do not depend on the order in which claims arrive, and agree with a day-by-day reading of the rule."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.customers import BindingRule, Claim, binding_at, judge_claims

START = datetime(2026, 1, 1, tzinfo=UTC)
rules = st.one_of(
    st.just(BindingRule("first")),
    st.just(BindingRule("last")),
    st.builds(BindingRule, st.just("first"), st.none(), st.integers(1, 6)),
    st.builds(BindingRule, st.just("protected"), st.integers(0, 6), st.one_of(st.none(), st.integers(1, 9))),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Claim]:
    """Claims of one customer under one rule, on days of their own."""
    rule = draw(rules)
    days = draw(st.lists(st.integers(0, 25), unique=True, max_size=8))
    return [
        Claim(START + timedelta(days=day), seq, draw(st.integers(1, 3)), "link", rule) for seq, day in enumerate(days)
    ]


def owner_by_days(claims: list[Claim], until: int) -> int | None:
    """Whose the customer is at the end of a day, walking day by day with nothing but counters."""
    by_day = {(claim.bound_at - START).days: claim for claim in claims}
    owner, since_seen = None, 0
    for day in range(until + 1):
        since_seen += 1
        claim = by_day.get(day)
        if owner is not None and claims[0].rule.expire_days is not None and since_seen >= claims[0].rule.expire_days:
            owner = None
        if claim is None:
            continue
        protect = claim.rule.protect_days or 0
        is_free = owner is None or claim.rule.name == "last"
        if is_free or owner == claim.shop_no or (claim.rule.name == "protected" and since_seen >= protect):
            owner, since_seen = claim.shop_no, 0
    return owner


@given(stories(), st.integers(0, 30))
def test_the_owner_of_a_customer_is_the_one_a_day_by_day_reading_finds(claims: list[Claim], day: int) -> None:
    binding = binding_at(claims, START + timedelta(days=day))
    assert (None if binding is None else binding.shop_no) == owner_by_days(claims, day)


@given(stories(), st.data())
def test_the_order_in_which_claims_arrive_changes_nothing(claims: list[Claim], data: st.DataObject) -> None:
    shuffled = [claim._replace(seq=seq) for seq, claim in enumerate(data.draw(st.permutations(claims)))]
    for day in range(30):
        instant = START + timedelta(days=day)
        assert binding_at(claims, instant) == binding_at(shuffled, instant)


@given(stories())
def test_a_claim_after_an_instant_does_not_change_who_had_the_customer_then(claims: list[Claim]) -> None:
    for claim in claims:
        earlier = [other for other in claims if other.bound_at < claim.bound_at]
        instant = claim.bound_at - timedelta(seconds=1)
        assert binding_at(claims, instant) == binding_at(earlier, instant)


@given(stories())
def test_every_claim_is_judged_once_and_in_the_order_of_its_instant(claims: list[Claim]) -> None:
    assert [step.claim for step in judge_claims(claims)] == sorted(claims)
