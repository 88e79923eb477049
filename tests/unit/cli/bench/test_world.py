"""The made-up program of the benchmarks: what the figures rest on."""

from datetime import UTC, datetime

import pytest

from distrib.cli.bench.settling import SIZES
from distrib.cli.bench.world import PLAN, World
from distrib.domain.plans.plan import compile_plan
from distrib.services.orders.codec import decode_event

WORLDS = [World(60, 100), World(20_000, 2_000), *(World(size.world.shops, 1_000) for size in SIZES.values())]


def level(world: World, shop: int) -> int:
    """The level of a shop; a root's is 1."""
    sponsor = world.sponsor(shop)
    return 1 if sponsor is None else 1 + level(world, sponsor)


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_whoever_sells_has_two_uplines(world: World) -> None:
    assert {level(world, world.seller(order)) for order in range(world.orders)} <= {3, 4}


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_the_tree_has_three_levels_and_more_and_every_sponsor_comes_before_whom_it_brought(world: World) -> None:
    sponsors = [(shop, world.sponsor(shop)) for shop in range(world.shops)]
    assert all(sponsor is None or sponsor < shop for shop, sponsor in sponsors)
    assert max(level(world, shop) for shop in range(world.shops)) >= 3


def test_every_event_is_one_the_inbox_takes_and_all_are_different() -> None:
    events = [event for batch in World(60, 250).batches(100) for event in batch]
    now = datetime(2024, 6, 1, tzinfo=UTC)
    assert all(decode_event(event, now) is not None for event in events)
    assert len({event["id"] for event in events}) == len({event["order"]["id"] for event in events}) == 250


def test_events_come_in_the_order_of_their_times() -> None:
    times = [event["occurred_at"] for event in World(60, 250).events(0, 250)]
    assert times == sorted(times)


def test_the_same_world_is_the_same_to_the_letter() -> None:
    assert World(60, 50).events(0, 50) == World(60, 50).events(0, 50)


def test_the_plan_pays_the_seller_and_two_uplines() -> None:
    assert [rule.id for rule in compile_plan(PLAN).rules] == ["seller", "upline-1", "upline-2"]
