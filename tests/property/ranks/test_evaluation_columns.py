"""Judging all shops at once decides about each what the rules say of one shop."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distrib.columns.evaluation import EarnedRanks, holding, judge
from distrib.columns.tree import counts_below, level_sums, places_of, spread_up
from distrib.domain.plans.conditions import holds
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.ranks.promotion import highest_rank, keep_metrics, promotion_metrics

METRICS = ("personal_sales_minor", "personal_orders", "customers")
leaf = st.builds(
    lambda metric, least: {"metric": metric, "at_least": least}, st.sampled_from(METRICS), st.integers(0, 4)
)
condition = st.recursive(
    leaf,
    lambda inner: st.builds(
        lambda word, parts: {word: parts}, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=4,
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    ranks: list[dict[str, Any]] = []
    for place in range(draw(st.integers(1, 4))):
        rank: dict[str, Any] = {"code": f"r{place}"}
        if draw(st.booleans()):
            rank["promote"] = draw(condition)
        if draw(st.booleans()):
            rank |= {"keep": draw(condition), "grace": draw(st.integers(0, 2))}
        ranks.append(rank)
    rules = [{"id": "s", "pay": "seller", "rate": "0.1"}]
    return compile_plan({"code": "p", "currency": "CNY", "ranks": ranks, "rules": rules})


@given(st.data())
def test_every_shop_is_judged_as_if_it_were_alone(data: st.DataObject) -> None:
    plan = data.draw(plans())
    count = data.draw(st.integers(0, 6))
    place = st.integers(0, len(plan.ranks) - 1)

    def column(values: st.SearchStrategy[int]) -> Any:
        return np.array(data.draw(st.lists(values, min_size=count, max_size=count)), dtype=np.int64)

    now, failures = column(place), column(st.integers(0, 3))
    before = np.minimum(now, column(place))
    metrics = sorted(promotion_metrics(plan) | keep_metrics(plan))
    figures = {metric: column(st.integers(0, 5)) for metric in metrics}
    judgement = judge(plan.ranks, EarnedRanks(before, now, failures), figures)
    for shop in range(count):
        own = {metric: int(values[shop]) for metric, values in figures.items()}
        rank = plan.ranks[int(now[shop])]
        risen = highest_rank(plan, rank.code, own)
        is_asked = risen is None and now[shop] == before[shop] > 0 and rank.keep is not None
        times = int(failures[shop]) + 1 if is_asked and rank.keep and not holds(rank.keep, own) else 0
        is_lowered = times > rank.grace and times > 0
        expected = risen[0] if risen else plan.ranks[int(now[shop]) - is_lowered].code
        assert plan.ranks[int(judgement.ranks[shop])].code == expected
        assert (judgement.is_promoted[shop], judgement.failures[shop]) == (risen is not None, times)
        assert bool(judgement.is_lowered[shop]) is is_lowered


@given(st.lists(st.none() | st.integers(0, 30), max_size=12), st.integers(1, 3), st.data())
def test_sums_over_levels_are_what_a_walk_down_finds(above: list[int | None], levels: int, data: st.DataObject) -> None:
    parents = [-1 if up is None or not place else up % place for place, up in enumerate(above)]
    own = data.draw(st.lists(st.integers(-3, 10**14), min_size=len(parents), max_size=len(parents)))
    marks = data.draw(st.lists(st.booleans(), min_size=len(parents), max_size=len(parents)))

    def below(shop: int, deep: int) -> list[int]:
        near = [place for place, up in enumerate(parents) if up == shop]
        return near + [far for place in near for far in below(place, deep - 1)] if deep > 1 else near

    tree, marked = np.array(parents, dtype=np.int64), np.array(marks, dtype=np.bool_)
    shops = range(len(parents))
    sums = level_sums(tree, np.array(own, dtype=np.int64), levels)
    assert sums.tolist() == [sum(own[place] for place in below(shop, levels)) for shop in shops]
    assert counts_below(tree, marked).tolist() == [sum(marks[place] for place in below(shop, 1)) for shop in shops]
    linked = np.flatnonzero(tree >= 0)
    reached = spread_up(marked, linked, tree[linked], levels)
    assert reached.tolist() == [marks[shop] or any(marks[place] for place in below(shop, levels)) for shop in shops]


@given(st.sets(st.integers(1, 50)), st.lists(st.integers(0, 60)))
def test_a_number_is_found_where_it_stands_or_not_at_all(known: set[int], wanted: list[int]) -> None:
    numbers = sorted(known)
    places = places_of(np.array(numbers, dtype=np.int64), np.array(wanted, dtype=np.int64)).tolist()
    assert places == [numbers.index(number) if number in known else -1 for number in wanted]


def test_a_figure_that_is_missing_counts_as_nothing() -> None:
    document = {
        "code": "p",
        "currency": "CNY",
        "ranks": [
            {"code": "a", "promote": {"any": [{"metric": METRICS[0], "at_least": 0}]}},
            {"code": "b", "promote": {"metric": METRICS[0], "at_least": 1}},
        ],
        "rules": [{"id": "s", "pay": "seller", "rate": "0.1"}],
    }
    first, second = compile_plan(document).ranks
    assert first.promote is not None
    assert second.promote is not None
    assert holding(first.promote, {}, 2).tolist() == [True, True]
    assert holding(second.promote, {}, 2).tolist() == [False, False]
