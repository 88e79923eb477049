"""What a worker keeps of shops between batches holds until somebody changes them, whoever and whenever that is."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from distrib.store.network import kept_shops
from distrib.store.network.chains import ShopStates
from distrib.store.network.kept_shops import KeptShops
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World, chain

_RANKED = text("UPDATE shops SET rank = :rank WHERE program_id = :program AND shop_id = :shop")


@pytest.fixture
def shops(world: World) -> World:
    """Three shops, one above the other."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a", "b", "c"))
    return world


def rank_seen(world: World, shop_id: str) -> str | None:
    """The rank of a shop as a batch of the worker sees it."""
    with world.container.worker_engine.begin() as conn:
        states = ShopStates(conn, world.program.program_id)
        states.load([shop_id])
        return states.by_id[shop_id].rank


def set_rank(world: World, shop_id: str, rank: str) -> None:
    """Changes a shop as any statement may: without the history that the audit asks for."""
    with world.begin() as conn:
        conn.execute(_RANKED, {"program": world.program.program_id, "shop": shop_id, "rank": rank})


@pytest.mark.tampers
def test_a_shop_is_read_once_and_again_when_it_has_changed(shops: World) -> None:
    assert rank_seen(shops, "c") is None
    with shops.container.worker_engine.begin() as conn:
        kept = kept_shops.kept_shops(conn, shops.program.program_id)
        assert sorted(kept.numbers) == ["a", "b", "c"]
    set_rank(shops, "b", "gold")
    with shops.container.worker_engine.begin() as conn:
        kept = kept_shops.kept_shops(conn, shops.program.program_id)
        assert sorted(kept.numbers) == ["a", "c"]
    assert rank_seen(shops, "b") == "gold"


@pytest.mark.tampers
def test_a_change_that_began_before_the_last_look_and_ended_after_it_is_seen(shops: World) -> None:
    rank_seen(shops, "a")
    with shops.container.web_engine.connect() as other:
        other.execute(text("SELECT set_config('distrib.program_id', :p, false)"), {"p": str(shops.program.program_id)})
        other.execute(_RANKED, {"program": shops.program.program_id, "shop": "a", "rank": "gold"})
        set_rank(shops, "b", "gold")
        assert rank_seen(shops, "a") is None
        assert rank_seen(shops, "b") == "gold"
        other.commit()
    assert rank_seen(shops, "a") == "gold"


def test_what_a_transaction_changed_itself_is_not_kept_beyond_it(shops: World) -> None:
    with shops.container.worker_engine.connect() as conn:
        conn.execute(_RANKED, {"program": shops.program.program_id, "shop": "a", "rank": "gold"})
        states = ShopStates(conn, shops.program.program_id)
        states.load(["a"])
        assert states.by_id["a"].rank == "gold"
        conn.rollback()
    assert rank_seen(shops, "a") is None


@pytest.mark.tampers
def test_what_a_transaction_changes_after_its_look_is_read_again_when_it_is_through(shops: World) -> None:
    values = {"program": shops.program.program_id, "shop": "a"}
    with shops.container.worker_engine.begin() as conn:
        conn.execute(text("SELECT pg_current_xact_id()"))
        set_rank(shops, "b", "gold")  # a transaction that began later and is through: snapshots reach beyond this one
        states = ShopStates(conn, shops.program.program_id)
        states.load(["a"])
        assert states.by_id["a"].rank is None
        conn.execute(_RANKED, {**values, "rank": "gold"})
    assert [rank_seen(shops, "a") for _ in range(3)] == ["gold"] * 3  # on whichever connection


def test_names_and_attributes_change_nothing_that_is_kept(shops: World) -> None:
    rank_seen(shops, "c")
    with shops.begin() as conn:
        conn.execute(text("UPDATE shops SET name = 'other' WHERE program_id = :p"), {"p": shops.program.program_id})
    assert shops.rows("SELECT shop_no FROM shop_changes WHERE program_id = :program") == []


@pytest.mark.tampers
def test_a_change_of_very_many_shops_is_noted_once_and_all_are_forgotten(shops: World) -> None:
    shops.join(*((f"s{number}", "a") for number in range(1_001)))
    rank_seen(shops, "s7")
    with shops.begin() as conn:
        conn.execute(text("UPDATE shops SET rank = 'gold' WHERE program_id = :p"), {"p": shops.program.program_id})
    assert [row.shop_no for row in shops.rows("SELECT shop_no FROM shop_changes WHERE program_id = :program")] == [0]
    assert rank_seen(shops, "s7") == "gold"


def test_no_more_shops_are_kept_than_there_is_room_for(shops: World) -> None:
    with shops.container.worker_engine.begin() as conn:
        states = ShopStates(conn, shops.program.program_id)
        states.load(["c"])
    kept = KeptShops()
    kept.keep([states.by_id[name] for name in "abc"], room=2)
    assert list(kept.numbers) == ["b", "c"]
    assert list(kept.by_number) == [states.by_id[name].shop_no for name in "bc"]


def test_an_order_after_a_move_pays_those_who_stand_above_now(shops: World) -> None:
    shops.publish(
        {
            **SELLER_TEN_PERCENT,
            "code": "two",
            "tiers": 1,
            "rules": [{"id": "up", "pay": "upline", "tier": 1, "rate": "0.10"}],
        },
        datetime(2020, 2, 1, tzinfo=UTC),
    )
    assert shops.earn(settled("e1", "o1", "c", line(10_000))) == {"b": 1_000}
    shops.move("c", "a", datetime(2026, 2, 1, tzinfo=UTC))
    assert shops.earn(settled("e2", "o2", "c", line(10_000))) == {"b": 1_000, "a": 1_000}
