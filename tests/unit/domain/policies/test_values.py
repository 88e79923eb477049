"""What a pack, a monitor, an override and a channel hold after reading, key by key, and the edges of each figure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from distrib.domain.payouts.channels import Channel, channel_on, channels_from_document, misfit, takes_currency
from distrib.domain.plans.measures import PlanFigure, PlanThreshold
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.policies.figures import Threshold
from distrib.domain.policies.monitors import Monitor, share
from distrib.domain.policies.override import apply_override
from distrib.domain.policies.policy import (
    Finding,
    PlanCheck,
    Policy,
    combine,
    is_stricter,
    judge_plan,
    policy_from_document,
)

DAY = date(2026, 3, 1)
CHECK: dict[str, Any] = {
    "id": "X",
    "measure": "entry_fee",
    "above": 5,
    "severity": "alert",
    "source": "s",
    "en": "e",
    "zh": "z",
}
MONITOR: dict[str, Any] = {
    "id": "M",
    "scope": "tree",
    "when": {"persons": {"at_least": 30}},
    "severity": "alert",
    "source": "s",
    "en": "e",
    "zh": "z",
}
PACK: dict[str, Any] = {
    "name": "x",
    "valid_from": "2026-01-01",
    "source": "s",
    "max_tiers": 1,
    "entry_pays_seller": True,
    "self_purchase_pays_uplines": False,
}
BARE = Policy("x", date(2026, 1, 1), "s", 1, None, "refuse", None, True, False, ())


def plan(**keys: Any) -> Plan:
    rule = {"id": "s", "pay": "seller", "rate": "0.1"}
    return compile_plan({"code": "p", "currency": "CNY", "rules": [rule], **keys})


def test_a_pack_that_says_the_least_takes_the_defaults() -> None:
    assert policy_from_document(PACK) == BARE
    assert policy_from_document(PACK | {"findings": None, "monitors": None, "on_excess": None}) == BARE
    assert (BARE.valid_to, BARE.count_root, BARE.override) == (date.max, True, "")


def test_a_pack_that_says_all_is_read_key_by_key() -> None:
    said = {
        "valid_to": "2026-12-31",
        "max_tree_levels": 3,
        "on_excess": "detach",
        "order_cap": "0.3",
        "count_root": False,
        "findings": [
            CHECK
            | {"words": ["a", "b"], "currency": "CNY", "except_currency": "USD"}
            | {"valid_from": DAY, "valid_to": "2026-04-01"},
            CHECK | {"measure": "order_ratio", "above": None, "below": "0.25"},
        ],
        "monitors": [
            MONITOR | {"each": 7, "currency": "CNY", "valid_from": "2026-03-01", "valid_to": date(2026, 4, 1)},
            MONITOR | {"when": {"retail_share": {"below": "0.8"}, "levels": {"above": 3}}},
        ],
    }
    until = date(2026, 4, 1)
    few = (Threshold("retail_share", "below", 800_000), Threshold("levels", "above", 3))
    assert policy_from_document(PACK | said) == Policy(
        "x",
        date(2026, 1, 1),
        "s",
        1,
        3,
        "detach",
        300_000,
        True,
        False,
        (
            PlanCheck("X", "entry_fee", "alert", "s", "e", "z", 5, None, ("a", "b"), "CNY", "USD", DAY, until),
            PlanCheck("X", "order_ratio", "alert", "s", "e", "z", None, 250_000),
        ),
        (
            Monitor("M", "tree", (Threshold("persons", "at_least", 30),), "alert", "s", "e", "z", 7, "CNY", DAY, until),
            Monitor("M", "tree", few, "alert", "s", "e", "z"),
        ),
        date(2026, 12, 31),
        False,
    )


def test_a_pack_is_named_with_its_date_and_the_file_that_changed_it() -> None:
    assert (BARE.version, replace(BARE, override="ab12").version) == ("x@2026-01-01", "x@2026-01-01~ab12")


def test_a_pack_a_check_and_a_monitor_are_in_force_from_their_first_day_to_their_last() -> None:
    span = {"valid_from": DAY, "valid_to": DAY + timedelta(days=1)}
    pack = policy_from_document(PACK | span | {"findings": [CHECK | span], "monitors": [MONITOR | span]})
    days = [DAY + timedelta(days=offset) for offset in (-1, 0, 1, 2)]
    dear = plan(declarations={"entry_fee_minor": 6})
    in_force = [False, True, True, False]
    assert [pack.is_in_force(day) for day in days] == in_force
    assert [pack.monitors[0].is_in_force(day, "CNY") for day in days] == in_force
    assert [bool(judge_plan(pack, dear, day)) for day in days] == in_force
    assert len(judge_plan(pack, dear)) == 1


def finding_of(fee: int, kind: str) -> Finding:
    """What the check says of that fee against 5."""
    figure, threshold = PlanFigure("entry_fee", fee), PlanThreshold("entry_fee", kind, 5)
    return Finding("X", "alert", figure, threshold, "s", "e", "z")


def judged(change: dict[str, Any], **keys: Any) -> list[Finding]:
    return judge_plan(policy_from_document(PACK | {"findings": [CHECK | change]}), plan(**keys))


def test_a_finding_stands_beyond_its_threshold_and_tells_figure_and_threshold() -> None:
    def fee(amount: int) -> dict[str, Any]:
        return {"declarations": {"entry_fee_minor": amount}}

    assert judged({}, **fee(5)) == []
    assert judged({}, **fee(6)) == [finding_of(6, "above")]
    assert judged({"above": None, "below": 5}, **fee(5)) == []
    assert judged({"above": None, "below": 5}, **fee(4)) == [finding_of(4, "below")]
    assert judged({"measure": "order_ratio", "above": "0.1"}) == []
    (ratio,) = judged({"measure": "order_ratio", "above": "0.05"})
    assert (str(ratio.figure), str(ratio.threshold)) == ("0.1", "> 0.05")
    (little,) = judged({"measure": "order_ratio", "above": None, "below": "0.2"})
    assert (str(little.figure), str(little.threshold)) == ("0.1", "< 0.2")
    (unbounded,) = judged({"measure": "order_ratio", "above": "1"}, base="list")
    assert (str(unbounded.figure), str(unbounded.threshold)) == ("unbounded", "> 1")
    (claim,) = judged({"measure": "claims", "above": 0, "words": ["Rich", "GET", "free"]}, title="get RICH quick")
    assert (str(claim.figure), str(claim.threshold)) == ("Rich, GET", "> 0")
    assert judged({"measure": "claims", "above": 0, "words": ["b c"]}, title={"en": "a b", "zh": "c d"}) != []


def test_a_check_speaks_for_its_currency_or_for_all_but_one() -> None:
    dear: dict[str, Any] = {"declarations": {"entry_fee_minor": 6}}
    assert [bool(judged({"currency": code}, **dear)) for code in ("CNY", "USD", None)] == [True, False, True]
    assert [bool(judged({"except_currency": code}, **dear)) for code in ("CNY", "USD")] == [False, True]


@pytest.mark.parametrize(
    ("measure", "keys", "figure"),
    [
        ("tiers", {"tiers": 2}, "2"),
        ("minimum_age", {"declarations": {"minimum_age": 16}}, "16"),
        ("buy_back_days", {"declarations": {"buy_back_days": 30}}, "30"),
        ("cooling_off_days", {"declarations": {"cooling_off_days": 14}}, "14"),
        ("written_contract", {"declarations": {"written_contract": True}}, "1"),
        ("consideration", {"declarations": {"entry_purchase": True}}, "1"),
        ("consideration", {"declarations": {"entry_fee_minor": 1}}, "1"),
    ],
)
def test_what_is_declared_is_measured_and_what_is_not_is_nothing(
    measure: str, keys: dict[str, Any], figure: str
) -> None:
    (finding,) = judged({"measure": measure, "above": 0}, **keys)
    assert (str(finding.figure), judged({"measure": measure, "above": 0}, tiers=0)) == (figure, [])


@pytest.mark.parametrize(
    ("rate", "weight", "pools", "by_heads"),
    [("0.01", 1, 1, 1), ("0.000001", 1, 1, 1), ("0.01", 0, 1, 0), ("0", 1, 0, 0)],
)
def test_a_pool_counts_where_it_has_something_to_share_and_by_heads_where_they_open_it(
    rate: str, weight: int, pools: int, by_heads: int
) -> None:
    ranks = [{"code": "member"}, {"code": "gold", "promote": {"metric": "direct_recruits", "at_least": 1}}]
    pool = {"id": "p", "rate": rate, "weights": {"member": 1, "gold": weight}}
    figures = [
        [str(finding.figure) for finding in judged({"measure": measure, "above": 0}, ranks=ranks, pools=[pool])]
        for measure in ("team_pools", "head_count_pay", "head_count_ranks", "team_rank_levels")
    ]
    assert figures == [[str(pools)] * pools, [str(by_heads)] * by_heads, ["1"], []]


def test_team_sales_that_promote_are_measured_by_their_levels() -> None:
    team = {"metric": "team_sales_minor", "levels": 2, "at_least": 1}
    own = {"metric": "personal_orders", "at_least": 1}
    ranks = [{"code": "member"}, {"code": "a", "promote": {"any": [own, team]}}, {"code": "b", "promote": own}]
    (finding,) = judged({"measure": "team_rank_levels", "above": 1}, ranks=ranks)
    assert str(finding.figure) == "2"
    assert judged({"measure": "team_rank_levels", "above": 0}) == []


def test_packs_together_bind_the_strictest_and_a_limit_binds_only_where_there_is_one() -> None:
    loose = replace(BARE, name="loose", max_tiers=3, self_purchase_pays_uplines=True)
    deep = replace(loose, name="deep", max_tree_levels=9, on_excess="detach", order_cap_ppm=5)
    assert combine(loose, deep)[1:] == (3, 9, "detach", 5, True, True)
    assert combine(loose, replace(deep, on_excess="refuse")).on_excess == "refuse"
    assert combine(loose).on_excess == "detach"
    assert combine(deep, replace(BARE, entry_pays_seller=False)).packs == "deep@2026-01-01+x@2026-01-01"
    assert combine(deep, replace(BARE, entry_pays_seller=False))[1:] == (1, 9, "detach", 5, False, False)


@pytest.mark.parametrize(
    "change",
    [
        {"max_tiers": 2},
        {"max_tree_levels": None},
        {"max_tree_levels": 4},
        {"order_cap_ppm": None},
        {"order_cap_ppm": 300_001},
        {"entry_pays_seller": True},
        {"self_purchase_pays_uplines": True},
    ],
)
def test_a_pack_with_one_looser_limit_is_not_stricter(change: dict[str, Any]) -> None:
    than = replace(
        BARE, name="than", max_tree_levels=3, order_cap_ppm=300_000, entry_pays_seller=False, on_excess="detach"
    )
    same = replace(than, name="own")
    assert is_stricter(same, than)
    assert not is_stricter(replace(same, **change), than)
    assert is_stricter(replace(same, on_excess="refuse"), than)


def test_a_bound_is_reached_at_its_threshold_or_beyond_as_its_kind_says() -> None:
    kinds = ("at_least", "above", "below")
    reached = {kind: [Threshold("levels", kind, 3).is_reached(figure) for figure in (2, 3, 4)] for kind in kinds}
    assert reached == {"at_least": [False, True, True], "above": [False, False, True], "below": [True, False, False]}
    assert not Threshold("levels", "below", 3).is_reached(None)
    assert [str(Threshold("levels", kind, 3)) for kind in reached] == ["levels ≥ 3", "levels > 3", "levels < 3"]
    assert str(Threshold("retail_share", "below", 800_000)) == "retail_share < 0.8"


def test_a_monitor_tells_its_figures_where_every_bound_is_reached_and_its_thresholds() -> None:
    bounds = (Threshold("persons", "at_least", 30), Threshold("retail_share", "below", 800_000))
    watch = Monitor("M", "tree", bounds, "alert", "s", "e", "z", each=7, currency="CNY")
    assert str(watch.figure({"persons": 30, "retail_share": 0})) == "persons 30, retail_share 0"
    assert watch.figure({"persons": 29, "retail_share": 0}) is None
    assert watch.figure({"persons": 30}) is None
    assert str(watch.threshold()) == "persons ≥ 30, retail_share < 0.8 (each: 7)"
    assert str(replace(watch, each=0).threshold()) == "persons ≥ 30, retail_share < 0.8"
    assert [watch.is_in_force(DAY, code) for code in ("CNY", "USD")] == [True, False]
    assert replace(watch, currency=None).is_in_force(DAY, "USD")


def test_a_share_is_rounded_down_and_there_is_none_of_nothing() -> None:
    assert [share(2, 3), share(0, 3), share(3, 3), share(1, 1), share(1, 0), share(1, -1)] == [
        666_666,
        0,
        1_000_000,
        1_000_000,
        None,
        None,
    ]


LIMITED = PACK | {
    "max_tree_levels": 3,
    "on_excess": "refuse",
    "order_cap": "0.3",
    "entry_pays_seller": False,
    "findings": [
        CHECK | {"id": "A", "currency": "CNY", "words": ["a"], "valid_from": "2026-02-01", "valid_to": "2026-12-01"},
        CHECK | {"id": "B", "above": None, "below": 18, "except_currency": "USD"},
        CHECK | {"id": "B", "measure": "written_contract", "above": None, "below": 1},
    ],
    "monitors": [
        MONITOR | {"each": 5, "currency": "CNY", "valid_from": "2026-02-01", "valid_to": "2026-12-01"},
        MONITOR | {"when": {"retail_share": {"below": "0.8"}}},
    ],
}


def loosened(**changes: Any) -> list[str]:
    return list(apply_override(LIMITED, {"pack": "x", **changes}).loosened)


def check(**change: Any) -> dict[str, Any]:
    return {"findings": [{"id": "A", "measure": "entry_fee", **change}]}


def age(**change: Any) -> dict[str, Any]:
    return {"findings": [{"id": "B", "measure": "entry_fee", **change}]}


def contract(**change: Any) -> dict[str, Any]:
    return {"findings": [{"id": "B", "measure": "written_contract", **change}]}


def persons(**change: Any) -> dict[str, Any]:
    return {"monitors": [{"id": "M", "when": {"persons": {"at_least": 30}}, **change}]}


def retail(**bound: Any) -> dict[str, Any]:
    return {"monitors": [{"id": "M", "when": {"retail_share": bound}}]}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"max_tiers": 1, "max_tree_levels": 3, "order_cap": "0.3", "on_excess": "refuse"}, []),
        ({"max_tiers": 2}, ["max_tiers: 1 → 2"]),
        ({"max_tiers": 0, "max_tree_levels": 2, "order_cap": "0.2"}, []),
        ({"max_tree_levels": 4, "order_cap": "0.4"}, ["max_tree_levels: 3 → 4", "order_cap: 0.3 → 0.4"]),
        ({"on_excess": "detach"}, ["on_excess: refuse → detach"]),
        ({"entry_pays_seller": True}, ["entry_pays_seller: False → True"]),
        ({"self_purchase_pays_uplines": True}, ["self_purchase_pays_uplines: False → True"]),
        ({"count_root": False}, ["count_root: True → False"]),
        (check(above=6), ["A entry_fee above: 5 → 6"]),
        (check(above=4), []),
        (check(above=None, below=5), ["A entry_fee: above/below"]),
        (check(severity="info"), ["A entry_fee severity: alert → info"]),
        (check(severity="refuse"), []),
        (check(words=["a", "b"]), []),
        (check(words=["b"]), ["A entry_fee: words"]),
        (check(currency="USD"), ["A entry_fee: currency"]),
        (check(valid_from="2026-02-02"), ["A entry_fee: valid_from/valid_to"]),
        (check(valid_to="2026-11-30"), ["A entry_fee: valid_from/valid_to"]),
        (check(valid_from="2026-01-31", valid_to="2026-12-02"), []),
        (age(below=17), ["B entry_fee below: 18 → 17"]),
        (age(below=19), []),
        (contract(below=0), ["B written_contract below: 1 → 0"]),
        (contract(below=1), []),
        (age(except_currency="CNY"), ["B entry_fee: currency"]),
        (persons(severity="info", each=6), ["M severity: alert → info", "M each: 5 → 6"]),
        (persons(severity="refuse", each=5), []),
        (persons(currency="USD"), ["M: currency/scope"]),
        (persons(valid_from="2026-02-02"), ["M: valid_from/valid_to"]),
        (persons(valid_to="2026-11-30"), ["M: valid_from/valid_to"]),
        (persons(valid_from="2026-01-31", valid_to="2026-12-02"), []),
        (persons(scope="program"), ["M: currency/scope"]),
        (persons(when={"persons": {"at_least": 31}}), ["M: persons ≥ 30 → persons ≥ 31"]),
        (persons(when={"persons": {"at_least": 29}}), []),
        (persons(when={"persons": {"above": 20}}), ["M: persons ≥ 30 → persons > 20"]),
        (retail(below="0.7"), ["M: retail_share < 0.8 → retail_share < 0.7"]),
        (retail(below="0.9"), []),
    ],
)
def test_each_figure_that_is_looser_is_named_and_none_that_is_tighter(change: dict[str, Any], names: list[str]) -> None:
    assert loosened(**change) == names


def test_an_override_changes_what_it_names_and_adds_what_is_new() -> None:
    new = CHECK | {"id": "NEW"}
    watch = MONITOR | {"id": "NEW"}
    override = apply_override(LIMITED, {"pack": "x", "findings": [new], "monitors": [watch], "max_tiers": 0})
    assert [check.id for check in override.policy.checks] == ["A", "B", "B", "NEW"]
    assert [monitor.id for monitor in override.policy.monitors] == ["M", "M", "NEW"]
    assert (override.policy.max_tiers, override.loosened) == (0, ())
    assert override.policy.override == override.digest[:8]
    assert len(override.digest) == 64
    assert apply_override(PACK, {"pack": "x"}).policy == replace(
        BARE, override=apply_override(PACK, {"pack": "x"}).digest[:8]
    )


def test_the_digest_of_an_override_is_of_what_is_said_and_not_of_how_it_is_written() -> None:
    said = apply_override(PACK, {"pack": "x", "max_tiers": 0}).digest
    turned = dict(reversed(PACK.items())) | {"valid_from": date(2026, 1, 1)}
    assert apply_override(turned, {"max_tiers": 0, "pack": "x"}).digest == said
    assert apply_override(PACK, {"pack": "x"}).digest != said


def test_without_a_limit_none_can_be_loosened() -> None:
    assert apply_override(PACK, {"pack": "x", "on_excess": "detach"}).loosened == ()
    assert apply_override(PACK | {"max_tree_levels": 2, "on_excess": "detach"}, {"pack": "x"}).loosened == ()
    assert apply_override(PACK, {"pack": "x", "max_tree_levels": 9, "order_cap": "0.9"}).loosened == ()


def test_of_findings_with_one_name_the_first_is_changed() -> None:
    twice = PACK | {"findings": [CHECK, CHECK | {"above": 9}]}
    changed = apply_override(twice, {"pack": "x", "findings": [{"id": "X", "measure": "entry_fee", "above": 1}]})
    assert [check.above for check in changed.policy.checks] == [1, 9]


def test_findings_of_one_id_are_told_apart_by_what_they_measure() -> None:
    two = PACK | {"findings": [CHECK, CHECK | {"measure": "tiers", "above": 2}]}
    changed = apply_override(two, {"pack": "x", "findings": [{"id": "X", "measure": "tiers", "above": 1}]})
    assert [(check.measure, check.above) for check in changed.policy.checks] == [("entry_fee", 5), ("tiers", 1)]


def test_a_channel_is_read_key_by_key_and_its_limits_are_its_own() -> None:
    least = {"name": "csv", "valid_from": "2026-01-01", "source": "s", "lines_a_file": 1}
    bare = Channel("csv", date(2026, 1, 1), "s", None, None, 1, {}, 0, 1, "", "", (), "", "")
    assert channels_from_document({"channels": [least]}) == [bare]
    said = {
        "currency": "CNY",
        "account": "wechat",
        "min_minor": 10,
        "max_minor": {"person": 20},
        "name_from_minor": 15,
        "lines_a_file": 1000,
        "remark": "r",
        "scene_id": "1",
        "report_infos": [["a", "b"]],
        "product_code": "p",
        "biz_scene": "z",
        "scene_name": "n",
        "returns": False,
        "states": {"paid": ["S"], "open": ["W"]},
        "notes": [{"en": "e", "zh": "z"}],
        "read_on": "2026-01-02",
    }
    full = Channel(
        "csv",
        date(2026, 1, 1),
        "s",
        "CNY",
        "wechat",
        10,
        {"person": 20},
        15,
        1000,
        "r",
        "1",
        (("a", "b"),),
        "p",
        "z",
        "n",
        False,
        {"paid": ("S",), "open": ("W",)},
        ({"en": "e", "zh": "z"},),
        date(2026, 1, 2),
    )
    assert channels_from_document({"channels": [least | said]}) == [full]
    free = least | {"min_minor": 0, "account": "alipay", "report_infos": []}
    assert channels_from_document({"channels": [free]}) == [replace(bare, min_minor=0, account="alipay")]
    assert [misfit(full, "person", net, ["wechat"]) for net in (9, 10, 20, 21)] == [
        "below_channel_minimum",
        None,
        None,
        "above_channel_maximum",
    ]
    assert misfit(full, "company", 10**12, ["wechat"]) is None
    assert misfit(full, "person", 10, ["alipay"]) == "account_missing"
    later = replace(full, valid_from=date(2026, 2, 1))
    assert channel_on([later, full], "csv", date(2026, 2, 1)) is later
    assert channel_on([later, full], "csv", date(2026, 1, 31)) is full
    days = (date(2025, 12, 31), date(2026, 1, 1))
    assert [takes_currency([full], "csv", day, "CNY") for day in days] == [False, True]
    assert not takes_currency([full], "csv", days[1], "USD")
    assert takes_currency([replace(full, currency=None)], "csv", days[1], "USD")
