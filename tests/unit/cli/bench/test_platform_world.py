"""The program of platform size: what the figures rest on."""

from datetime import UTC, datetime

import pytest

from distrib.cli.bench.platform_world.shape import SMALL_PROGRAM, WORLD_SIZES, PlatformWorld, lines_of
from distrib.services.orders.codec import decode_event

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def level(world: PlatformWorld, shop: int) -> int:
    """The level of a shop; a root's is 1."""
    sponsor = world.sponsor(shop)
    return 1 if sponsor is None else 1 + level(world, sponsor)


@pytest.mark.parametrize("world", [SMALL_PROGRAM, *WORLD_SIZES.values()], ids=str)
def test_the_tree_has_four_levels_and_those_who_sell_have_none_one_and_more_above_them(world: PlatformWorld) -> None:
    assert level(world, world.shops) == 4
    assert {level(world, world.seller(order)) for order in range(1, 1_001)} == {1, 2, 3, 4}


def test_sponsors_come_before_those_they_brought_in() -> None:
    assert all(draft.sponsor_id is None or draft.sponsor_id < draft.id for draft in PlatformWorld(300, 1).drafts())


def test_every_event_is_taken_by_the_inbox_and_all_come_in_the_order_of_their_times() -> None:
    world = PlatformWorld(60, 250)
    for events in (list(world.settled_events()), list(world.refunded_events())):
        assert all(decode_event(event, NOW) is not None for event in events)
        assert [event["occurred_at"] for event in events] == sorted(event["occurred_at"] for event in events)
        assert [event["id"] for event in events] == sorted({event["id"] for event in events})
    assert len(list(world.refunded_events())) == world.refunds == 10


def test_one_order_in_ten_has_three_lines_and_one_in_a_thousand_is_the_largest_shops() -> None:
    world = SMALL_PROGRAM
    assert sum(lines_of(order) == 3 for order in range(1, 2_001)) == 200
    assert [order for order in range(1, 2_001) if world.seller(order) == world.largest_shop][-1] == 2_000
