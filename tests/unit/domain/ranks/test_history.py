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
    known_rank,
    row_reason,
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


def test_a_ladder_lists_its_versions_and_every_rank_that_one_has_or_maps() -> None:
    assert [entry.ranks[-1].code for entry in RENAMED.plans()] == ["manager", "head"]
    assert RENAMED.codes() == ["head", "manager", "member", "owner"]
    assert Ladder().plans() == []
    assert Ladder().codes() == []


def test_a_plan_holds_from_the_instant_it_begins() -> None:
    assert Ladder().plan_at(day(1)) is None
    before, after = RENAMED.plans()
    assert [RENAMED.plan_at(day(n)) for n in (1, 9, 10, 25)] == [before, before, after, after]
    assert laddered((5, {}, CODES)).plan_at(day(4)) is None


def test_only_versions_that_map_ranks_change_names_and_from_their_instant_on() -> None:
    ladder = laddered((1, {}, CODES), (10, {"manager": "owner"}, CODES[:2]), (20, {}, CODES))
    assert [ladder.maps_from(day(n)) for n in (1, 10, 11)] == [[day(10)], [day(10)], []]
    assert ladder.carry("manager", day(9), day(10)) == "owner"
    assert ladder.carry("member", day(9), day(10)) == "member"
    assert ladder.carry("manager", day(10), day(15)) == "manager"


def test_each_shop_has_a_history_of_its_own() -> None:
    history = RankHistory([(SHOP, day(1), "owner", PROMOTION), (8, day(1), "manager", PROMOTION)])
    assert [history.earned(shop, day(2), plan()) for shop in (SHOP, 8, 9)] == ["owner", "manager", "member"]
    assert history.promote(9, day(3), "owner", plan()) == [DatedRank(day(3), "owner", PROMOTION)]
    assert history.complete(10, day(1), plan()) == []


def test_what_was_set_by_hand_or_follows_from_it_was_not_earned() -> None:
    given = [
        (SHOP, day(1), "owner", PROMOTION),
        (SHOP, day(2), "manager", HAND),
        (SHOP, day(3), "manager", FLOOR),
        (SHOP, day(4), "member", RESTORED),
    ]
    history = RankHistory(given)
    assert history.earned(SHOP, day(5), plan()) == "owner"
    assert RankHistory(given[1:]).earned(SHOP, day(5), plan()) == "member"


def test_the_newest_of_two_rows_of_one_instant_counts() -> None:
    given = [(SHOP, day(1), "manager", PROMOTION), (SHOP, day(1), "owner", EVALUATION)]
    assert RankHistory(given).earned(SHOP, day(1), plan()) == "owner"
    history = RankHistory(given)
    history.promote(SHOP, day(1), "manager", plan())
    assert history.earned(SHOP, day(1), plan()) == "manager"


def test_a_promotion_of_the_same_instant_is_not_one_of_later() -> None:
    history = RankHistory([(SHOP, day(4), "owner", PROMOTION)])
    assert history.promote(SHOP, day(4), "manager", plan()) == [DatedRank(day(4), "manager", PROMOTION)]


def test_a_higher_promotion_or_an_evaluation_of_later_stays_as_it_is() -> None:
    history = RankHistory([(SHOP, day(6), "manager", PROMOTION), (SHOP, day(8), "member", EVALUATION)])
    assert history.promote(SHOP, day(4), "owner", plan()) == [DatedRank(day(4), "owner", PROMOTION)]
    assert [history.earned(SHOP, day(n), plan()) for n in (4, 6, 8)] == ["owner", "manager", "member"]


def test_a_promotion_to_the_rank_of_later_is_not_written_again_there() -> None:
    history = RankHistory([(SHOP, day(6), "owner", PROMOTION)])
    assert history.promote(SHOP, day(4), "owner", plan()) == [DatedRank(day(4), "owner", PROMOTION)]


def test_lower_promotions_of_later_are_overridden_earliest_first_under_the_name_of_their_time() -> None:
    given = [(SHOP, day(12), "owner", PROMOTION), (SHOP, day(6), "owner", PROMOTION)]
    history = RankHistory(sorted(given, key=lambda row: row[1]), RENAMED)
    assert history.promote(SHOP, day(4), "manager", plan()) == [
        DatedRank(day(4), "manager", PROMOTION),
        DatedRank(day(6), "manager", PROMOTION),
        DatedRank(day(12), "head", PROMOTION),
        DatedRank(day(10), "head", MAPPED, "manager"),
    ]


def test_what_is_restored_is_what_a_later_version_renames() -> None:
    history = RankHistory([(SHOP, day(1), "manager", PROMOTION), (SHOP, day(5), "owner", HAND)], RENAMED)
    assert history.complete(SHOP, day(5), plan()) == [
        DatedRank(day(5), "manager", RESTORED),
        DatedRank(day(10), "head", MAPPED, "manager"),
    ]


def test_rows_before_the_asked_instant_are_left_alone() -> None:
    given = [(SHOP, day(1), "manager", PROMOTION), (SHOP, day(3), "owner", HAND)]
    assert RankHistory(given).complete(SHOP, day(4), plan()) == []
    assert RankHistory(given).complete(SHOP, day(3), plan()) == [DatedRank(day(3), "manager", RESTORED)]


def test_a_version_that_maps_ranks_before_a_shops_first_row_asks_nothing_of_it() -> None:
    history = RankHistory([(SHOP, day(12), "owner", PROMOTION)], RENAMED)
    assert history.complete(SHOP, day(1), plan()) == []


def test_a_shop_that_rises_on_the_day_of_a_new_name_gets_one_row_for_it() -> None:
    history = RankHistory([(SHOP, day(10), "owner", PROMOTION)], RENAMED)
    new = RENAMED.plans()[-1]
    assert history.promote(SHOP, day(10), "head", new) == [DatedRank(day(10), "head", PROMOTION)]


def test_a_rank_that_the_plan_has_not_is_its_lowest() -> None:
    assert [known_rank(plan(), rank) for rank in ("manager", "head", None)] == ["manager", "member", "member"]


def test_a_row_that_follows_from_others_says_from_what() -> None:
    assert row_reason(DatedRank(day(1), "head", MAPPED, "manager")) == {"rank_map": {"manager": "head"}}
    assert row_reason(DatedRank(day(1), "owner", FLOOR)) == {"floor": "owner"}
    assert row_reason(DatedRank(day(1), "owner", RESTORED)) == {"restored": "owner"}
