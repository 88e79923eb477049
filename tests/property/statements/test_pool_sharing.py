"""Sharing a pool one holder at a time comes to the same as sharing it whole."""

from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.money import PPM
from distrib.domain.plans.pools import Pool, PoolSharing, share_pool

ranks = st.sampled_from(["none", "one", "two", "six"])
WEIGHTS = {"one": 1, "two": 2, "six": 6}


@given(st.dictionaries(st.text(min_size=1, max_size=3), ranks, max_size=30), st.integers(0, 10**7), st.integers(0, PPM))
def test_holders_taken_one_by_one_get_what_they_get_together(
    holders: dict[str, str], base_minor: int, rate_ppm: int
) -> None:
    pool = Pool("p", rate_ppm, WEIGHTS)
    together = share_pool(base_minor, pool, holders)
    taking = [shop for shop in sorted(holders) if holders[shop] in WEIGHTS]
    counts: dict[int, int] = {}
    for shop in taking:
        weight = WEIGHTS[holders[shop]]
        counts[weight] = counts.get(weight, 0) + 1
    if not counts:
        assert together == {}
        return
    sharing = PoolSharing(pool.amount_of(base_minor), counts)
    assert {shop: sharing.next_share(WEIGHTS[holders[shop]]) for shop in taking} == together
