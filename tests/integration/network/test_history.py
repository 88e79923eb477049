"""Many registrations and moves, some in the past and some to come: the shop's row and the dated rows say the same."""

import random
from datetime import datetime, timedelta

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.network.depth import SponsorLink, highest_level, levels_above
from distrib.services.network.shops import ShopDraft
from tests.world.world import NOW, World, web_world

KNOWN = {"moved", "sponsor_is_self", "sponsor_cycle", "tree_too_deep", "move_too_early"}


def history(world: World) -> dict[int, list[SponsorLink]]:
    links: dict[int, list[SponsorLink]] = {}
    rows = world.rows("SELECT shop_no, effective_at, sponsor_no FROM referrals ORDER BY shop_no, effective_at")
    for shop_no, since, sponsor_no in rows:
        links.setdefault(shop_no, []).append(SponsorLink(since, sponsor_no))
    return links


def chain_at(links: dict[int, list[SponsorLink]], shop_no: int, instant: datetime) -> list[int]:
    chain: list[int] = []
    current: int | None = shop_no
    while True:
        held = [link.sponsor_no for link in links[current] if link.since <= instant]  # type: ignore[index]
        current = held[-1] if held else None
        if current is None:
            return chain
        chain.append(current)
        assert len(chain) < 200, "a loop"


def answer(world: World, shop_id: str, sponsor_id: str | None, instant: datetime) -> str:
    try:
        world.move(shop_id, sponsor_id, instant)
    except Refusal as refusal:
        return refusal.code
    return "moved"


def check(world: World, cap: int | None) -> None:
    links = history(world)
    last = max(link.since for held in links.values() for link in held)
    for shop_no, sponsor_no, uplines, level, since in world.rows(
        "SELECT shop_no, sponsor_no, uplines, level, chain_since FROM shops"
    ):
        newest = chain_at(links, shop_no, last)
        assert (sponsor_no, uplines, level) == (newest[0] if newest else None, newest[:9], len(newest) + 1)
        later = [instant for held in links.values() for instant, _ in held if instant >= since]
        assert all(chain_at(links, shop_no, instant)[:9] == uplines for instant in [since, *later])
        levels_above(links, shop_no, NOW - timedelta(days=1_000))
        if cap is not None:
            assert highest_level(links, shop_no, links[shop_no][0].since) <= cap


@pytest.mark.parametrize(("policy", "seed"), [("open", 1), ("open", 2), ("cn", 3), ("cn", 4)])
def test_rows_and_histories_agree_after_every_few_steps(database_url: str, policy: str, seed: int) -> None:
    dice = random.Random(seed)
    shops: list[str] = []
    answers: set[str] = set()
    with web_world(database_url, policy) as world:
        for step in range(160):
            if len(shops) < 4 or dice.random() < 0.35:
                size = dice.choice([1, 1, 5])
                drafts = []
                for _ in range(size):
                    shops.append(f"s{len(shops)}")
                    sponsor = dice.choice(shops[:-1]) if len(shops) > 1 and dice.random() < 0.8 else None
                    drafts.append(ShopDraft(shops[-1], sponsor, joined_at=NOW + timedelta(days=dice.randint(-60, 20))))
                dice.shuffle(drafts)
                assert {result.status for result in world.register_all(drafts)} == {"created"}
            else:
                sponsor = dice.choice(shops) if dice.random() < 0.85 else None
                instant = NOW + timedelta(days=dice.randint(-60, 40), hours=step)
                answers.add(answer(world, dice.choice(shops), sponsor, instant))
            if step % 16 == 15:
                check(world, world.policy.max_tree_levels)
        assert answers <= KNOWN
        assert answers >= {"moved", "move_too_early"}
