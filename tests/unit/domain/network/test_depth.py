"""How deep trees are in time: stretch by stretch, and what a move is refused with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.network.depth import (
    FOREVER,
    DepthSpan,
    MoveLinks,
    Recruit,
    SponsorLink,
    TreePosition,
    check_move,
    highest_level,
    levels_above,
    levels_below,
    recruits_of,
    resolve_position,
    sponsor_spans,
)


def day(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


def refusal(*args: object, **keys: object) -> tuple[str, Mapping[str, object]]:
    with pytest.raises(Refusal) as caught:
        check_move(*args, **keys)  # type: ignore[arg-type]
    return caught.value.code, caught.value.params


@pytest.mark.parametrize(
    ("sponsor_level", "max_levels", "on_excess", "expected"),
    [
        (None, None, "refuse", TreePosition(1)),
        (None, 1, "refuse", TreePosition(1)),
        (4, None, "refuse", TreePosition(5)),
        (2, 3, "refuse", TreePosition(3)),
        (2, 3, "detach", TreePosition(3)),
        (3, 3, "detach", TreePosition(1, is_detached=True)),
    ],
)
def test_a_new_shop_stands_below_its_sponsor_or_is_a_root_of_its_own(
    sponsor_level: int | None, max_levels: int | None, on_excess: str, expected: TreePosition
) -> None:
    assert resolve_position(sponsor_level, max_levels, on_excess) == expected
    assert not TreePosition(1).is_detached


def test_a_new_shop_too_deep_is_refused_with_its_level_and_the_cap() -> None:
    with pytest.raises(Refusal) as caught:
        resolve_position(3, 3, "refuse")
    assert (caught.value.code, caught.value.params) == ("tree_too_deep", {"level": 4, "max_levels": 3})


LINKS = [SponsorLink(day(2), 7), SponsorLink(day(5), None), SponsorLink(day(8), 9)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 1, [(0, 1, None)]),
        (0, 2, [(0, 2, None)]),
        (0, 3, [(0, 2, None), (2, 3, 7)]),
        (2, 3, [(2, 3, 7)]),
        (2, 5, [(2, 5, 7)]),
        (3, 9, [(3, 5, 7), (5, 8, None), (8, 9, 9)]),
        (8, 9, [(8, 9, 9)]),
        (20, 30, [(20, 30, 9)]),
    ],
)
def test_the_links_of_a_span_are_clipped_to_it_and_before_the_first_a_shop_is_a_root(
    start: int, end: int, expected: list[tuple[int, int, int | None]]
) -> None:
    clipped = list(sponsor_spans(LINKS, day(start), day(end)))
    assert clipped == [(day(begins), day(ends), sponsor) for begins, ends, sponsor in expected]
    assert list(sponsor_spans([], day(start), day(end))) == []


def test_levels_above_are_counted_for_every_span_of_time() -> None:
    links = {3: [SponsorLink(day(0), 2)], 2: [SponsorLink(day(4), 1)], 1: [SponsorLink(day(6), 9)]}
    assert sorted(levels_above(links, 3, day(1))) == [
        DepthSpan(day(1), day(4), 2),
        DepthSpan(day(4), day(6), 3),
        DepthSpan(day(6), FOREVER, 4),
    ]
    assert levels_above(links, 9, day(1)) == [DepthSpan(day(1), FOREVER, 1)]
    assert (highest_level(links, 3, day(1)), highest_level(links, 3, day(9)), highest_level({}, 3, day(1))) == (4, 4, 1)


def test_a_shop_to_be_avoided_is_a_loop_wherever_it_is_met_but_not_where_it_was_before() -> None:
    links = {2: [SponsorLink(day(0), 1), SponsorLink(day(4), None)], 3: [SponsorLink(day(0), 2)]}
    for shop, start in ((3, 1), (2, 3), (1, 1)):
        with pytest.raises(Refusal) as caught:
            levels_above(links, shop, day(start), avoid=1)
        assert caught.value.code == "sponsor_cycle"
    assert [span.levels for span in levels_above(links, 3, day(4), avoid=1)] == [2]


def test_levels_below_are_the_most_of_any_instant_of_the_span() -> None:
    recruits = recruits_of(
        {
            2: [SponsorLink(day(0), 1), SponsorLink(day(4), None)],
            3: [SponsorLink(day(5), 2)],
            4: [SponsorLink(day(2), 2)],
        }
    )
    assert recruits == {1: [(2, day(0), day(4))], 2: [(3, day(5), FOREVER), (4, day(2), FOREVER)]}
    assert levels_below(recruits, 1, day(0), day(2)) == 2
    assert levels_below(recruits, 1, day(0), day(3)) == 3
    assert levels_below(recruits, 1, day(4), day(9)) == 1
    assert levels_below(recruits, 2, day(0), day(1)) == 1
    assert levels_below({}, 1, day(0), day(9)) == 1


def test_a_recruit_stands_below_a_sponsor_until_its_next_link() -> None:
    links = {2: [SponsorLink(day(0), 1), SponsorLink(day(4), 3), SponsorLink(day(6), None)]}
    assert recruits_of(links) == {1: [(2, day(0), day(4))], 3: [(2, day(4), day(6))]}


def test_who_stands_below_itself_by_a_link_of_its_own_is_not_counted_again() -> None:
    assert levels_below({1: [Recruit(2, day(0), FOREVER)], 2: [Recruit(1, day(0), FOREVER)]}, 1, day(0), day(9)) == 2


def test_a_move_is_refused_with_its_reason() -> None:
    above = {2: [SponsorLink(day(0), 1)], 1: [SponsorLink(day(0), None)]}
    below = {4: [SponsorLink(day(0), 3)], 3: [SponsorLink(day(0), None)]}
    assert refusal(MoveLinks(above, below), 2, 2, day(1), None) == ("sponsor_is_self", {})
    assert refusal(MoveLinks(above, below), 1, 2, day(1), None) == ("sponsor_cycle", {})
    assert refusal(MoveLinks(above, below), 3, 2, day(1), 3) == ("tree_too_deep", {"level": 4, "max_levels": 3})
    check_move(MoveLinks(above, below), 3, 2, day(1), 4)
    check_move(MoveLinks(above, below), 3, 2, day(1), None)
    check_move(MoveLinks(above, below), 3, None, day(1), 1)


def test_a_move_is_judged_from_its_instant_on_and_not_before() -> None:
    above = {2: [SponsorLink(day(0), 1), SponsorLink(day(5), None)]}
    below = {4: [SponsorLink(day(0), 3), SponsorLink(day(7), None)]}
    assert refusal(MoveLinks(above, below), 3, 2, day(4), 3)[1] == {"level": 4, "max_levels": 3}
    check_move(MoveLinks(above, below), 3, 2, day(5), 3)
    assert refusal(MoveLinks(above, below), 3, 2, day(6), 2)[1] == {"level": 3, "max_levels": 2}
    check_move(MoveLinks(above, below), 3, 2, day(7), 2)


def test_chains_that_never_stand_at_the_same_time_are_not_added_up() -> None:
    above = {2: [SponsorLink(day(0), 1), SponsorLink(day(5), None)]}
    below = {4: [SponsorLink(day(0), None), SponsorLink(day(5), 3)]}
    check_move(MoveLinks(above, below), 3, 2, day(1), 3)
    assert refusal(MoveLinks(above, below), 3, 2, day(1), 2)[0] == "tree_too_deep"
