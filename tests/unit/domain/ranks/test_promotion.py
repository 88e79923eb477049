"""Which rank figures carry a shop to, over which windows, and from when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.plans.conditions import AtLeast, holds
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.ranks.promotion import (
    Metric,
    decisive_figures,
    highest_rank,
    includes_start,
    keep_metrics,
    promotion_effective_at,
    promotion_metrics,
    window_start,
)

SALES = Metric("personal_sales_minor", 0, "30d")
TEAM = Metric("team_sales_minor", 2, "month")
RECRUITS = Metric("direct_recruits", 0, "ever")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def plan() -> Plan:
    ranks: list[dict[str, Any]] = [
        {"code": "member"},
        {"code": "owner", "promote": {"metric": "personal_sales_minor", "window": "30d", "at_least": 500}},
        {"code": "friend"},
        {
            "code": "manager",
            "promote": {
                "all": [
                    {"metric": "team_sales_minor", "levels": 2, "window": "month", "at_least": 1_000},
                    {
                        "any": [
                            {"metric": "direct_recruits", "at_least": 5},
                            {"metric": "personal_orders", "at_least": 9},
                        ]
                    },
                ]
            },
        },
    ]
    rules = [{"id": "s", "pay": "seller", "rate": "0.1"}]
    return compile_plan({"code": "p", "currency": "CNY", "ranks": ranks, "rules": rules})


def test_a_plan_lists_the_figures_its_promotions_read() -> None:
    assert promotion_metrics(plan()) == {SALES, TEAM, RECRUITS, Metric("personal_orders", 0, "ever")}
    assert plan().has_promotions


def test_a_shop_rises_to_the_highest_rank_whose_condition_holds_whatever_lies_between() -> None:
    risen = highest_rank(plan(), "member", {SALES: 0, TEAM: 1_000, RECRUITS: 5})
    assert risen is not None
    assert risen[0] == "manager"
    both = highest_rank(plan(), "member", {SALES: 500, TEAM: 1_000, RECRUITS: 5})
    assert both is not None
    assert both[0] == "manager"
    assert highest_rank(plan(), "manager", {TEAM: 10_000, RECRUITS: 50}) is None


def test_a_threshold_is_reached_by_exactly_its_figure_and_the_figures_that_decided_are_kept() -> None:
    assert highest_rank(plan(), "member", {SALES: 499}) is None
    assert highest_rank(plan(), "member", {SALES: 500}) == (
        "owner",
        {
            "from": "member",
            "conditions": [
                {"metric": "personal_sales_minor", "window": "30d", "at_least": 500, "figure": 500, "holds": True}
            ],
        },
    )


def test_whoever_has_no_figure_does_not_reach_a_threshold_of_one() -> None:
    condition = AtLeast(RECRUITS, 1)
    assert [holds(condition, figures) for figures in ({}, {SALES: 1}, {RECRUITS: 0}, {RECRUITS: 1})] == [
        False,
        False,
        False,
        True,
    ]


def test_a_rank_without_a_condition_is_never_reached_by_promotion() -> None:
    assert highest_rank(plan(), "owner", {SALES: 10**9}) is None


def test_an_unknown_rank_is_refused() -> None:
    with pytest.raises(Refusal, match="no rank ghost"):
        highest_rank(plan(), "ghost", {})


def test_a_window_of_days_is_half_open_and_a_month_begins_with_its_first_local_instant() -> None:
    instant = datetime(2026, 2, 28, 16, 30, tzinfo=UTC)
    days_ago = window_start("30d", instant.astimezone(SHANGHAI), SHANGHAI)
    assert days_ago == instant - timedelta(days=30)
    assert days_ago.tzinfo is UTC
    assert window_start("month", instant, SHANGHAI) == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert window_start("month", instant, UTC) == datetime(2026, 2, 1, tzinfo=UTC)
    assert window_start("ever", instant, SHANGHAI) is None
    assert [includes_start(window) for window in ("30d", "month")] == [False, True]


def test_a_promotion_takes_effect_at_the_start_of_the_next_local_day() -> None:
    midnight = datetime(2026, 3, 9, 16, tzinfo=UTC)
    assert promotion_effective_at(midnight - timedelta(seconds=1), SHANGHAI) == midnight
    assert promotion_effective_at(midnight, SHANGHAI) == midnight + timedelta(days=1)
    assert promotion_effective_at(midnight, SHANGHAI).tzinfo is UTC


def test_the_next_day_is_found_across_a_change_of_the_clock() -> None:
    new_york = ZoneInfo("America/New_York")
    before = datetime(2026, 3, 7, 23, 30, tzinfo=new_york)
    assert promotion_effective_at(before, new_york) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert promotion_effective_at(datetime(2026, 3, 8, 12, tzinfo=new_york), new_york) == datetime(
        2026, 3, 9, 4, tzinfo=UTC
    )


def test_the_numbers_that_decided_name_levels_and_ranks_where_they_matter_and_a_missing_figure_is_nothing() -> None:
    parts = [
        {"metric": "team_sales_minor", "levels": 2, "at_least": 7},
        {"metric": "active_recruits", "min_rank": "member", "window": "month", "at_least": 0},
    ]
    ranks = [{"code": "member"}, {"code": "gold", "promote": {"any": parts}, "keep": parts[0], "grace": 1}]
    rules = [{"id": "s", "pay": "seller", "rate": "0"}]
    made = compile_plan({"code": "p", "currency": "CNY", "ranks": ranks, "rules": rules})
    promote = made.ranks[1].promote
    assert promote is not None
    assert decisive_figures(promote, {Metric("team_sales_minor", 2, "ever"): 6}) == [
        {"metric": "team_sales_minor", "window": "ever", "at_least": 7, "figure": 6, "levels": 2, "holds": False},
        {
            "metric": "active_recruits",
            "window": "month",
            "at_least": 0,
            "figure": 0,
            "min_rank": "member",
            "holds": True,
        },
    ]
    assert keep_metrics(made) == {Metric("team_sales_minor", 2, "ever")}
    assert keep_metrics(plan()) == frozenset()
    assert [Metric(name, 2, "ever").reach for name in ("active_recruits", "team_sales_minor")] == [1, 2]
