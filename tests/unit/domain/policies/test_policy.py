"""Policy packs: what they bind, how they combine, what they find in a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.plans.measures import order_ratio, recruiting_share, uplines_paid
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.policies.policy import Policy, check_policy, combine, is_stricter, judge_plan, policy_from_document
from distrib.services.policies import load_policies
from distrib.services.yaml_documents import read_yaml

CONFIG = Path(__file__).parents[4] / "config"
PACKS = load_policies(CONFIG)
SELLER = {"id": "seller", "pay": "seller", "rate": "0.10"}
UP_1 = {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.05"}
UP_2 = {"id": "up-2", "pay": "upline", "tier": 2, "rate": "0.02"}
HEADS = [{"code": "member"}, {"code": "gold", "promote": {"metric": "direct_recruits", "at_least": 3}}]


def plan(*rules: dict[str, Any], **keys: Any) -> Plan:
    declared = {"minimum_age": 18, "buy_back_days": 30, "written_contract": True, "cooling_off_days": 14}
    declared |= keys.pop("declarations", {})
    return compile_plan(
        {"code": "p", "currency": "CNY", "declarations": declared, "rules": [*rules] or [SELLER], **keys}
    )


def findings_of(pack: str, judged: Plan) -> list[tuple[str, str]]:
    return [(finding.id, finding.severity) for finding in judge_plan(PACKS[pack], judged)]


def test_the_packs_bind_what_the_language_says() -> None:
    bound = {
        name: (p.max_tiers, p.max_tree_levels, p.on_excess, p.order_cap_ppm, p.entry_pays_seller)
        for name, p in PACKS.items()
    }
    rest = (3, None, "refuse", None, False)
    assert bound == {
        "open": (3, None, "refuse", None, True),
        "cn": (1, 3, "detach", None, False),
        "cn-strict": (0, 2, "detach", 300_000, False),
        "us": rest,
        "eu": rest,
        "uk": rest,
        "in": rest,
    }


def test_a_plan_that_pays_the_seller_alone_is_fine_everywhere() -> None:
    assert [findings_of(name, plan()) for name in PACKS] == [[]] * len(PACKS)


def test_an_upline_needs_a_sign_off_in_china_and_is_refused_by_the_strict_pack() -> None:
    assert findings_of("cn", plan(SELLER, UP_1)) == [("CN-P04", "sign_off")]
    assert findings_of("cn-strict", plan(SELLER, UP_1)) == [("CN-P03", "refuse"), ("CN-P04", "refuse")]
    assert findings_of("open", plan(SELLER, UP_1)) == []


def test_two_uplines_are_refused_in_china() -> None:
    assert ("CN-P03", "refuse") in findings_of("cn", plan(SELLER, UP_1, UP_2, tiers=2))
    assert ("CN-P03", "refuse") in findings_of("cn", plan(tiers=2))


def test_an_upline_rule_that_pays_nothing_pays_no_upline() -> None:
    assert findings_of("cn", plan(SELLER, {**UP_1, "rate": "0"})) == []


def test_a_differential_chain_over_more_than_one_level_is_refused_in_china() -> None:
    chain = {"id": "d", "pay": "chain", "differential": True, "rate": {"member": "0.1"}}
    assert ("CN-P05", "refuse") in findings_of("cn", plan(chain, tiers=2))
    assert findings_of("cn", plan(chain)) == [("CN-P04", "sign_off")]


@pytest.mark.parametrize("fee", [{"entry_fee_minor": 1}, {"entry_purchase": True}])
def test_no_plan_may_charge_for_joining_in_china(fee: dict[str, Any]) -> None:
    assert findings_of("cn", plan(declarations=fee)) == [("CN-P01", "refuse")]
    assert findings_of("open", plan(declarations=fee)) == []


@pytest.mark.parametrize(
    ("pack", "severity"),
    [
        ("open", "info"),
        ("cn", "sign_off"),
        ("cn-strict", "refuse"),
        ("us", "alert"),
        ("eu", "alert"),
        ("uk", "alert"),
        ("in", "refuse"),
    ],
)
def test_ranks_by_head_count_are_found_by_every_pack(pack: str, severity: str) -> None:
    (finding,) = judge_plan(PACKS[pack], plan(ranks=HEADS))
    assert (finding.id.endswith("-P06"), finding.severity, str(finding.figure)) == (True, severity, "1")
    assert finding.source
    assert finding.detail_en
    assert finding.detail_zh


def test_ranks_by_head_count_with_a_price_of_joining_are_refused_in_the_us() -> None:
    assert ("US-P01", "refuse") in findings_of("us", plan(ranks=HEADS, declarations={"entry_purchase": True}))
    assert ("US-P02", "alert") in findings_of("us", plan(declarations={"buy_back_days": 0}))


def test_pay_that_opens_mostly_by_recruiting_is_refused_in_the_eu_where_joining_costs_anything() -> None:
    mostly = plan(
        {**SELLER, "rate": {"member": "0.04", "gold": "0.10"}}, ranks=HEADS, declarations={"entry_fee_minor": 1}
    )
    hardly = plan(
        {**SELLER, "rate": {"member": "0.05", "gold": "0.10"}}, ranks=HEADS, declarations={"entry_fee_minor": 1}
    )
    assert ("EU-P01", "refuse") in findings_of("eu", mostly)
    assert ("EU-P01", "refuse") not in findings_of("eu", hardly)


def recruiting(*rules: dict[str, Any], fee: int = 1, **keys: Any) -> int:
    """The part of the largest pay that only recruiting opens, in parts per million; gold is a rank by head count."""
    return recruiting_share(plan(*rules, ranks=HEADS, declarations={"entry_fee_minor": fee}, **keys))


def test_what_only_recruiting_opens_is_measured_where_joining_costs_anything_and_where_anything_is_paid() -> None:
    by_rank = {**SELLER, "rate": {"member": "0.04", "gold": "0.10"}}
    assert recruiting(by_rank) == 600_000
    assert recruiting(by_rank, fee=0) == 0
    assert recruiting({**SELLER, "rate": {"member": "0.01", "gold": "0.03"}}) == 666_666
    assert recruiting({**SELLER, "rate": "0"}) == 0


def test_neither_list_prices_nor_what_a_rule_requires_hide_that_pay_opens_by_recruiting() -> None:
    by_rank = {**SELLER, "rate": {"member": "0.04", "gold": "0.10"}}
    assert recruiting(by_rank, base="list") == 600_000
    assert recruiting(by_rank, base="list", order_cap="0.08") == 500_000
    requiring = {**SELLER, "rate": "0.06", "group": "bonus", "requires": {"min_rank": "gold"}}
    assert recruiting({**SELLER, "id": "all", "rate": "0.04"}, requiring) == 600_000
    slabs = {"id": "s", "pay": "seller", "slabs": [{"from_minor": 0, "rate": "0.06"}], "requires": {"min_rank": "gold"}}
    assert recruiting({**SELLER, "id": "all", "group": "all", "rate": "0.04"}, slabs) == 600_000
    open_to_all = {**requiring, "requires": {"min_rank": "member"}}
    assert recruiting({**SELLER, "id": "all", "rate": "0.04"}, open_to_all) == 0


def test_a_pool_that_only_recruiting_opens_is_pay_as_well() -> None:
    def pool(**weights: int) -> list[dict[str, Any]]:
        return [{"id": "p", "rate": "0.06", "weights": weights}]

    seller = {**SELLER, "rate": "0.04"}
    assert recruiting(seller, pools=pool(gold=1)) == recruiting(seller, pools=pool(gold=1, member=0)) == 600_000
    assert recruiting(seller, pools=pool(gold=9, member=1)) == 0
    assert recruiting({**SELLER, "rate": "0.5"}, pools=pool(gold=1), order_cap="0.04") == 600_000


def test_a_fixed_amount_that_only_recruiting_opens_is_all_of_the_pay_and_of_two_amounts_nothing_can_be_told() -> None:
    amounts = {"id": "s", "pay": "seller", "amount_minor": {"gold": 100}}
    assert recruiting(amounts) == 1_000_000
    assert recruiting({**amounts, "amount_minor": {"member": 1, "gold": 100}}) == 0


def test_more_than_200_pounds_of_entry_fee_is_refused_in_the_uk_and_another_currency_is_for_a_person() -> None:
    assert findings_of("uk", plan(currency="GBP", declarations={"entry_fee_minor": 20_000})) == []
    assert findings_of("uk", plan(currency="GBP", declarations={"entry_fee_minor": 20_001})) == [("UK-P01", "refuse")]
    assert findings_of("uk", plan(declarations={"entry_fee_minor": 1})) == [("UK-P01", "alert")]


def test_contract_and_cooling_off_must_be_declared_in_india() -> None:
    assert (
        findings_of("in", plan(declarations={"written_contract": False, "cooling_off_days": 0}))
        == [("IN-P01", "refuse")] * 2
    )


def ratio(judged: Plan) -> str | None:
    figures = {finding.id: str(finding.figure) for finding in judge_plan(PACKS["cn"], judged)}
    return figures.get("CN-P07")


def test_the_order_ratio_is_the_most_one_order_can_cost() -> None:
    assert ratio(plan({**SELLER, "rate": "0.30"})) is None
    by_rank = {**SELLER, "rate": {"member": "0.1", "default": "0.300001"}}
    assert ratio(plan(by_rank)) is None
    assert ratio(plan(by_rank, ranks=[{"code": "member"}, {"code": "gold"}])) == "0.300001"
    assert ratio(plan({**SELLER, "rate": "0.2"}, {**SELLER, "id": "b", "rate": "0.25"})) is None
    assert ratio(plan({**SELLER, "rate": "0.2"}, {**SELLER, "id": "b", "rate": "0.25", "group": "own"})) == "0.45"
    assert ratio(plan({**SELLER, "rate": "0.4"}, {**SELLER, "id": "b", "rate": "0.2"})) == "0.4"
    assert ratio(plan({**SELLER, "rate": "0.3"}, {**UP_1, "rate": "0.5", "of": {"rule": "seller"}})) == "0.45"
    assert ratio(plan({"id": "s", "pay": "seller", "slabs": [{"from_minor": 0, "rate": "0.4"}]})) == "0.4"
    of_seller = {"id": "lead", "pay": "leader", "rate": "0.5", "of": {"rule": "seller"}}
    assert ratio(plan(of_seller, {**SELLER, "rate": "0.3"})) == "0.45"


def test_a_rule_above_the_plans_tiers_and_one_of_nothing_cost_nothing() -> None:
    above = {"id": "far", "pay": "upline", "tier": 3, "rate": "0.5", "group": "far"}
    slabs = {**above, "id": "slabs", "group": "slabs", "slabs": [{"from_minor": 0, "rate": "0.5"}]}
    del slabs["rate"]
    assert order_ratio(plan(SELLER, above, slabs)) == 100_000
    assert order_ratio(plan(SELLER, above, slabs, tiers=3)) == 1_100_000
    assert order_ratio(plan({**SELLER, "rate": "0"})) == 0
    assert order_ratio(plan({**SELLER, "rate": "0"}, base="list")) == 0


def test_an_upline_is_paid_where_a_rule_within_the_tiers_has_any_figure_above_nothing() -> None:
    first = {"id": "first", "pay": "upline", "tier": 1}
    least: list[dict[str, Any]] = [
        {"amount_minor": 1},
        {"rate": "0.000001"},
        {"rate": {"member": "0.000001"}},
        {"slabs": [{"from_minor": 0, "rate": "0"}, {"from_minor": 5, "rate": "0.000001"}]},
    ]
    assert [uplines_paid(plan({**first, **figure})) for figure in least] == [1, 1, 1, 1]
    nothing: list[dict[str, Any]] = [{"amount_minor": 0}, {"rate": "0"}, {"slabs": [{"from_minor": 0, "rate": "0"}]}]
    assert [uplines_paid(plan({**first, **figure})) for figure in nothing] == [0, 0, 0]
    assert uplines_paid(plan(SELLER, {**first, "tier": 3, "rate": "0.5"})) == 0


def test_fixed_amounts_and_list_prices_have_no_bound_but_an_order_cap() -> None:
    fixed = {"id": "s", "pay": "seller", "amount_minor": 1}
    of_fixed = {**UP_1, "of": {"rule": "s"}}
    assert ratio(plan(fixed)) == "unbounded"
    assert ratio(plan(fixed, of_fixed)) == "unbounded"
    assert ratio(plan(SELLER, base="list")) == "unbounded"
    assert ratio(plan({**fixed, "amount_minor": 0})) is None
    assert ratio(plan(fixed, order_cap="0.30")) is None


def test_a_promise_of_earnings_in_the_title_and_a_missing_age_are_alerts() -> None:
    assert findings_of("cn", plan(title={"zh": "躺赚月入过万"}, declarations={"minimum_age": 16})) == [
        ("CN-P08", "alert"),
        ("CN-P09", "alert"),
    ]


def test_a_plan_may_name_a_stricter_pack_only() -> None:
    stricter = {(a, b) for a in ("open", "cn", "cn-strict", "us") for b in ("open", "cn", "cn-strict", "us")}
    assert {(a, b) for a, b in stricter if is_stricter(PACKS[a], PACKS[b])} == {
        ("open", "open"),
        ("us", "open"),
        ("us", "us"),
        ("cn", "open"),
        ("cn", "us"),
        ("cn", "cn"),
        ("cn-strict", "open"),
        ("cn-strict", "us"),
        ("cn-strict", "cn"),
        ("cn-strict", "cn-strict"),
    }


def test_packs_that_judge_together_bind_the_strictest_of_each() -> None:
    limits = combine(PACKS["open"], PACKS["cn-strict"])
    assert (limits.max_tiers, limits.max_tree_levels, limits.on_excess) == (0, 2, "detach")
    assert limits.packs == "open@1970-01-01+cn-strict@2005-11-01"
    assert [limits.order_cap_with(cap) for cap in (None, 200_000, 400_000)] == [300_000, 200_000, 300_000]
    assert combine(PACKS["cn"], PACKS["cn"]).packs == "cn@2005-11-01"
    assert combine(PACKS["open"]).order_cap_with(None) is None


def test_the_plans_that_come_with_the_project_are_sound() -> None:
    verdicts = {}
    for path in (CONFIG / "plans").glob("*.yaml"):
        document = read_yaml(path.read_text("utf-8"))
        assert isinstance(document, dict)
        sound = compile_plan(document)
        verdicts[path.stem] = {finding.severity for finding in judge_plan(PACKS[sound.policy or "open"], sound)}
    assert verdicts["two-level-shop"] == {"sign_off"}
    assert verdicts["cdnow-demo"] == {"info"}


def pack(**keys: Any) -> dict[str, Any]:
    given = {"name": "x", "valid_from": "2026-01-01", "source": "s", "max_tiers": 1}
    return {**given, "entry_pays_seller": True, "self_purchase_pays_uplines": True, **keys}


CHECK = {"id": "X", "measure": "tiers", "above": 1, "severity": "info", "source": "s", "en": "e", "zh": "z"}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], ""),
        (pack(max_tiers=4), "max_tiers"),
        (pack(valid_from=2026), "valid_from"),
        (pack(valid_from="soon"), "valid_from"),
        (pack(order_cap=0.3), "order_cap"),
        (pack(on_excess="ignore"), "on_excess"),
        (pack(colour="red"), "colour"),
        (pack(findings=[7]), "findings[0]"),
        (pack(findings=[{**CHECK, "measure": "mood"}]), "findings[0].measure"),
        (pack(findings=[{**CHECK, "severity": "hold"}]), "findings[0].severity"),
        (pack(findings=[{**CHECK, "below": 1}]), "findings[0]"),
        (pack(findings=[{**CHECK, "measure": "order_ratio"}]), "findings[0].above"),
        (pack(findings=[{**CHECK, "above": "0.3"}]), "findings[0].above"),
    ],
)
def test_a_pack_with_a_mistake_is_refused_at_its_key(document: object, pointer: str) -> None:
    assert [problem.pointer for problem in check_policy(document)] == [pointer]
    with pytest.raises(Refusal):
        policy_from_document(document)


def test_a_pack_without_findings_judges_nothing() -> None:
    bare: Policy = policy_from_document(pack())
    assert judge_plan(bare, plan()) == []
    assert bare.version == "x@2026-01-01"


def test_every_mistake_in_the_directory_of_packs_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.yaml").write_text("max_tiers: 9\n", "utf-8")
    (tmp_path / "policies" / "b.yaml").write_text("name: [\n", "utf-8")
    with pytest.raises(Refusal) as refused:
        load_policies(tmp_path)
    assert {problem.pointer.split(":")[0] for problem in refused.value.problems} == {"a.yaml", "b.yaml"}
