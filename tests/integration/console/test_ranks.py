"""Ranks in the console: the ladder in plain words, with how many hold each."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

from tests.integration.console.conftest import Browser
from tests.integration.console.test_shops import PLAN, words
from tests.integration.ranks.test_evaluation import RANKED, evaluate, instant_of, sale
from tests.world.world import World, chain
from workers.near_ranks import refresh_near_ranks

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


def test_who_rose_who_fell_and_who_is_near_are_lists_that_lead_to_one_another(world: World, person: Person) -> None:
    ann = person("ann")
    world.publish(RANKED)
    world.join(("s", None), ("t", None))
    world.earn(sale("o1", "s", 50_000, instant_of(1, 10)), sale("o2", "t", 9_000, world.now() - timedelta(hours=1)))
    for period in (202601, 202602, 202603):
        evaluate(world, period)
    refresh_near_ranks(world.container)
    page = ann.page("/ranks")
    [address] = set(re.findall(r'href="([^"]*/ranks/changes[^"]*2026-03[^"]*)"', page))
    fell = ann.page(unescape(address).partition(world.program.code)[2])
    assert "↓ fell · manager → owner" in words(fell)
    assert "0.00, of 10.00 needed; failed 2 months in a row" in words(fell)
    assert "↑ rose" not in words(fell)
    both = words(ann.page("/ranks/changes"))
    assert both.index("↓ fell") < both.index("↑ rose · member → manager")
    near = ann.page("/ranks/near?rank=owner")
    assert "90%" in words(near)
    assert 'value="9000" max="10000"' in near
    ann.language = "zh"
    assert "↓ 降级 · manager → owner" in words(ann.page("/ranks/changes"))
