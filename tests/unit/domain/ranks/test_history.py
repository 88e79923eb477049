"""A rank set by hand is a floor; what was earned holds wherever it is higher, whichever was said first."""

from __future__ import annotations

from datetime import UTC, datetime

from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.ranks.history import (
    EVALUATION,
    FLOOR,
    HAND,
    MAPPED,
    PROMOTION,
    RESTORED,
    DatedRank,
    Ladder,
    RankHistory,
)

SHOP = 7


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def plan() -> Plan:
    ranks = [{"code": code} for code in ("member", "owner", "manager")]
    rules = [{"id": "own", "pay": "seller", "rate": "0.1"}]
    return compile_plan({"code": "main", "currency": "CNY", "ranks": ranks, "rules": rules})


def test_a_rank_set_by_hand_below_the_one_earned_takes_nothing_away() -> None:
    history = RankHistory([(SHOP, day(1), "manager", PROMOTION), (SHOP, day(5), "owner", HAND)])
    assert history.complete(SHOP, day(5), plan()) == [DatedRank(day(5), "manager", RESTORED)]


def test_a_rank_earned_under_a_floor_holds_once_the_floor_is_cleared() -> None:
    history = RankHistory([(SHOP, day(1), "manager", HAND), (SHOP, day(9), None, HAND)])
    assert history.promote(SHOP, day(4), "owner", plan()) == [
        DatedRank(day(4), "owner", PROMOTION),
        DatedRank(day(4), "manager", FLOOR),
        DatedRank(day(9), "owner", RESTORED),
    ]


def test_a_rank_earned_late_outlasts_a_lower_promotion_of_later() -> None:
    history = RankHistory([(SHOP, day(6), "owner", PROMOTION)])
    assert history.promote(SHOP, day(4), "manager", plan()) == [
        DatedRank(day(4), "manager", PROMOTION),
        DatedRank(day(6), "manager", PROMOTION),
    ]


def test_a_floor_cleared_before_a_promotion_lets_go_of_the_rows_that_kept_it() -> None:
    given = [
        (SHOP, day(1), "manager", HAND),
        (SHOP, day(4), "owner", PROMOTION),
        (SHOP, day(4), "manager", FLOOR),
        (SHOP, day(3), None, HAND),
    ]
    history = RankHistory(sorted(given, key=lambda row: row[1]))
    assert history.complete(SHOP, day(3), plan()) == [DatedRank(day(4), "owner", RESTORED)]


def laddered(*maps: tuple[int, dict[str, str], tuple[str, ...]]) -> Ladder:
    """Versions by the day on which they begin: what each maps, and its ranks."""
    entries = []
    for begins, rank_map, codes in maps:
        ranks = [{"code": code} for code in codes]
        rules = [{"id": "own", "pay": "seller", "rate": "0.1"}]
        document = {"code": "main", "currency": "CNY", "ranks": ranks, "rules": rules, "rank_map": rank_map or None}
        entries.append((day(begins), compile_plan(document)))
    return Ladder(entries)


CODES = ("member", "owner", "manager")
RENAMED = laddered((1, {}, CODES), (10, {"manager": "head"}, ("member", "owner", "head")))


def test_an_evaluation_lowers_what_was_earned_and_the_floor_still_holds() -> None:
    history = RankHistory([(SHOP, day(1), "manager", PROMOTION), (SHOP, day(2), "manager", HAND)])
    assert history.demote(SHOP, day(4), "owner", plan()) == [
        DatedRank(day(4), "owner", EVALUATION),
        DatedRank(day(4), "manager", FLOOR),
    ]
    assert history.earned(SHOP, day(4), plan()) == "owner"


def test_what_is_earned_after_an_evaluation_stays() -> None:
    history = RankHistory([(SHOP, day(1), "owner", PROMOTION), (SHOP, day(6), "manager", PROMOTION)])
    assert history.demote(SHOP, day(4), "member", plan()) == [DatedRank(day(4), "member", EVALUATION)]
    assert [history.earned(SHOP, day(n), plan()) for n in (3, 4, 6)] == ["owner", "member", "manager"]


def test_a_rank_is_called_by_its_new_name_from_the_version_on_that_maps_it() -> None:
    history = RankHistory([(SHOP, day(3), "manager", PROMOTION)], RENAMED)
    assert history.complete(SHOP, day(10), plan()) == [DatedRank(day(10), "head", MAPPED, "manager")]
    new = RENAMED.plan_at(day(10))
    assert new is not None
    assert (history.earned(SHOP, day(9), plan()), history.earned(SHOP, day(10), new)) == ("manager", "head")


def test_a_floor_is_mapped_too_and_what_is_earned_late_is_written_under_both_names() -> None:
    history = RankHistory([(SHOP, day(2), "owner", HAND), (SHOP, day(12), None, HAND)], RENAMED)
    assert history.promote(SHOP, day(4), "manager", plan()) == [
        DatedRank(day(4), "manager", PROMOTION),
        DatedRank(day(10), "head", MAPPED, "manager"),
        DatedRank(day(12), "head", RESTORED),
    ]


def test_a_name_that_comes_back_later_does_not_bring_back_who_held_it() -> None:
    ladder = laddered((1, {}, CODES), (10, {"manager": "owner"}, CODES[:2]), (20, {}, CODES))
    assert ladder.carry("manager", day(3), day(9)) == "manager"
    assert ladder.carry("manager", day(3), day(25)) == "owner"
    assert ladder.carry("manager", day(20), day(25)) == "manager"
    assert (ladder.next_after(day(10)), ladder.next_after(day(20))) == (day(20), None)
