"""The syntax of plans: every problem at once, by path; nothing is ignored, nothing crashes."""

from __future__ import annotations

import copy
import datetime
import json
from decimal import Decimal
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.plans.conditions import AnyOf, AtLeast, Metric, leaves
from distrib.domain.plans.document import canonical_json, check_plan
from distrib.domain.plans.limits import Cap, Requires
from distrib.domain.plans.plan import compile_plan
from distrib.domain.plans.pools import Pool
from distrib.domain.plans.rules import Where

SELLER = {"id": "seller", "pay": "seller", "rate": "0.10"}
UPLINE = {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05"}
BASE: dict[str, Any] = {"code": "shop", "currency": "CNY", "rules": [SELLER]}
RANKS = [{"code": "member"}, {"code": "gold"}]
ORDERS = {"metric": "personal_orders", "at_least": 1}


def plan_with(**keys: Any) -> dict[str, Any]:
    return copy.deepcopy({**BASE, **keys})


def rule_with(**keys: Any) -> dict[str, Any]:
    return plan_with(tiers=3, ranks=RANKS, rules=[SELLER, {"id": "r", "group": "own", "pay": "seller", **keys}])


def pointers(document: object) -> list[str]:
    return [problem.pointer for problem in check_plan(document)]


def promoted_by(promote: object) -> dict[str, Any]:
    return plan_with(ranks=[{"code": "member"}, {"code": "gold", "promote": promote}])


def test_the_smallest_plan_takes_the_defaults_of_the_language() -> None:
    plan = compile_plan(BASE)
    assert (plan.title, plan.base, plan.rounding, plan.hold_days, plan.tiers) == ("shop", "paid", "half_up", 7, 1)
    assert (plan.inactive_upline, plan.self_purchase, plan.order_cap_ppm) == ("keep", "earn", None)
    assert (plan.lowest_rank, plan.has_promotions, plan.policy) == ("member", False, None)
    assert [compile_plan(plan_with(hold_days=days)).hold_days for days in (0, 180)] == [0, 180]


def test_a_rule_compiles_to_figures_by_rank_one_for_all_others_and_the_lines_it_is_for() -> None:
    where = {"channel": ["retail"], "not": {"channel": ["community"], "category": ["book"], "sku": ["A"]}}
    by_rank = {"gold": "0.20", "default": "0.01"}
    of_first = {"id": "up", "pay": "upline", "tier": 1, "rate": "0.5", "of": {"rule": "seller"}}
    rules = [{**SELLER, "rate": by_rank, "where": where}, of_first]
    seller, upline = compile_plan(plan_with(ranks=RANKS, rules=rules)).rules
    assert (seller.figures, seller.default, seller.of_rule, upline.of_rule) == ({"gold": 200_000}, 10_000, -1, 0)
    assert (upline.figures, upline.default) == ({}, 500_000)
    assert seller.where == Where(
        channels=frozenset({"retail"}),
        not_channels=frozenset({"community"}),
        not_categories=frozenset({"book"}),
        not_skus=frozenset({"A"}),
    )


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    document = plan_with(
        code="No Good",
        currency="XYZ",
        tiers=4,
        hold_days=181,
        order_cap=0.5,
        base="cost",
        colour="red",
        rules=[{"id": "a", "pay": "seller", "rate": 0.1}, {"id": "a", "pay": "nobody", "amount_minor": True}],
    )
    assert sorted(pointers(document)) == [
        "base",
        "code",
        "colour",
        "currency",
        "hold_days",
        "order_cap",
        "rules[0].rate",
        "rules[1].amount_minor",
        "rules[1].id",
        "rules[1].pay",
        "tiers",
    ]


def test_a_plan_with_problems_does_not_compile_and_says_all_of_them() -> None:
    with pytest.raises(Refusal) as refused:
        compile_plan(plan_with(tiers="1", hold_days=True))
    assert refused.value.code == "plan_invalid"
    assert {problem.pointer for problem in refused.value.problems} == {"tiers", "hold_days"}


@pytest.mark.parametrize("document", [None, [], "code: x", 7, {}, {"rules": None}])
def test_what_is_no_plan_at_all_is_a_problem_and_no_crash(document: object) -> None:
    assert check_plan(document)


def test_what_must_be_there_is_asked_for_by_name() -> None:
    assert pointers({}) == ["code", "currency", "rules"]
    assert pointers(plan_with(rules=[{}])) == ["rules[0].id", "rules[0].pay", "rules[0]"]


@pytest.mark.parametrize(
    ("document", "pointers_named"),
    [
        (plan_with(ranks=[{"code": "member", "keep": {}}]), ["ranks[0].keep.metric", "ranks[0].keep.at_least"]),
        (plan_with(ranks=[{"code": "member", "grace": 1}]), ["ranks[0].grace"]),
        (plan_with(ranks=[{"code": "member", "keep": ORDERS, "grace": 121}]), ["ranks[0].grace"]),
        (plan_with(ranks=[{"code": "member", "keep": ORDERS, "grace": -1}]), ["ranks[0].grace"]),
        (promoted_by({"metric": "customers", "min_rank": "gold", "at_least": 1}), ["ranks[1].promote.min_rank"]),
        (promoted_by({"metric": "active_recruits", "min_rank": "x", "at_least": 1}), ["ranks[1].promote.min_rank"]),
        (promoted_by({"metric": "active_recruits", "levels": 1, "at_least": 1}), ["ranks[1].promote.levels"]),
        (plan_with(ranks={}), ["ranks"]),
        (plan_with(pools={}), ["pools"]),
        (plan_with(rank_map=[]), ["rank_map"]),
        (plan_with(rank_map=["old"]), ["rank_map"]),
        (plan_with(rank_map={"old": "ghost"}), ["rank_map.old"]),
        (plan_with(rank_map={"gold": "gold"}), ["rank_map.gold"]),
        (plan_with(rank_map={"a b": "member"}), ["rank_map.a b"]),
        (plan_with(rank_map={"old": None}), ["rank_map.old"]),
    ],
)
def test_a_slip_in_keeping_or_mapping_ranks_is_told_with_its_place(document: object, pointers_named: list[str]) -> None:
    assert pointers(document) == pointers_named


def test_lists_that_may_be_left_out_may_be_empty_too_and_mean_the_same() -> None:
    document = plan_with(ranks=[], pools=[], rank_map={}, declarations={})
    document["rules"] = [{"id": "own", "pay": "seller", "rate": "0.1"}]
    plan = compile_plan(document)
    assert ([rank.code for rank in plan.ranks], plan.pools, plan.rank_map) == (["member"], (), {})


def test_a_number_where_a_decimal_string_belongs_is_shown_as_it_was_sent() -> None:
    document = plan_with(order_cap=Decimal("0.50"), rules=[{"id": "own", "pay": "seller", "rate": Decimal("0.1")}])
    assert [str(problem.detail).endswith(("not 0.50", "not 0.1")) for problem in check_plan(document)] == [
        True,
        True,
    ]


def test_all_metrics_compile_with_what_belongs_to_them() -> None:
    parts = [
        {"metric": "customers", "window": "90d", "at_least": 100},
        {"metric": "active_recruits", "min_rank": "gold", "at_least": 5},
        {"metric": "earned_minor", "window": "month", "at_least": 0},
    ]
    ranks = [
        {"code": "member"},
        {"code": "silver", "promote": {"any": parts}, "keep": {"metric": "personal_orders", "at_least": 1}, "grace": 2},
        {"code": "gold", "keep": {"metric": "customers", "at_least": 1}},
    ]
    plan = compile_plan(plan_with(ranks=ranks, rank_map={"old": "gold", "旧": "member"}))
    _, silver, gold = plan.ranks
    assert [leaf.metric for leaf in leaves(silver.promote or AnyOf(()))] == [
        Metric("customers", 0, "90d"),
        Metric("active_recruits", 0, "ever", "gold"),
        Metric("earned_minor", 0, "month"),
    ]
    assert (silver.grace, gold.grace, gold.promote) == (2, 0, None)
    assert silver.keep == AtLeast(Metric("personal_orders", 0, "ever"), 1)
    assert plan.rank_map == {"old": "gold", "旧": "member"}


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"rate": "0.1", "amount_minor": 5}, "rules[1]"),
        ({}, "rules[1]"),
        ({"rate": 0.1}, "rules[1].rate"),
        ({"rate": 1}, "rules[1].rate"),
        ({"rate": "1.1"}, "rules[1].rate"),
        ({"rate": {}}, "rules[1].rate"),
        ({"rate": {"silver": "0.1"}}, "rules[1].rate.silver"),
        ({"rate": {"gold": None}}, "rules[1].rate.gold"),
        ({"rate": {False: "0.1"}}, "rules[1].rate.<true/false>"),
        ({"amount_minor": {"gold": 1.5}}, "rules[1].amount_minor.gold"),
        ({"amount_minor": -1}, "rules[1].amount_minor"),
        ({"amount_minor": 10**12 + 1}, "rules[1].amount_minor"),
        ({"amount_minor": 10**5000}, "rules[1].amount_minor"),
        ({"amount_minor": 5, "of": "remaining"}, "rules[1].of"),
        ({"rate": "0.1", "tier": 1}, "rules[1].tier"),
        ({"rate": "0.1", "pay": "upline"}, "rules[1].tier"),
        ({"rate": "0.1", "pay": "upline", "tier": 0}, "rules[1].tier"),
        ({"rate": "0.1", "pay": "upline", "tier": True}, "rules[1].tier"),
        ({"rate": "0.1", "of": "all"}, "rules[1].of"),
        ({"rate": "0.1", "of": {"rule": "none"}}, "rules[1].of.rule"),
        ({"rate": "0.1", "of": {"rule": "r"}}, "rules[1].of.rule"),
        ({"rate": "0.1", "of": {"rule": ["seller"]}}, "rules[1].of.rule"),
        ({"rate": "0.1", "slab_mode": "whole"}, "rules[1].slab_mode"),
        ({"slabs": []}, "rules[1].slabs"),
        ({"slabs": "none"}, "rules[1].slabs"),
        ({"slabs": [{"from_minor": 0, "rate": {"gold": "0.1"}}]}, "rules[1].slabs[0].rate"),
        ({"slabs": [{"from_minor": 0}]}, "rules[1].slabs[0].rate"),
        ({"slabs": [{"from_minor": 0, "rate": "0"}, {"from_minor": 0, "rate": "1"}]}, "rules[1].slabs"),
        ({"rate": "0.1", "differential": True}, "rules[1].differential"),
        ({"rate": {"gold": "0.1"}, "pay": "chain"}, "rules[1].differential"),
        ({"rate": {"gold": "0.1"}, "pay": "chain", "differential": False}, "rules[1].differential"),
        ({"rate": "0.1", "pay": "chain", "differential": True}, "rules[1].rate"),
        ({"rate": {"gold": "0.1"}, "pay": "chain", "differential": True, "of": "remaining"}, "rules[1].of"),
        ({"rate": "0.1", "where": {"colour": ["red"]}}, "rules[1].where.colour"),
        ({"rate": "0.1", "where": {"sku": []}}, "rules[1].where.sku"),
        ({"rate": "0.1", "where": {"sku": "A"}}, "rules[1].where.sku"),
        ({"rate": "0.1", "where": {"sku": [7]}}, "rules[1].where.sku[0]"),
        ({"rate": "0.1", "where": {"channel": ["wholesale"]}}, "rules[1].where.channel[0]"),
        ({"rate": "0.1", "where": {"not": {"not": {}}}}, "rules[1].where.not.not"),
        ({"rate": "0.1", "group": "\ud800"}, "rules[1].group"),
        ({"rate": "0.1", "label": "x"}, "rules[1].label"),
        ({"rate": "0.1", "requires": {}}, "rules[1].requires"),
        ({"rate": "0.1", "requires": "gold"}, "rules[1].requires"),
        ({"rate": "0.1", "requires": {"window_days": 30}}, "rules[1].requires"),
        ({"rate": "0.1", "requires": {"min_rank": "gold", "window_days": 30}}, "rules[1].requires.window_days"),
        ({"rate": "0.1", "requires": {"min_rank": "silver"}}, "rules[1].requires.min_rank"),
        ({"rate": "0.1", "requires": {"min_rank": ["gold"]}}, "rules[1].requires.min_rank"),
        ({"rate": "0.1", "requires": {"min_personal_sales_minor": -1}}, "rules[1].requires.min_personal_sales_minor"),
        (
            {"rate": "0.1", "requires": {"min_personal_sales_minor": 1, "window_days": 0}},
            "rules[1].requires.window_days",
        ),
        ({"rate": "0.1", "requires": {"min_orders": 1}}, "rules[1].requires.min_orders"),
        ({"rate": "0.1", "cap": {}}, "rules[1].cap"),
        ({"rate": "0.1", "cap": 500}, "rules[1].cap"),
        ({"rate": "0.1", "cap": {"per_order_minor": 10**15 + 1}}, "rules[1].cap.per_order_minor"),
        ({"rate": "0.1", "cap": {"per_month_minor": -1}}, "rules[1].cap.per_month_minor"),
        ({"rate": "0.1", "cap": {"per_customer_minor": "5"}}, "rules[1].cap.per_customer_minor"),
        ({"rate": "0.1", "cap": {"per_year_minor": 5}}, "rules[1].cap.per_year_minor"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_its_key(rule: dict[str, Any], pointer: str) -> None:
    assert pointer in pointers(rule_with(**rule))


def test_a_rule_may_name_a_tier_that_the_plan_does_not_pay_but_none_above_three() -> None:
    assert pointers(plan_with(rules=[SELLER, {**UPLINE, "tier": 2}])) == []
    assert pointers(plan_with(tiers=3, rules=[SELLER, {**UPLINE, "tier": 4}])) == ["rules[1].tier"]


def test_a_rule_may_be_taken_of_one_that_comes_later_in_the_document_but_earlier_in_the_work() -> None:
    of_seller = {**UPLINE, "of": {"rule": "seller"}}
    of_upline = {**SELLER, "of": {"rule": "up"}}
    of_leader = {**UPLINE, "of": {"rule": "lead"}}
    leader = {"id": "lead", "pay": "leader", "rate": "0.1"}
    assert pointers(plan_with(rules=[of_seller, SELLER])) == []
    assert pointers(plan_with(rules=[UPLINE, of_upline])) == ["rules[1].of.rule"]
    assert pointers(plan_with(rules=[leader, of_leader])) == ["rules[1].of.rule"]
    assert pointers(plan_with(rules=[{**leader, "of": {"rule": "up"}}, UPLINE])) == []


def test_a_rule_whose_slot_is_no_word_is_told_so_and_those_taken_of_it_are_not_blamed() -> None:
    of_it = {**UPLINE, "pay": "seller", "id": "r", "of": {"rule": "seller"}}
    del of_it["tier"]
    strange_slots: list[object] = [7, ["seller"], {}, None, "nobody"]
    for strange in strange_slots:
        pointers_named = pointers(plan_with(rules=[{**SELLER, "pay": strange}, of_it]))
        assert pointers_named == ["rules[0].pay"], strange


@pytest.mark.parametrize(
    ("pools", "pointer"),
    [
        ({"id": "p"}, "pools"),
        (["p"], "pools[0]"),
        ([{"rate": "0.02", "weights": {"gold": 1}}], "pools[0].id"),
        ([{"id": "p", "weights": {"gold": 1}}], "pools[0].rate"),
        ([{"id": "p", "rate": "0.02"}], "pools[0].weights"),
        ([{"id": "P", "rate": "0.02", "weights": {"gold": 1}}], "pools[0].id"),
        ([{"id": "p", "rate": 0.02, "weights": {"gold": 1}}], "pools[0].rate"),
        ([{"id": "p", "rate": "1.02", "weights": {"gold": 1}}], "pools[0].rate"),
        ([{"id": "p", "rate": "0.02", "weights": {}}], "pools[0].weights"),
        ([{"id": "p", "rate": "0.02", "weights": ["gold"]}], "pools[0].weights"),
        ([{"id": "p", "rate": "0.02", "weights": {"gold": 0}}], "pools[0].weights"),
        ([{"id": "p", "rate": "0.02", "weights": {"gold": -1}}], "pools[0].weights.gold"),
        ([{"id": "p", "rate": "0.02", "weights": {"gold": "1"}}], "pools[0].weights.gold"),
        ([{"id": "p", "rate": "0.02", "weights": {"gold": 10**6 + 1}}], "pools[0].weights.gold"),
        ([{"id": "p", "rate": "0.02", "weights": {"silver": 1}}], "pools[0].weights.silver"),
        ([{"id": "p", "rate": "0.02", "weights": {"gold": 1}, "levels": 3}], "pools[0].levels"),
        ([{"id": "p", "rate": "0.02", "weights": {"gold": 1}}] * 2, "pools[1].id"),
    ],
)
def test_a_pool_that_makes_no_sense_is_refused_at_its_key(pools: object, pointer: str) -> None:
    assert pointer in pointers(plan_with(ranks=RANKS, pools=pools))


def test_a_pool_compiles_to_its_rate_and_weights() -> None:
    weights = {"gold": 2, "member": 0}
    plan = compile_plan(plan_with(ranks=RANKS, pools=[{"id": "managers", "rate": "0.02", "weights": weights}]))
    assert plan.pools == (Pool("managers", 20_000, weights),)
    assert compile_plan(BASE).pools == ()


def test_conditions_and_caps_compile_to_what_they_say() -> None:
    requires = {"min_rank": "gold", "min_personal_sales_minor": 5, "window_days": 30}
    plan = compile_plan(rule_with(rate="0.1", requires=requires, cap={"per_month_minor": 7, "per_order_minor": None}))
    assert plan.rules[1].requires == Requires("gold", 5, 30)
    assert plan.rules[1].cap == Cap(None, 7, None)
    assert (plan.rules[0].requires, plan.rules[0].cap) == (None, None)


@pytest.mark.parametrize(
    ("ranks", "pointer"),
    [
        ({"code": "a"}, "ranks"),
        (["a"], "ranks[0]"),
        ([{"code": "a"}, {"code": "a"}], "ranks[1].code"),
        ([{"code": "default"}], "ranks[0].code"),
        ([{"code": "a b"}], "ranks[0].code"),
        ([{"code": 7}], "ranks[0].code"),
        ([{"code": "a", "promote": []}], "ranks[0].promote"),
        ([{"code": "a", "promote": {"all": [], "any": []}}], "ranks[0].promote"),
        ([{"code": "a", "promote": {"all": []}}], "ranks[0].promote.all"),
        ([{"code": "a", "promote": {"metric": "speed", "at_least": 1}}], "ranks[0].promote.metric"),
        ([{"code": "a", "promote": {"metric": ["x"], "at_least": 1}}], "ranks[0].promote.metric"),
        ([{"code": "a", "promote": {"metric": "personal_orders"}}], "ranks[0].promote.at_least"),
        ([{"code": "a", "promote": {"metric": "personal_orders", "at_least": "1"}}], "ranks[0].promote.at_least"),
        (
            [{"code": "a", "promote": {"metric": "personal_orders", "at_least": 1, "window": "0d"}}],
            "ranks[0].promote.window",
        ),
        (
            [{"code": "a", "promote": {"metric": "personal_orders", "at_least": 1, "window": 30}}],
            "ranks[0].promote.window",
        ),
        ([{"code": "a", "promote": {"metric": "team_sales_minor", "at_least": 1}}], "ranks[0].promote.levels"),
        (
            [{"code": "a", "promote": {"metric": "team_sales_minor", "at_least": 1, "levels": 4}}],
            "ranks[0].promote.levels",
        ),
        (
            [{"code": "a", "promote": {"metric": "personal_orders", "at_least": 1, "levels": 1}}],
            "ranks[0].promote.levels",
        ),
    ],
)
def test_a_rank_that_makes_no_sense_is_refused_at_its_key(ranks: object, pointer: str) -> None:
    assert pointer in pointers(plan_with(ranks=ranks))


@pytest.mark.parametrize(
    ("declarations", "pointer"),
    [
        ({"entry_fee_minor": 9.9}, "declarations.entry_fee_minor"),
        ({"entry_purchase": 1}, "declarations.entry_purchase"),
        ({"written_contract": "yes"}, "declarations.written_contract"),
        ({"minimum_age": -1}, "declarations.minimum_age"),
        ({"organiser": ""}, "declarations.organiser"),
        ({"motto": "x"}, "declarations.motto"),
        ([], "declarations"),
    ],
)
def test_a_declaration_is_checked_too(declarations: object, pointer: str) -> None:
    assert pointers(plan_with(declarations=declarations)) == [pointer]


@pytest.mark.parametrize("title", [7, "", "\x00", {}, {"zh": 7}, {7: "x"}, {"a language": "x"}, "x" * 256])
def test_a_title_is_text_or_text_by_language(title: object) -> None:
    assert pointers(plan_with(title=title))
    assert pointers(plan_with(title={"zh": "方案", "en-GB": "Plan"})) == []


def test_what_a_yaml_reader_made_of_a_slip_is_told_apart_from_text() -> None:
    slips: dict[Any, Any] = plan_with(code=datetime.date(2026, 1, 1), policy=False, order_cap=float("nan"))
    slips[True] = 1
    assert sorted(pointers(slips)) == ["<true/false>", "code", "order_cap", "policy"]


def test_null_is_as_good_as_absent() -> None:
    document = plan_with(title=None, order_cap=None, declarations=None, rules=[{**SELLER, "where": None, "tier": None}])
    assert check_plan(document) == []
    assert canonical_json(document) == canonical_json(BASE)
    assert compile_plan(document).rules == compile_plan(BASE).rules


def test_a_document_that_contains_itself_ends_in_problems() -> None:
    condition: dict[str, Any] = {}
    condition["all"] = [condition, condition]
    document = promoted_by({"metric": "personal_orders", "at_least": 1})
    document["ranks"][1]["promote"] = condition
    document["title"] = document
    assert check_plan(document)


def test_a_condition_tree_that_doubles_at_every_level_ends_at_a_bound() -> None:
    condition: dict[str, Any] = {"metric": "personal_orders", "at_least": 1}
    for _ in range(7):
        condition = {"any": [condition] * 50}
    assert len(check_plan(promoted_by(condition))) < 100


def test_a_plan_in_another_currency_than_the_programs_is_a_problem() -> None:
    assert [problem.pointer for problem in check_plan(BASE, currency="USD")] == ["currency"]
    assert check_plan(BASE, currency="CNY") == []


def test_the_canonical_text_does_not_depend_on_the_order_of_keys_and_compiles_to_the_same_plan() -> None:
    document = plan_with(ranks=RANKS, title={"zh": "方案", "en": "Plan"})
    turned = dict(reversed(document.items()))
    assert canonical_json(document) == canonical_json(turned)
    assert compile_plan(json.loads(canonical_json(document))).rules == compile_plan(document).rules
    assert canonical_json({"title": "方案 “一”", "code": None}) == '{"title":"方案 “一”"}'
