"""Pools add up to the unit, and nobody gets a unit more or less than their weight says."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.money import PPM
from distrib.domain.plans.pools import Pool, share_pool

RANKS = ("a", "b", "c", "d")
pools = st.builds(
    Pool, st.just("p"), st.integers(0, PPM), st.dictionaries(st.sampled_from(RANKS), st.integers(0, 1_000), min_size=1)
)
holders = st.dictionaries(st.text(min_size=1, max_size=4), st.sampled_from(RANKS), max_size=12)


@given(pools, holders, st.integers(-100, 10**15))
def test_pools_add_up_to_the_unit(pool: Pool, people: dict[str, str], base_minor: int) -> None:
    shares = share_pool(base_minor, pool, people)
    total = floor(Fraction(pool.rate_ppm, PPM) * max(base_minor, 0))
    assert sum(shares.values()) == (total if shares else 0)
    assert set(shares) == {shop for shop, rank in people.items() if pool.weights.get(rank, 0)}


@given(pools, holders, st.integers(0, 10**15))
def test_a_share_is_the_exact_one_rounded_down_or_one_unit_more(
    pool: Pool, people: dict[str, str], base_minor: int
) -> None:
    shares = share_pool(base_minor, pool, people)
    points = sum(pool.weights[people[shop]] for shop in shares)
    for shop, share in shares.items():
        exact = Fraction(pool.amount_of(base_minor) * pool.weights[people[shop]], points)
        assert floor(exact) <= share <= floor(exact) + (exact != floor(exact))
