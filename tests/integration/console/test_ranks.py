"""Ranks in the console: the ladder in plain words, with how many hold each."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.console.conftest import Browser
from tests.integration.console.test_shops import PLAN, words
from tests.world.world import World, chain

Person = Callable[..., Browser]


def test_the_ladder_is_in_plain_words_and_leads_to_who_holds_a_rank(world: World, person: Person) -> None:
    ann = person("ann")
    assert "No ladder yet" in words(ann.page("/ranks"))
    world.publish(PLAN)
    world.join(*chain("lin", "mei"))
    world.set_rank("mei", "owner")
    page = ann.page("/ranks")
    assert "owner shops brought in ≥ 3 kept for good 1" in words(page)
    assert "member where everybody begins kept for good 1" in words(page)
    assert f"/console/p/{world.program.code}/shops?rank=owner" in page
    assert "No month was evaluated yet" in page
