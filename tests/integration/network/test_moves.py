"""Shops move: dated, with all below them, never into a loop, never deeper than the policy allows at any instant."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE
from distrib.services.network import standing
from distrib.services.network.shops import ShopDraft
from distrib.store.network.standing import add_rank
from tests.world.houses import NOW, House, plan_document

EARLY = NOW - timedelta(days=100)
DAY = timedelta(days=1)


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    with House(database_url) as opened:
        yield opened


def plant(house: House, *pairs: str) -> None:
    """Registers shops as `child<sponsor`, or roots as their id alone, all joined long ago."""
    drafts = []
    for pair in pairs:
        shop, _, sponsor = pair.partition("<")
        drafts.append(ShopDraft(shop, sponsor or None, joined_at=EARLY))
    assert {result.status for result in house.register_all(drafts)} == {"created"}


def refused(house: House, *args: object) -> str:
    with pytest.raises(Refusal) as caught:
        house.move(*args)  # type: ignore[arg-type]
    return caught.value.code


def test_a_shop_moves_with_all_below_it(house: House) -> None:
    plant(house, "a", "b<a", "c<b", "d<c", "z", "y<z")
    moved = house.move("b", "y")
    assert (moved.sponsor_id, moved.level) == ("y", 3)
    assert house.above("d") == ["c", "b", "y", "z"]
    assert [house.shop(shop).level for shop in "bcd"] == [3, 4, 5]
    kept = house.rows(
        "SELECT s.shop_id, array_agg(u.shop_id ORDER BY o.n) FROM shops s, "
        "unnest(s.uplines) WITH ORDINALITY o (no, n) JOIN shops u ON u.shop_no = o.no GROUP BY 1"
    )
    assert dict(kept)["d"] == ["c", "b", "y", "z"]


def test_who_waited_while_another_moved_the_shop_moves_it_next(house: House) -> None:
    plant(house, "a", "b<a", "y", "z")
    asked = house.now
    house.now = asked + timedelta(seconds=2)
    house.move("b", "y")
    house.now = asked
    assert house.move("b", "z").sponsor_id == "z"
    house.move("b", "a", asked + DAY)
    assert refused(house, "b", "y") == "move_too_early"


def test_history_is_kept_and_the_future_waits(house: House) -> None:
    plant(house, "a", "b<a", "c<b", "z")
    house.move("b", "z", NOW + DAY)
    assert house.above("c") == ["b", "a"]
    assert (house.shop("b").sponsor_id, house.shop("c").level) == ("a", 3)
    assert house.above("c", NOW + DAY) == ["b", "z"]
    assert house.below("a") == [(1, "b"), (2, "c")]
    assert house.below("a", now=NOW + DAY) == []
    assert (house.shop("z").direct_recruits, house.shop("z", NOW + DAY).direct_recruits) == (0, 1)
    [(since,)] = house.rows("SELECT chain_since FROM shops WHERE shop_id = 'c'")
    assert since == NOW + DAY


def test_a_shop_can_become_a_root(house: House) -> None:
    plant(house, "a", "b<a", "c<b")
    assert house.move("b", None).level == 1
    assert house.above("c") == ["b"]


@pytest.mark.parametrize(
    ("shop", "sponsor", "code"),
    [
        ("a", "a", "sponsor_is_self"),
        ("a", "c", "sponsor_cycle"),
        ("a", "nobody", "sponsor_unknown"),
        ("nobody", "a", "shop_unknown"),
    ],
)
def test_a_move_that_cannot_be_is_refused(house: House, shop: str, sponsor: str, code: str) -> None:
    plant(house, "a", "b<a", "c<b")
    assert refused(house, shop, sponsor) == code
    assert house.above("c") == ["b", "a"]


def test_a_move_is_not_before_the_joining_or_the_last_move(house: House) -> None:
    plant(house, "a", "b<a", "z")
    assert refused(house, "b", "z", EARLY - DAY) == "move_too_early"
    house.move("b", "z", NOW - DAY)
    assert refused(house, "b", "a", NOW - 2 * DAY) == "move_too_early"
    house.move("b", "a", NOW)


def test_a_loop_that_would_close_in_the_future_is_refused_now(house: House) -> None:
    plant(house, "a", "b")
    house.move("a", "b", NOW + 10 * DAY)
    assert refused(house, "b", "a", NOW) == "sponsor_cycle"
    assert refused(house, "b", "a", NOW + 20 * DAY) == "sponsor_cycle"


def test_a_loop_in_the_past_alone_is_none(house: House) -> None:
    plant(house, "a", "b<a")
    house.move("b", None, NOW)
    house.move("a", "b", NOW)
    assert house.above("a") == ["b"]


def test_no_chain_grows_beyond_the_cap_by_a_move(database_url: str) -> None:
    with House(database_url, "cn") as house:
        plant(house, "a", "b<a", "x", "y<x", "lone")
        assert refused(house, "x", "b") == "tree_too_deep"
        assert refused(house, "x", "b", NOW + DAY) == "tree_too_deep"
        assert house.move("lone", "b").level == 3


def test_no_chain_grows_beyond_the_cap_at_any_instant_to_come(database_url: str) -> None:
    with House(database_url, "cn") as house:
        plant(house, "a", "b<a", "c<b", "x", "y", "z<y")
        house.move("b", None, NOW + 5 * DAY)
        assert refused(house, "x", "c") == "tree_too_deep"
        assert refused(house, "x", "c", NOW + 4 * DAY) == "tree_too_deep"
        house.move("x", "c", NOW + 5 * DAY)
        house.move("y", "a", NOW + 6 * DAY)
        assert refused(house, "a", "b", NOW + 5 * DAY) == "tree_too_deep"


def test_a_shop_joins_below_a_sponsor_that_moves_deeper_later_only_where_that_fits(database_url: str) -> None:
    with House(database_url, "cn") as house:
        plant(house, "a", "b<a", "s")
        house.move("s", "b", NOW + 5 * DAY)
        assert house.register("new", "s").introduced_by == "s"
        house.move("s", None, NOW + 6 * DAY)
        assert house.register("between", "s", joined_at=NOW + 5 * DAY).introduced_by == "s"
        assert house.register("after", "s", joined_at=NOW + 6 * DAY).sponsor_id is None
        assert house.shop("after", NOW + 6 * DAY).sponsor_id == "s"


def test_a_move_brings_the_new_sponsor_a_recruit(house: House) -> None:
    plant(house, "a", "b<a", "z")
    house.publish(plan_document(), NOW - DAY)
    house.move("b", "z")
    assert house.rows("SELECT s.shop_id FROM rank_signals r JOIN shops s USING (program_id, shop_no)") == [("z",)]


def test_a_status_holds_from_its_instant_on(house: House) -> None:
    plant(house, "a")
    assert house.set_status("a", "closed", NOW + DAY).status == "active"
    assert house.shop("a", NOW + DAY).status == "closed"
    house.set_status("a", "frozen", NOW - DAY)
    assert [house.shop("a", NOW + n * DAY).status for n in (-2, -1, 0, 1)] == ["active", "frozen", "frozen", "closed"]
    with pytest.raises(Refusal) as caught:
        house.set_status("a", "frozen", EARLY - DAY)
    assert caught.value.code == "before_joining"


def test_a_rank_by_hand_holds_until_it_ends_and_then_what_was_earned(house: House) -> None:
    plant(house, "a")
    house.publish(plan_document(ranks=[{"code": rank} for rank in ("member", "owner", "manager")]), EARLY)
    assert house.shop("a").rank == "member"
    earn(house, "owner", NOW - 9 * DAY)
    house.set_rank("a", "manager", NOW - 5 * DAY)
    assert house.shop("a").rank == "manager"
    house.set_rank("a", None, NOW - DAY)
    assert [house.shop("a", NOW + n * DAY).rank for n in (-10, -9, -5, -1, 0)] == [
        "member",
        "owner",
        "manager",
        "owner",
        "owner",
    ]
    with house.begin() as conn:
        history, _ = standing.rank_history(conn, house.program, "a")
        page, cursor = standing.rank_history(conn, house.program, "a", limit=3)
        rest, end = standing.rank_history(conn, house.program, "a", cursor, limit=3)
    assert [(change.rank, change.cause) for change in history] == [
        ("owner", "promotion"),
        ("manager", "hand"),
        (None, "hand"),
        ("owner", "restored"),
    ]
    assert (page + rest, end) == (history, None)


def test_a_rank_set_and_ended_at_one_instant_is_ended(house: House) -> None:
    plant(house, "a")
    house.publish(plan_document(), EARLY)
    house.set_rank("a", "owner", NOW)
    house.set_rank("a", None, NOW)
    assert house.shop("a").rank == "member"


def test_a_rank_the_plan_does_not_have_is_refused(house: House) -> None:
    plant(house, "a")
    house.publish(plan_document(), EARLY)
    with pytest.raises(Refusal) as caught:
        house.set_rank("a", "emperor", NOW)
    assert caught.value.code == "rank_unknown"


def earn(house: House, rank: str, at: datetime) -> None:
    with house.begin() as conn:
        [number] = [row[0] for row in house.rows("SELECT shop_no FROM shops WHERE shop_id = 'a'")]
        program_id = house.program.program_id
        add_rank(conn, program_id, number, at, rank, "promotion", "{}", NOW, COMMAND_LINE.key_id)
