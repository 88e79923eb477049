"""Promotions by the event that earns them, for every metric that reads more than a shop's own sales."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.world.documents import line, refunded, settled
from tests.world.world import World, chain

SHANGHAI = ZoneInfo("Asia/Shanghai")


def instant_of(day: int, hour: int = 12) -> datetime:
    """An instant of March 2026 in Shanghai."""
    return datetime(2026, 3, day, hour, tzinfo=SHANGHAI).astimezone(UTC)


def plan(*promotions: dict[str, Any]) -> dict[str, Any]:
    codes = ("owner", "manager", "director")
    ranks = [{"code": code, "promote": promote} for code, promote in zip(codes, promotions, strict=False)]
    return {
        "code": "p",
        "currency": "CNY",
        "hold_days": 0,
        "tiers": 1,
        "ranks": [{"code": "member"}, *ranks],
        "rules": [
            {"id": "s", "pay": "seller", "rate": "0.10"},
            {"id": "u", "pay": "upline", "tier": 1, "rate": "0.05"},
        ],
    }


def sale(order: str, shop: str, when: datetime, amount: int = 1_000, **more: Any) -> dict[str, Any]:
    return settled(f"e-{order}", order, shop, line(amount), paid_at=when, occurred_at=when, **more)


def ranks(world: World) -> dict[str, list[tuple[str, datetime]]]:
    rows = world.rows(
        "SELECT s.shop_id, r.rank, r.effective_at FROM shop_ranks r JOIN shops s USING (program_id, shop_no)"
        " WHERE program_id = :program ORDER BY r.effective_at, r.seq"
    )
    ranks_by_shop: dict[str, list[tuple[str, datetime]]] = {}
    for shop, rank, effective_at in rows:
        ranks_by_shop.setdefault(shop, []).append((rank, effective_at))
    return ranks_by_shop


def test_distinct_buyers_promote_and_nobody_oneself_and_who_gave_all_back_are_none(world: World) -> None:
    world.publish(plan({"metric": "customers", "window": "30d", "at_least": 2}))
    world.join(("s", None), ("t", None))
    world.earn(
        sale("s0", "s", instant_of(2), customer_id="c0"),
        refunded("r0", "s0", None, instant_of(2, 13)),
        sale("s1", "s", instant_of(3), customer_id="c1"),
        sale("s2", "s", instant_of(3, 15), customer_id="c1"),
        sale("s3", "s", instant_of(4)),
        sale("s4", "s", instant_of(5), customer_id="s"),
        sale("s5", "s", instant_of(6), customer_id="c2"),
        sale("t1", "t", instant_of(2), customer_id="c1"),
        sale("t2", "t", instant_of(9), customer_id="c2"),
    )
    assert ranks(world) == {"s": [("owner", instant_of(7, 0))], "t": [("owner", instant_of(10, 0))]}


def test_a_recruits_sale_promotes_its_sponsor_by_active_recruits(world: World) -> None:
    world.publish(plan({"metric": "active_recruits", "window": "7d", "at_least": 2}))
    world.join(("top", None), ("s", "top"), ("a", "s"), ("b", "s"), ("c", "b"))
    world.earn(
        sale("a1", "a", instant_of(2)),
        sale("a2", "a", instant_of(3)),
        sale("c1", "c", instant_of(4)),
        sale("b1", "b", instant_of(5)),
    )
    assert ranks(world) == {"s": [("owner", instant_of(6, 0))]}


def test_recruits_count_from_a_rank_on_as_it_stands_at_the_look_though_days_are_decided_together(world: World) -> None:
    own = {"metric": "personal_sales_minor", "at_least": 1_000}
    world.publish(plan(own, {"metric": "active_recruits", "min_rank": "owner", "window": "ever", "at_least": 1}))
    world.join(("s", None), ("a", "s"))
    world.post(sale("a1", "a", instant_of(2)))
    world.drain()
    assert "s" not in ranks(world)
    world.earn(sale("a2", "a", instant_of(3, 1), 10))
    assert ranks(world) == {"a": [("owner", instant_of(3, 0))], "s": [("manager", instant_of(4, 0))]}


def test_days_that_are_decided_in_one_go_see_the_ranks_of_the_days_before(world: World) -> None:
    own = {"metric": "personal_sales_minor", "at_least": 1_000}
    world.publish(plan(own, {"metric": "direct_recruits", "at_least": 9}))
    world.join(*chain("s", "a"), joined_at=instant_of(1))
    world.earn(
        sale("a1", "a", instant_of(2), 900), sale("a2", "a", instant_of(3), 100), sale("a3", "a", instant_of(5), 10)
    )
    later = plan(own, {"metric": "active_recruits", "min_rank": "owner", "at_least": 1})
    world.publish({**later, "code": "later"}, instant_of(6, 0))
    world.join(("x", "s"), joined_at=instant_of(7))
    world.join(("y", "a"), joined_at=instant_of(8))
    world.drain()
    assert ranks(world) == {"a": [("owner", instant_of(4, 0))], "s": [("manager", instant_of(8, 0))]}


def test_what_an_order_pays_promotes_whoever_it_pays_and_what_is_taken_back_does_not_count(world: World) -> None:
    world.publish(plan({"metric": "earned_minor", "window": "month", "at_least": 100}))
    world.join(*chain("top", "up", "s"))
    world.earn(
        sale("o1", "s", instant_of(2), 1_000),
        refunded("r1", "o1", None, instant_of(2, 13)),
        sale("o2", "s", instant_of(3), 900),
        sale("o3", "s", instant_of(4), 100, customer_id="s"),
        sale("o4", "s", instant_of(5), 1_200),
    )
    assert ranks(world) == {"s": [("owner", instant_of(3, 0))], "up": [("owner", instant_of(6, 0))]}


def test_earnings_of_an_entry_line_promote_nobody(world: World) -> None:
    world.publish(plan({"metric": "earned_minor", "at_least": 100}))
    world.join(("s", None))
    entry = settled("e1", "o1", "s", line(5_000, entry=True), line(500, "2"), paid_at=instant_of(2))
    assert world.earn(entry) == {"s": 550}
    assert ranks(world) == {}
    world.earn(sale("o2", "s", instant_of(3), 500))
    assert ranks(world) == {"s": [("owner", instant_of(4, 0))]}


def test_sales_that_become_known_after_a_recruit_was_gained_promote_by_that_recruit_all_the_same(world: World) -> None:
    both = {"all": [{"metric": "direct_recruits", "at_least": 1}, {"metric": "team_sales_minor", "at_least": 2_000}]}
    own = {"all": [{"metric": "direct_recruits", "at_least": 1}, {"metric": "personal_sales_minor", "at_least": 3_000}]}
    both["all"][1]["levels"] = 2
    world.publish(plan(both, own))
    world.join(("top", None), ("s", None), ("other", None), ("late", None))
    world.join(("r", "s"), ("a", "other"), joined_at=instant_of(4))
    world.move("other", "top", instant_of(6))
    world.move("late", "top", instant_of(7))
    world.drain()
    assert ranks(world) == {}
    world.earn(sale("s1", "s", instant_of(2), 3_000), sale("a1", "a", instant_of(5), 2_000))
    assert ranks(world) == {
        "s": [("manager", instant_of(5, 0))],
        "other": [("owner", instant_of(6, 0))],
        "top": [("owner", instant_of(7, 0))],
    }


def test_a_move_to_come_is_a_reason_to_look_when_its_time_has_come(world: World) -> None:
    recruits = {"metric": "direct_recruits", "at_least": 1}
    world.publish(plan({"all": [recruits, {"metric": "team_sales_minor", "at_least": 2_000, "levels": 1}]}))
    world.join(("s", None), ("a", None))
    world.move("a", "s", instant_of(12))
    world.earn(sale("a1", "a", instant_of(5), 1_000))
    assert ranks(world) == {}
    world.stopped_at = instant_of(12, 13)
    world.earn(sale("a2", "a", instant_of(11), 1_000))
    assert ranks(world) == {"s": [("owner", instant_of(13, 0))]}
