"""The network in the console: the outline, what the picture is drawn of, and the tree beside the policy's caps."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.console.conftest import Browser
from tests.integration.console.test_shops import PLAN, words
from tests.world.api import Api
from tests.world.world import World, chain

Person = Callable[..., Browser]


def test_the_outline_is_open_as_far_as_the_shop_that_was_looked_for(world: World, person: Person) -> None:
    world.join(*chain("lin", "mei", "bo", "kai"), ("far", None))
    ann = person("ann")
    roots = ann.page("/network")
    assert ('data-shop="lin"' in roots, 'data-shop="far"' in roots, 'data-shop="mei"' in roots) == (True, True, False)
    found = ann.page("/network?shop=bo")
    order = [found.index(f'data-shop="{shop}"') for shop in ("lin", "mei", "bo", "kai")]
    assert order == sorted(order)
    assert 'data-chosen="bo"' in found
    assert 'data-shop="mei"' in ann.page("/network/lin/branch")
    assert "an invite code that begins with Bo." in words(ann.page("/network?shop=Bo"))
    world.register("kim", "far", name="Mei")
    assert 'data-chosen="kim"' in ann.page("/network?shop=Mei")
    assert 'data-chosen="mei"' in ann.page("/network?shop=mei")  # an id as it is goes before a name
    assert "Brought in 1" in words(ann.page("/network/mei/summary"))


def test_the_picture_is_drawn_of_places_ranks_and_states_without_money(world: World, person: Person) -> None:
    world.publish(PLAN)
    world.join(*chain("lin", "mei", "bo"))
    world.set_status("bo", "frozen")
    world.set_rank("mei", "owner")
    drawn = person("ann").get(f"/console/p/{world.program.code}/network/lin/tree").get_json()
    assert [(shop["id"], shop["sponsor"], shop["level"], shop["letter"]) for shop in drawn["shops"]] == [
        ("lin", -1, 1, "M"),
        ("mei", 0, 2, "O"),
        ("bo", 1, 3, "M"),
    ]
    assert [shop["is_active"] for shop in drawn["shops"]] == [True, True, False]
    assert not [name for shop in drawn["shops"] for name in shop if "minor" in name]


def test_depth_and_size_are_said_beside_the_caps_of_the_policy(api: Api, person: Person) -> None:
    api.world.join(*chain("a", "b", "c", "d", "e"), ("solo", None))
    api.caller().patch("/v1/program", {"policy": "cn"})
    ann = person("ann")
    deep = words(ann.page("/network?shop=c"))
    assert "deeper than the 3 levels of the policy pack: 1 at level 4" in deep
    assert "within the 3 levels of the policy pack" in words(ann.page("/network?shop=solo"))
