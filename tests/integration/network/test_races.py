"""Requests that race for the referral tree: whoever is later sees what the earlier one did."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import TypeVar

from distrib.domain.errors import Refusal
from distrib.services.network.shops import ShopDraft
from tests.world.world import NOW, World, web_world

EARLY = NOW - timedelta(days=9)
SETTLED = {"created", "unchanged"}
T = TypeVar("T")


def at_once(*calls: Callable[[], T]) -> list[T | str]:
    """What each call answers when all start together; a refusal answers its code."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | str:
        barrier.wait(timeout=30)
        try:
            return call()
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def was_created(world: World, draft: ShopDraft) -> bool:
    return world.register_again(draft)[1]


def statuses_of(world: World, batch: list[ShopDraft]) -> list[str]:
    return [registered.status for registered in world.register_all(batch)]


def parents(world: World) -> dict[int, int | None]:
    return dict(world.rows("SELECT shop_no, sponsor_no FROM shops"))


def has_loop(parent_of: dict[int, int | None]) -> bool:
    for start in parent_of:
        seen, current = set(), start
        while (above := parent_of[current]) is not None:
            if above in seen:
                return True
            seen.add(above)
            current = above
    return False


def test_two_moves_that_together_would_close_a_loop_cannot_both_be(database_url: str) -> None:
    with web_world(database_url) as world:
        for n in range(12):
            world.register_all([ShopDraft(f"a{n}", joined_at=EARLY), ShopDraft(f"b{n}", joined_at=EARLY)])
            a, b = f"a{n}", f"b{n}"
            answers = at_once(partial(world.move, a, b), partial(world.move, b, a))
            assert sorted(answer for answer in answers if isinstance(answer, str)) == ["sponsor_cycle"]
        assert not has_loop(parents(world))


def test_a_ring_of_moves_at_once_stays_open(database_url: str) -> None:
    with web_world(database_url) as world:
        world.register_all([ShopDraft(f"s{n}", joined_at=EARLY) for n in range(8)])
        ring = [(f"s{n}", f"s{(n + 1) % 8}") for n in range(8)]
        answers = at_once(*[partial(world.move, *pair) for pair in ring])
        assert [answer for answer in answers if isinstance(answer, str)] == ["sponsor_cycle"]
        assert not has_loop(parents(world))


def test_one_shop_registered_twenty_times_at_once_is_one_shop(database_url: str) -> None:
    with web_world(database_url) as world:
        world.register("root")
        drafts = [ShopDraft("a", "root", identity="id-a")] * 20
        results = at_once(*[partial(world.register_again, draft) for draft in drafts])
        answers = [answer for answer in results if not isinstance(answer, str)]
        assert len(answers) == 20
        assert sum(created for _, created in answers) == 1
        assert len({view.invite_code for view, _ in answers}) == 1
        counts = "(SELECT count(*) FROM shops), (SELECT count(*) FROM referrals), (SELECT count(*) FROM shop_statuses)"
        assert world.rows(f"SELECT {counts}") == [(2, 2, 2)]


def test_one_id_with_different_content_at_once_is_kept_once(database_url: str) -> None:
    with web_world(database_url) as world:
        drafts = [ShopDraft("a", name=f"name {n}") for n in range(10)]
        answers = at_once(*[partial(was_created, world, draft) for draft in drafts])
        assert sorted(map(str, answers)) == ["True"] + ["id_conflict"] * 9


def test_one_identity_at_once_serves_one_shop(database_url: str) -> None:
    with web_world(database_url) as world:
        drafts = [ShopDraft(f"s{n}", identity="the same") for n in range(10)]
        answers = at_once(*[partial(was_created, world, draft) for draft in drafts])
        assert sorted(map(str, answers)) == ["True"] + ["identity_used"] * 9


def test_batches_that_overlap_at_once_register_each_shop_once(database_url: str) -> None:
    with web_world(database_url) as world:
        drafts = [ShopDraft(f"s{n}", f"s{n // 2}" if n else None) for n in range(120)]
        turned, mixed = drafts[40:] + drafts[:40], drafts[::2] + drafts[1::2]
        orders: Sequence[list[ShopDraft]] = [drafts, drafts[::-1], turned, mixed]
        answers = at_once(*[partial(statuses_of, world, batch) for batch in orders])
        assert all(set(statuses) <= SETTLED for statuses in answers)
        assert sum(statuses.count("created") for statuses in answers) == 120
        wrong = world.rows(
            "SELECT s.shop_id FROM shops s JOIN shops p ON p.shop_no = s.sponsor_no "
            "WHERE s.level <> p.level + 1 OR s.uplines <> (p.shop_no || p.uplines)[1:9]"
        )
        assert wrong == []


def test_the_cap_holds_when_a_move_and_registrations_race(database_url: str) -> None:
    with web_world(database_url, "cn") as world:
        world.own_policy = replace(world.policy, on_excess="refuse")
        for n in range(8):
            start = [(f"top{n}", None), (f"mid{n}", f"top{n}"), (f"s{n}", None)]
            world.register_all([ShopDraft(shop, sponsor, joined_at=EARLY) for shop, sponsor in start])
            sponsor, shop, child = f"mid{n}", f"s{n}", f"child{n}"
            pair = [ShopDraft(f"{child}-x", shop), ShopDraft(f"{child}-y", shop)]
            calls: list[Callable[[], object]] = [
                partial(world.move, shop, sponsor),
                partial(world.register, child, shop),
                partial(world.register_all, pair),
            ]
            at_once(*calls)
        assert world.rows("SELECT shop_id FROM shops WHERE level > 3") == []
        wrong = world.rows(
            "SELECT s.shop_id FROM shops s JOIN shops p ON p.shop_no = s.sponsor_no WHERE s.level <> p.level + 1"
        )
        assert wrong == []
