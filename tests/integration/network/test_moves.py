"""Shops move: dated, with all below them, never into a loop, never deeper than the policy allows at any instant."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, ListPart, Unit
from distrib.services.network import standing
from distrib.services.network.shops import ShopDraft, downline
from distrib.store.network.standing import NewRank, add_rank
from distrib.store.recorded import Recorded
from tests.world.documents import plan_document
from tests.world.world import NOW, World, web_world

EARLY = NOW - timedelta(days=100)
DAY = timedelta(days=1)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with web_world(database_url) as opened:
        yield opened


def plant(world: World, *pairs: str) -> None:
    """Registers shops as `child<sponsor`, or roots as their id alone, all joined long ago."""
    drafts = []
    for pair in pairs:
        shop, _, sponsor = pair.partition("<")
        drafts.append(ShopDraft(shop, sponsor or None, joined_at=EARLY))
    assert {result.status for result in world.register_all(drafts)} == {"created"}


def refused(world: World, *args: object) -> str:
    with pytest.raises(Refusal) as caught:
        world.move(*args)  # type: ignore[arg-type]
    return caught.value.code


def test_a_shop_moves_with_all_below_it(world: World) -> None:
    plant(world, "a", "b<a", "c<b", "d<c", "z", "y<z")
    moved = world.move("b", "y")
    assert (moved.sponsor_id, moved.level) == ("y", 3)
    assert world.above("d") == ["c", "b", "y", "z"]
    assert [world.shop(shop).level for shop in "bcd"] == [3, 4, 5]
    kept = world.rows(
        "SELECT s.shop_id, array_agg(u.shop_id ORDER BY o.n) FROM shops s, "
        "unnest(s.uplines) WITH ORDINALITY o (no, n) JOIN shops u ON u.shop_no = o.no GROUP BY 1"
    )
    assert dict(kept)["d"] == ["c", "b", "y", "z"]


def test_a_page_of_the_shops_directly_below_has_who_stands_there_now_each_once(world: World) -> None:
    plant(world, "top", "other", *(f"b{number}<top" for number in range(5)), "c<b0")
    for shop, sponsor in (("b1", "other"), ("b2", "other"), ("b1", "top")):
        world.move(shop, sponsor)
        world.stopped_at = world.now() + timedelta(seconds=1)
    for levels, below in ((1, ["b0", "b1", "b3", "b4"]), (None, ["b0", "b1", "b3", "b4", "c"])):
        seen: list[str] = []
        cursor = None
        with world.begin() as conn:
            while cursor is not None or not seen:
                page, cursor = downline(
                    Unit(conn, world.program, COMMAND_LINE, world.now()), "top", levels, ListPart(cursor, 2)
                )
                seen += [shop.id for shop in page]
        assert seen == below


def test_who_waited_while_another_moved_the_shop_moves_it_next(world: World) -> None:
    plant(world, "a", "b<a", "y", "z")
    asked = world.now()
    world.stopped_at = asked + timedelta(seconds=2)
    world.move("b", "y")
    world.stopped_at = asked
    assert world.move("b", "z").sponsor_id == "z"
    world.move("b", "a", asked + DAY)
    assert refused(world, "b", "y") == "move_too_early"


def test_history_is_kept_and_the_future_waits(world: World) -> None:
    plant(world, "a", "b<a", "c<b", "z")
    world.move("b", "z", NOW + DAY)
    assert world.above("c") == ["b", "a"]
    assert (world.shop("b").sponsor_id, world.shop("c").level) == ("a", 3)
    assert world.above("c", NOW + DAY) == ["b", "z"]
    assert world.below("a") == [(1, "b"), (2, "c")]
    assert world.below("a", now=NOW + DAY) == []
    assert (world.shop("z").direct_recruits, world.shop("z", NOW + DAY).direct_recruits) == (0, 1)
    [(since,)] = world.rows("SELECT chain_since FROM shops WHERE shop_id = 'c'")
    assert since == NOW + DAY


def test_a_shop_can_become_a_root(world: World) -> None:
    plant(world, "a", "b<a", "c<b")
    assert world.move("b", None).level == 1
    assert world.above("c") == ["b"]


@pytest.mark.parametrize(
    ("shop", "sponsor", "code"),
    [
        ("a", "a", "sponsor_is_self"),
        ("a", "c", "sponsor_cycle"),
        ("a", "nobody", "sponsor_unknown"),
        ("nobody", "a", "shop_unknown"),
    ],
)
def test_a_move_that_cannot_be_is_refused(world: World, shop: str, sponsor: str, code: str) -> None:
    plant(world, "a", "b<a", "c<b")
    assert refused(world, shop, sponsor) == code
    assert world.above("c") == ["b", "a"]


def test_a_move_is_not_before_the_joining_or_the_last_move(world: World) -> None:
    plant(world, "a", "b<a", "z")
    assert refused(world, "b", "z", EARLY - DAY) == "move_too_early"
    world.move("b", "z", NOW - DAY)
    assert refused(world, "b", "a", NOW - 2 * DAY) == "move_too_early"
    world.move("b", "a", NOW)


def test_a_loop_that_would_close_in_the_future_is_refused_now(world: World) -> None:
    plant(world, "a", "b")
    world.move("a", "b", NOW + 10 * DAY)
    assert refused(world, "b", "a", NOW) == "sponsor_cycle"
    assert refused(world, "b", "a", NOW + 20 * DAY) == "sponsor_cycle"


def test_a_loop_in_the_past_alone_is_none(world: World) -> None:
    plant(world, "a", "b<a")
    world.move("b", None, NOW)
    world.move("a", "b", NOW)
    assert world.above("a") == ["b"]


def test_no_chain_grows_beyond_the_cap_by_a_move(database_url: str) -> None:
    with web_world(database_url, "cn") as world:
        plant(world, "a", "b<a", "x", "y<x", "lone")
        assert refused(world, "x", "b") == "tree_too_deep"
        assert refused(world, "x", "b", NOW + DAY) == "tree_too_deep"
        assert world.move("lone", "b").level == 3


def test_no_chain_grows_beyond_the_cap_at_any_instant_to_come(database_url: str) -> None:
    with web_world(database_url, "cn") as world:
        plant(world, "a", "b<a", "c<b", "x", "y", "z<y")
        world.move("b", None, NOW + 5 * DAY)
        assert refused(world, "x", "c") == "tree_too_deep"
        assert refused(world, "x", "c", NOW + 4 * DAY) == "tree_too_deep"
        world.move("x", "c", NOW + 5 * DAY)
        world.move("y", "a", NOW + 6 * DAY)
        assert refused(world, "a", "b", NOW + 5 * DAY) == "tree_too_deep"


def test_a_shop_joins_below_a_sponsor_that_moves_deeper_later_only_where_that_fits(database_url: str) -> None:
    with web_world(database_url, "cn") as world:
        plant(world, "a", "b<a", "s")
        world.move("s", "b", NOW + 5 * DAY)
        assert world.register("new", "s").introduced_by == "s"
        world.move("s", None, NOW + 6 * DAY)
        assert world.register("between", "s", joined_at=NOW + 5 * DAY).introduced_by == "s"
        assert world.register("after", "s", joined_at=NOW + 6 * DAY).sponsor_id is None
        assert world.shop("after", NOW + 6 * DAY).sponsor_id == "s"


def test_a_move_brings_the_new_sponsor_a_recruit(world: World) -> None:
    plant(world, "a", "b<a", "z")
    world.publish(plan_document(), NOW - DAY)
    world.move("b", "z")
    assert world.rows("SELECT s.shop_id FROM rank_signals r JOIN shops s USING (program_id, shop_no)") == [("z",)]


def test_a_status_holds_from_its_instant_on(world: World) -> None:
    plant(world, "a")
    assert world.set_status("a", "closed", NOW + DAY).status == "active"
    assert world.shop("a", NOW + DAY).status == "closed"
    world.set_status("a", "frozen", NOW - DAY)
    assert [world.shop("a", NOW + n * DAY).status for n in (-2, -1, 0, 1)] == ["active", "frozen", "frozen", "closed"]
    with pytest.raises(Refusal) as caught:
        world.set_status("a", "frozen", EARLY - DAY)
    assert caught.value.code == "before_joining"


def test_a_rank_by_hand_holds_until_it_ends_and_then_what_was_earned(world: World) -> None:
    plant(world, "a")
    world.publish(plan_document(ranks=[{"code": rank} for rank in ("member", "owner", "manager")]), EARLY)
    assert world.shop("a").rank == "member"
    earn(world, "owner", NOW - 9 * DAY)
    world.set_rank("a", "manager", NOW - 5 * DAY)
    assert world.shop("a").rank == "manager"
    world.set_rank("a", None, NOW - DAY)
    assert [world.shop("a", NOW + n * DAY).rank for n in (-10, -9, -5, -1, 0)] == [
        "member",
        "owner",
        "manager",
        "owner",
        "owner",
    ]
    with world.begin() as conn:
        history, _ = standing.rank_history(conn, world.program, "a")
        page, cursor = standing.rank_history(conn, world.program, "a", limit=3)
        rest, end = standing.rank_history(conn, world.program, "a", cursor, limit=3)
    assert [(change.rank, change.cause) for change in history] == [
        ("owner", "promotion"),
        ("manager", "hand"),
        (None, "hand"),
        ("owner", "restored"),
    ]
    assert (page + rest, end) == (history, None)


def test_a_rank_set_and_ended_at_one_instant_is_ended(world: World) -> None:
    plant(world, "a")
    world.publish(plan_document(), EARLY)
    world.set_rank("a", "owner", NOW)
    world.set_rank("a", None, NOW)
    assert world.shop("a").rank == "member"


def test_a_rank_the_plan_does_not_have_is_refused(world: World) -> None:
    plant(world, "a")
    world.publish(plan_document(), EARLY)
    with pytest.raises(Refusal) as caught:
        world.set_rank("a", "emperor", NOW)
    assert caught.value.code == "rank_unknown"


def earn(world: World, rank: str, earned_at: datetime) -> None:
    with world.begin() as conn:
        [number] = [row[0] for row in world.rows("SELECT shop_no FROM shops WHERE shop_id = 'a'")]
        program_id = world.program.program_id
        earned = NewRank(number, earned_at, rank, "promotion", "{}")
        add_rank(conn, program_id, earned, Recorded(NOW, COMMAND_LINE.key_id))
