"""A rank set by hand is a floor; what was earned holds wherever it is higher, whichever was said first."""

from __future__ import annotations

from datetime import UTC, datetime

from distrib.domain.plan import Plan, compile_plan
from distrib.services.rank_history import FLOOR, HAND, PROMOTION, RESTORED, RankHistory, RankRow

SHOP = 7


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def plan() -> Plan:
    ranks = [{"code": code} for code in ("member", "owner", "manager")]
    rules = [{"id": "own", "pay": "seller", "rate": "0.1"}]
    return compile_plan({"code": "main", "currency": "CNY", "ranks": ranks, "rules": rules})


def test_a_rank_set_by_hand_below_the_one_earned_takes_nothing_away() -> None:
    history = RankHistory([(SHOP, day(1), "manager", PROMOTION), (SHOP, day(5), "owner", HAND)])
    assert history.level(SHOP, day(5), plan()) == [RankRow(day(5), "manager", RESTORED)]


def test_a_rank_earned_under_a_floor_holds_once_the_floor_is_cleared() -> None:
    history = RankHistory([(SHOP, day(1), "manager", HAND), (SHOP, day(9), None, HAND)])
    assert history.rise(SHOP, day(4), "owner", plan()) == [
        RankRow(day(4), "owner", PROMOTION),
        RankRow(day(4), "manager", FLOOR),
        RankRow(day(9), "owner", RESTORED),
    ]


def test_a_rank_earned_late_outlasts_a_lower_promotion_of_later() -> None:
    history = RankHistory([(SHOP, day(6), "owner", PROMOTION)])
    assert history.rise(SHOP, day(4), "manager", plan()) == [
        RankRow(day(4), "manager", PROMOTION),
        RankRow(day(6), "manager", PROMOTION),
    ]


def test_a_floor_cleared_before_a_promotion_lets_go_of_the_rows_that_kept_it() -> None:
    given = [
        (SHOP, day(1), "manager", HAND), (SHOP, day(4), "owner", PROMOTION), (SHOP, day(4), "manager", FLOOR),
        (SHOP, day(3), None, HAND),
    ]  # fmt: skip
    history = RankHistory(sorted(given, key=lambda row: row[1]))
    assert history.level(SHOP, day(3), plan()) == [RankRow(day(4), "owner", RESTORED)]
