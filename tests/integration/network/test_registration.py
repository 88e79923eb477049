"""Shops join: once, below whom they say, within the policy's levels, and each with its own answer."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Actor, ListPart, Unit
from distrib.services.network import shops
from distrib.services.network.shops import ShopDraft
from tests.world.documents import plan_document
from tests.world.world import NOW, World, web_world


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with web_world(database_url) as opened:
        yield opened


def refusal_of(world: World, draft: ShopDraft) -> str:
    with pytest.raises(Refusal) as caught:
        world.register_again(draft)
    return caught.value.code


def statuses(world: World, *drafts: ShopDraft) -> list[tuple[str, str, str | None]]:
    return [(result.id, result.status, result.code) for result in world.register_all(drafts)]


def test_a_shop_without_sponsor_is_a_root_of_level_one(world: World) -> None:
    shop = world.register("a", name="晴天小店", attributes={"city": "杭州"})
    assert (shop.level, shop.sponsor_id, shop.status, shop.direct_recruits) == (1, None, "active", 0)
    assert (shop.name, shop.attributes, shop.joined_at) == ("晴天小店", {"city": "杭州"}, NOW)


def test_a_sponsor_is_named_by_id_or_by_invite_code(world: World) -> None:
    root = world.register("a")
    assert world.register("b", "a").sponsor_id == "a"
    assert world.register("c", invite_code=root.invite_code).sponsor_id == "a"
    assert world.shop("a").direct_recruits == 2


def test_the_same_registration_again_answers_as_the_first_time(world: World) -> None:
    world.register("a")
    joined_at = NOW - timedelta(days=3)
    draft = ShopDraft("b", "a", name="B", joined_at=joined_at, identity="id-1", attributes={"x": 1, "y": 2})
    first, created = world.register_again(draft)
    later = replace(draft, attributes={"y": 2, "x": 1})
    assert created
    assert world.register_again(later) == (first, False)
    changes: list[dict[str, Any]] = [
        {"name": None},
        {"sponsor_id": None},
        {"identity": "id-2"},
        {"joined_at": None},
        {"attributes": {}},
    ]
    for change in changes:
        assert refusal_of(world, replace(draft, **change)) == "id_conflict"


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (ShopDraft("b", "nobody"), "sponsor_unknown"),
        (ShopDraft("b", invite_code="NOBODYS"), "sponsor_unknown"),
        (ShopDraft("b", "b"), "sponsor_is_self"),
        (ShopDraft("b", "a", invite_code="X"), "sponsor_and_invite_code"),
        (ShopDraft("b", "shut"), "sponsor_not_active"),
        (ShopDraft("b", identity="known"), "identity_used"),
    ],
)
def test_a_registration_that_does_not_fit_is_refused_by_name(world: World, draft: ShopDraft, code: str) -> None:
    world.register("a", identity="known")
    world.register("shut")
    world.set_status("shut", "closed")
    assert refusal_of(world, draft) == code
    assert world.rows("SELECT count(*) FROM shops") == [(2,)]


def test_a_batch_may_name_sponsors_before_or_after_those_they_brought(world: World) -> None:
    drafts = [ShopDraft("d", "c"), ShopDraft("c", "b"), ShopDraft("a"), ShopDraft("b", "a")]
    assert [status for _, status, _ in statuses(world, *drafts)] == ["created"] * 4
    assert world.above("d") == ["c", "b", "a"]
    assert [world.shop(shop).level for shop in "abcd"] == [1, 2, 3, 4]


def test_one_refusal_in_a_batch_touches_no_other(world: World) -> None:
    world.register("a")
    results = statuses(
        world,
        ShopDraft("ok", "a"),
        ShopDraft("x", "y"),
        ShopDraft("y", "x"),
        ShopDraft("below-x", "x"),
        ShopDraft("me", "me"),
        ShopDraft("lost", "nobody"),
        ShopDraft("a"),
        ShopDraft("a", name="other"),
        ShopDraft("ok", "a"),
        ShopDraft("twin-1", identity="same"),
        ShopDraft("twin-2", identity="same"),
    )
    assert results == [
        ("ok", "created", None),
        ("x", "refused", "sponsor_cycle"),
        ("y", "refused", "sponsor_cycle"),
        ("below-x", "refused", "sponsor_unknown"),
        ("me", "refused", "sponsor_is_self"),
        ("lost", "refused", "sponsor_unknown"),
        ("a", "unchanged", None),
        ("a", "refused", "id_conflict"),
        ("ok", "unchanged", None),
        ("twin-1", "created", None),
        ("twin-2", "refused", "identity_used"),
    ]


def test_a_batch_again_changes_nothing(world: World) -> None:
    drafts = [ShopDraft(f"s{n}", f"s{n // 3}" if n else None) for n in range(200)]
    first = world.register_all(drafts)
    assert {result.status for result in first} == {"created"}
    assert {result.status for result in world.register_all(drafts)} == {"unchanged"}
    assert world.rows("SELECT count(*) FROM referrals") == world.rows("SELECT count(*) FROM shop_statuses") == [(200,)]


def test_a_chain_longer_than_the_nine_kept_is_read_whole(world: World) -> None:
    drafts = [ShopDraft(f"s{n}", f"s{n - 1}" if n else None) for n in range(15)]
    world.register_all(drafts)
    assert world.above("s14") == [f"s{n}" for n in range(13, -1, -1)]
    assert world.shop("s14").level == 15
    [(kept,)] = world.rows("SELECT cardinality(uplines) FROM shops WHERE shop_id = 's14'")
    assert kept == 9


@pytest.mark.parametrize("is_split", [True, False])
def test_under_detach_a_shop_too_deep_joins_as_a_root_and_keeps_who_introduced_it(
    database_url: str, is_split: bool
) -> None:
    drafts = [ShopDraft("a"), ShopDraft("b", "a"), ShopDraft("c", "b"), ShopDraft("d", "c"), ShopDraft("e", "d")]
    with web_world(database_url, "cn") as world:
        for step in [[draft] for draft in drafts] if is_split else [drafts]:
            world.register_all(step)
        shops_by_id = {shop: world.shop(shop) for shop in "abcde"}
    assert [shops_by_id[shop].level for shop in "abcde"] == [1, 2, 3, 1, 2]
    assert (shops_by_id["d"].sponsor_id, shops_by_id["d"].introduced_by) == (None, "c")
    assert (shops_by_id["e"].sponsor_id, shops_by_id["e"].introduced_by, shops_by_id["c"].direct_recruits) == (
        "d",
        None,
        0,
    )


def test_under_refuse_a_shop_too_deep_is_refused(database_url: str) -> None:
    with web_world(database_url, "cn") as world:
        world.own_policy = replace(world.policy, on_excess="refuse")
        world.register_all([ShopDraft("a"), ShopDraft("b", "a"), ShopDraft("c", "b")])
        assert refusal_of(world, ShopDraft("d", "c")) == "tree_too_deep"


def test_admission_decides_how_a_shop_comes_in(database_url: str) -> None:
    with web_world(database_url, admission="invite", identity_required=True) as world:
        assert refusal_of(world, ShopDraft("a", identity="i")) == "sponsor_required"
        world.program = replace(world.program, admission="review")
        assert refusal_of(world, ShopDraft("a")) == "identity_required"
        assert world.register("a", identity="i").status == "pending"


def test_an_identity_is_kept_as_a_keyed_hash_alone(world: World) -> None:
    world.register("a", identity="330106199001011234")
    [(dump,)] = world.rows("SELECT string_agg(s::text, '') FROM shops s")
    [(size,)] = world.rows("SELECT octet_length(identity_hash) FROM shops")
    assert "330106199001011234" not in dump
    assert size == 32


def test_a_partner_brings_shops_in_below_its_own_alone(world: World) -> None:
    world.register_all([ShopDraft("root"), *(ShopDraft(f"s{n}", f"s{n - 1}" if n else "root") for n in range(14))])
    world.register("other")
    own = world.shop("s0")
    partner = Actor("k", "partner", "partner", own.shop_no, "s0")
    assert world.register("n1", "s0", partner).level == 3
    assert world.register("n2", "s13", partner).level == 16
    for sponsor in (None, "root", "other", "nobody"):
        with pytest.raises(Refusal, match="role"):
            world.register("n3", sponsor, partner)


def test_a_partner_learns_nothing_of_a_shop_elsewhere_by_registering_it_again(world: World) -> None:
    world.register_all([ShopDraft("root"), ShopDraft("own", "root"), ShopDraft("below", "own"), ShopDraft("other")])
    partner = Actor("k", "partner", "partner", world.shop("own").shop_no, "own")
    for shop, sponsor in (("other", None), ("root", None)):
        with pytest.raises(Refusal, match="role"):
            world.register(shop, sponsor, partner)
    assert world.register("below", "own", partner).sponsor_id == "own"
    assert world.register("own", "root", partner).id == "own"


def test_a_recruit_is_a_reason_to_look_at_its_sponsors_rank(world: World) -> None:
    world.register("a")
    world.register("b", "a")
    assert world.rows("SELECT count(*) FROM rank_signals") == [(0,)]
    world.publish(plan_document(), NOW - timedelta(days=10))
    world.register("c", "a", joined_at=NOW - timedelta(days=2))
    world.register("old", "a", joined_at=NOW - timedelta(days=20))
    signals = world.rows("SELECT r.day::text, s.shop_id FROM rank_signals r JOIN shops s USING (program_id, shop_no)")
    assert sorted(signals) == [("2026-03-07", "a"), ("2026-03-09", "a")]


def test_the_tree_below_comes_level_by_level_and_in_pages(world: World) -> None:
    world.register_all([ShopDraft("a"), *(ShopDraft(f"b{n}", "a") for n in range(3)), ShopDraft("c", "b0")])
    assert [distance for distance, _ in world.below("a")] == [1, 1, 1, 2]
    assert world.below("a", levels=1) == [(1, "b0"), (1, "b1"), (1, "b2")]
    cursor, seen = None, []
    with world.begin() as conn:
        while True:
            page, cursor = shops.downline(Unit(conn, world.program, COMMAND_LINE, NOW), "a", None, ListPart(cursor, 2))
            seen += [(shop.id, shop.level, shop.sponsor_id) for shop in page]
            if cursor is None:
                break
    assert seen == [("b0", 2, "a"), ("b1", 2, "a"), ("b2", 2, "a"), ("c", 3, "b0")]
