"""Bindings do not depend on the order in which claims arrive, and agree with a day-by-day reading of the rule."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.customers import (
    BindingRule,
    Claim,
    Merge,
    binding_at,
    binding_of_person,
    judge_claims,
    judge_people,
)

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


IDS = "abcd"
Story = tuple[BindingRule, dict[int, tuple[str, int]], dict[int, tuple[str, str]]]


@st.composite
def stories_of_people(draw: st.DrawFn) -> Story:
    """A rule; by day a claim (customer, shop); by day a merge (customer, into), nobody's twice and into none merged."""
    claims = draw(st.dictionaries(st.integers(0, 25), st.tuples(st.sampled_from(IDS), st.integers(1, 3)), max_size=8))
    merges: dict[int, tuple[str, str]] = {}
    standing = list(IDS)
    for day in sorted(draw(st.sets(st.integers(0, 25), max_size=3))):
        customer, into = draw(st.permutations(standing))[:2]
        merges[day] = customer, into
        standing.remove(customer)
    return draw(rules), claims, merges


def facts_of(story: Story) -> tuple[dict[str, list[Claim]], list[Merge]]:
    rule, by_day, merged = story
    claims: dict[str, list[Claim]] = {customer: [] for customer in IDS}
    for seq, (day, (customer, shop)) in enumerate(by_day.items()):
        claims[customer].append(Claim(START + timedelta(days=day, hours=12), seq, shop, "link", rule))
    return claims, [Merge(START + timedelta(days=day), seq, *pair) for seq, (day, pair) in enumerate(merged.items())]


def owner_of_person(story: Story, asked: str, until: int) -> int | None:
    """Whose a customer is at the end of a day, with a purse for each id that is poured into another's at a merge."""
    rule, claims, merges = story
    purses: dict[str, tuple[int, int] | None] = dict.fromkeys(IDS)
    goes_to = {customer: customer for customer in IDS}
    half = 0.5

    def holds(purse: tuple[int, int] | None, instant: float) -> bool:
        return purse is not None and (rule.expire_days is None or instant < purse[1] + half + rule.expire_days)

    for day in range(until + 1):
        if day in merges:
            customer, into = merges[day]
            if not holds(purses[into], day):
                purses[into] = purses[customer]
            goes_to = {name: into if target == customer else target for name, target in goes_to.items()}
        if day in claims:
            customer, shop = claims[day]
            person = goes_to[customer]
            purse = purses[person]
            is_free = purse is None or not holds(purse, day + half) or rule.name == "last"
            since = 0 if purse is None else day - purse[1]
            is_unprotected = rule.name == "protected" and since >= (rule.protect_days or 0)
            if is_free or is_unprotected or (purse is not None and purse[0] == shop):
                purses[person] = shop, day
    purse = purses[goes_to[asked]]
    return purse[0] if purse is not None and holds(purse, until + 0.9) else None


@given(stories_of_people(), st.sampled_from(IDS), st.integers(0, 30))
def test_the_owner_of_a_person_is_the_one_that_pouring_purses_finds(story: Story, asked: str, day: int) -> None:
    claims, merges = facts_of(story)
    binding = binding_of_person(asked, claims, merges, START + timedelta(days=day, hours=21, minutes=36))
    assert (None if binding is None else binding.shop_no) == owner_of_person(story, asked, day)


@given(stories_of_people(), st.integers(0, 25))
def test_a_merge_changes_nothing_of_what_was_before_it(story: Story, day: int) -> None:
    claims, merges = facts_of(story)
    instant = START + timedelta(days=day)
    earlier = [merge for merge in merges if merge.merged_at < instant]
    for customer in IDS:
        asked = customer, claims
        just_before = instant - timedelta(microseconds=1)
        assert binding_of_person(*asked, merges, just_before) == binding_of_person(*asked, earlier, just_before)


@given(stories_of_people())
def test_every_claim_on_a_person_is_judged_once_in_the_order_of_its_instant(story: Story) -> None:
    claims, merges = facts_of(story)
    judged = judge_people(claims, merges)
    assert [step.claim for step in judged] == sorted(claim for own in claims.values() for claim in own)
    assert all(step.until is None or step.outcome != "kept" for step in judged)
