"""Moves over time: what the check lets pass is right at every instant, and it refuses nothing that would be."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.errors import Refusal
from distrib.domain.network.depth import MoveLinks, SponsorLink, check_move, highest_level

START = datetime(2026, 1, 1, tzinfo=UTC)
SHOPS = 6
Moves = list[tuple[int, int | None, int]]
moves = st.lists(
    st.tuples(st.integers(0, SHOPS - 1), st.none() | st.integers(0, SHOPS - 1), st.integers(1, 6)), max_size=14
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def sponsor_at(links: list[SponsorLink], instant: datetime) -> int | None:
    place = bisect_right(links, instant, key=lambda link: link.since)
    return links[place - 1].sponsor_no if place else None


def level_at(history: dict[int, list[SponsorLink]], shop: int, instant: datetime) -> int | None:
    """The level of a shop at an instant by going up step by step; None in a loop."""
    level, current = 1, shop
    while (above := sponsor_at(history[current], instant)) is not None:
        level, current = level + 1, above
        if level > SHOPS:
            return None
    return level


def levels_from(history: dict[int, list[SponsorLink]], instant: datetime) -> list[int | None]:
    instants = sorted({instant, *(link.since for links in history.values() for link in links if link.since > instant)})
    return [level_at(history, shop, instant) for instant in instants for shop in history]


@given(moves, st.none() | st.integers(2, 4))
def test_a_move_passes_exactly_where_no_instant_from_then_on_has_a_loop_or_a_chain_too_deep(
    tried: Moves, cap: int | None
) -> None:
    history: dict[int, list[SponsorLink]] = {shop: [SponsorLink(START, None)] for shop in range(SHOPS)}
    for shop, sponsor, number in tried:
        instant = day(number)
        if instant <= history[shop][-1].since:
            continue
        moved = history | {shop: [*history[shop], SponsorLink(instant, sponsor)]}
        levels = levels_from(moved, instant)
        is_right = None not in levels and (cap is None or max(level for level in levels if level is not None) <= cap)
        if is_right:
            check_move(MoveLinks(history, history), shop, sponsor, instant, cap)
            history = moved
            continue
        with pytest.raises(Refusal) as caught:
            check_move(MoveLinks(history, history), shop, sponsor, instant, cap)
        assert caught.value.code in ({"sponsor_is_self", "sponsor_cycle"} if None in levels else {"tree_too_deep"})


@given(moves, st.integers(0, 7), st.integers(0, SHOPS - 1))
def test_the_highest_level_is_the_highest_of_every_instant(tried: Moves, number: int, shop: int) -> None:
    history: dict[int, list[SponsorLink]] = {each: [SponsorLink(START, None)] for each in range(SHOPS)}
    for moved, sponsor, since in tried:
        after = history | {moved: [*history[moved], SponsorLink(day(since), sponsor)]}
        if day(since) > history[moved][-1].since and None not in levels_from(after, START):
            history = after
    instant = day(number)
    instants = [instant, *(link.since for links in history.values() for link in links if link.since > instant)]
    assert highest_level(history, shop, instant) == max(level_at(history, shop, instant) or 0 for instant in instants)
