"""Every text that ``check_plan`` has, word for word in both languages: ``plan_messages.yaml`` is the table."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from distrib.domain.plans.document import check_plan
from distrib.domain.plans.plan import compile_plan
from distrib.languages import render_both

TABLE: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("plan_messages.yaml").read_text("utf-8"))
SELLER = {"id": "seller", "pay": "seller", "rate": "0.10"}
LATER = {"id": "later", "pay": "leader", "rate": "0.10"}
SOUND: dict[str, Any] = {
    "code": "shop",
    "currency": "CNY",
    "tiers": 3,
    "ranks": [{"code": "member"}, {"code": "gold"}],
    "rules": [SELLER, {"id": "r", "group": "own", "pay": "seller", "rate": "0.1"}, LATER],
    "pools": [{"id": "p", "rate": "0.02", "weights": {"gold": 1}}],
}


def document_of(slip: dict[str, Any]) -> object:
    """The sound plan with one slip in it."""
    if "document" in slip:
        return slip["document"]
    plan = copy.deepcopy(SOUND) | slip.get("plan", {})
    if "rule" in slip:
        plan["rules"] = [SELLER, {"id": "r", "group": "own", "pay": "seller"} | slip["rule"], LATER]
    if "rank" in slip:
        plan["ranks"].append(slip["rank"])
    if "promote" in slip:
        plan["ranks"][1]["promote"] = slip["promote"]
    if "pool" in slip:
        plan["pools"][0] |= slip["pool"]
    return plan


def messages_of(slip: dict[str, Any]) -> list[str]:
    return [f"{problem.pointer}: {render_both(problem.detail)}" for problem in check_plan(document_of(slip))]


@pytest.mark.parametrize("slip", TABLE, ids=lambda slip: str({key: slip[key] for key in slip if key != "told"})[:60])
def test_a_slip_is_told_in_these_words(slip: dict[str, Any]) -> None:
    assert messages_of(slip) == slip["told"]


def test_without_a_slip_nothing_is_told() -> None:
    assert check_plan(SOUND) == []
    assert compile_plan(SOUND).code == "shop"


def many(count: int, entry: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [{**entry, key: f"n{number}"} for number in range(count)]


def slabs(count: int) -> list[dict[str, Any]]:
    return [{"from_minor": start, "rate": "0"} for start in range(count)]


def conditions(*counts: int) -> dict[str, Any]:
    leaf = {"metric": "customers", "at_least": 1}
    return {"all": [{"any": [leaf] * count} for count in counts]}


def nested(depth: int) -> dict[str, Any]:
    """A condition that many deep."""
    condition: dict[str, Any] = {"metric": "customers", "at_least": 1}
    for _ in range(depth - 1):
        condition = {"any": [condition]}
    return condition


AT_MOST = "at most 50 conditions, 8 deep / 条件过多或嵌套过深"


@pytest.mark.parametrize(
    ("slip", "most", "expected"),
    [
        (lambda n: {"plan": {"ranks": [{"code": "gold"}, *many(n - 1, {}, "code")]}}, 50, "ranks: must have 1 to 50"),
        (lambda n: {"plan": {"rules": many(n, SELLER, "id")}}, 200, "rules: must have 1 to 200"),
        (lambda n: {"plan": {"pools": many(n, SOUND["pools"][0], "id")}}, 50, "pools: must have 0 to 50"),
        (lambda n: {"plan": {"title": {f"zh-x{k}": "x" for k in range(n)}}}, 50, "title: must have 1 to 50 languages"),
        (lambda n: {"plan": {"rank_map": {f"old{k}": "gold" for k in range(n)}}}, 500, "rank_map: must map at most 50"),
        (lambda n: {"rule": {"where": {"sku": ["A"] * n}, "rate": "0"}}, 1000, "rules[1].where.sku: must have 1 to 10"),
        (lambda n: {"rule": {"slabs": slabs(n)}}, 100, "rules[1].slabs: must have 1 to 100 entries, not 101"),
        (lambda n: {"promote": conditions(n - 2)}, 50, f"ranks[1].promote.all[0].any[48]: {AT_MOST}"),
        (lambda n: {"promote": nested(n)}, 8, f"ranks[1].promote{'.any[0]' * 8}: {AT_MOST}"),
        (lambda n: {"promote": {"any": [nested(1)] * n}}, 49, f"ranks[1].promote.any[49]: {AT_MOST}"),
    ],
)
def test_as_many_as_the_language_takes_pass_and_one_more_is_told(slip: Any, most: int, expected: str) -> None:
    assert messages_of(slip(most)) == []
    assert messages_of(slip(most + 1))[0].startswith(expected)


def test_past_the_most_conditions_one_problem_is_told_and_no_more() -> None:
    assert messages_of({"promote": conditions(30, 30, 30)}) == [f"ranks[1].promote.all[1].any[17]: {AT_MOST}"]
    too_long = {"any": [nested(1)] * 51}
    assert messages_of({"promote": too_long}) == [
        "ranks[1].promote.any: must have 1 to 50 entries, not 51 / 须有 1 到 50 项，而不是 51"
    ]


def test_of_many_ranks_the_first_twelve_are_told() -> None:
    ranks = [{"code": "gold"}, *many(12, {}, "code")]
    (problem,) = messages_of({"plan": {"ranks": ranks, "rank_map": {"old": "x"}}})
    known = "gold, n0, n1, n10, n11, n2, n3, n4, n5, n6, n7, n8, …"
    assert problem.startswith(f"rank_map.old: must be a rank of the plan ({known})")


def test_a_plan_in_another_currency_than_the_programs_is_told_in_these_words() -> None:
    assert [(p.pointer, render_both(p.detail)) for p in check_plan(SOUND, currency="USD")] == [
        ("currency", 'must be the program\'s, USD, not "CNY" / 须与分销计划的货币 USD 一致，而不是 "CNY"')
    ]
    assert [p.pointer for p in check_plan(SOUND | {"currency": "XYZ"}, currency="USD")] == ["currency"]


@pytest.mark.parametrize(
    "slip",
    [
        {"plan": {"tiers": 0, "hold_days": 0, "order_cap": "0"}},
        {"plan": {"hold_days": 180, "title": {"zh-Hans-CN": "方案"}, "policy": "cn"}},
        {"plan": {"base": "margin", "rounding": "down", "inactive_upline": "compress", "self_purchase": "shift"}},
        {"plan": {"declarations": {"entry_fee_minor": 0, "buy_back_days": 0, "organiser": "x", "minimum_age": 0}}},
        {"plan": {"declarations": {"entry_purchase": False, "written_contract": True, "cooling_off_days": 3650}}},
        {"plan": {"ranks": [], "rank_map": {}, "pools": []}},
        {"plan": {"ranks": (), "pools": (), "rules": [{**SELLER, "rate": {"member": "0.1"}}]}},
        {"promote": {"metric": "customers", "at_least": 0, "window": "9999d"}},
        {"promote": {"metric": "customers", "at_least": 10**15, "window": "1d"}},
        {"promote": {"metric": "customers", "at_least": 1, "window": "month"}},
        {"promote": {"metric": "team_sales_minor", "levels": 1, "at_least": 1}},
        {"promote": {"metric": "team_sales_minor", "levels": 3, "at_least": 1}},
        {"promote": {"metric": "active_recruits", "min_rank": "gold", "at_least": 1}},
        {"rank": {"code": "top", "keep": nested(1), "grace": 0}},
        {"rank": {"code": "旗舰_1-a", "keep": nested(1), "grace": 120}},
        {"rule": {"amount_minor": 0}},
        {"rule": {"amount_minor": {"gold": 10**12, "default": 0}}},
        {"rule": {"amount_minor": 5, "of": "base"}},
        {"rule": {"pay": "upline", "tier": 3, "rate": {"default": "1"}, "of": {"rule": "seller"}}},
        {"rule": {"pay": "chain", "differential": True, "rate": {"gold": "0.1"}, "of": "base"}},
        {"rule": {"rate": "0", "of": "remaining", "group": "x" * 64}},
        {"rule": {"slabs": [*slabs(1), {"from_minor": 10**12, "rate": "1"}], "slab_mode": "marginal"}},
        {"rule": {"rate": "0", "where": {"channel": ["retail", "group_buy", "community"], "category": ["x"]}}},
        {"rule": {"rate": "0", "where": {"sku": ["A", "B"]}}},
        {"rule": {"rate": "0", "where": {"not": {"channel": ["retail"], "category": ["x"], "sku": ["A"]}}}},
        {"rule": {"rate": "0", "requires": {"min_rank": "gold"}}},
        {"rule": {"rate": "0", "requires": {"min_personal_sales_minor": 0, "window_days": 1}}},
        {"rule": {"rate": "0", "requires": {"min_personal_sales_minor": 10**15, "window_days": 9999}}},
        {"rule": {"rate": "0", "cap": {"per_order_minor": 0, "per_month_minor": 10**15}}},
        {"pool": {"weights": {"gold": 1_000_000, "member": 0}}},
    ],
)
def test_what_lies_at_the_bounds_of_the_language_passes(slip: dict[str, Any]) -> None:
    assert messages_of(slip) == []
