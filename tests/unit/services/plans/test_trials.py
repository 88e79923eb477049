"""A plan is tried on an order that nobody placed exactly as the engine works on one that somebody did."""

from __future__ import annotations

from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.events import OrderLine
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.policies.policy import Limits
from distrib.services.plans.drafts import MAX_CHARACTERS, check_draft
from distrib.services.plans.trials import Stand, Trial, suggest_channel, suggest_people, try_order
from distrib.services.policies import load_policies
from distrib.settings import REPOSITORY

PACKS = load_policies(REPOSITORY / "config")
OPEN = Limits("open", 3, None, "detach", None, True, True)
TEXT = 'code: a\ncurrency: CNY\nrules:\n  - {id: s, pay: seller, rate: "0.1"}\n'


def plan(*rules: dict[str, Any], **more: Any) -> Plan:
    return compile_plan({"code": "a", "currency": "CNY", "rules": list(rules), **more})


SELLER: dict[str, Any] = {"id": "s", "pay": "seller", "rate": "0.1"}
UPLINES = [{"id": f"u{tier}", "pay": "upline", "tier": tier, "rate": "0.05"} for tier in (1, 2)]


def trial(paid_minor: int, *seats: str, **more: Any) -> Trial:
    people = {seat: Stand("member") for seat in ("seller", *seats)} | more.pop("people", {})
    return Trial(OrderLine("1", "A", 1, paid_minor), "retail", people, **more)


def test_everyone_who_stands_there_is_told_what_they_earn() -> None:
    earned = try_order(plan(SELLER, *UPLINES, tiers=2), OPEN, trial(1_000, "upline-1", "leader"))
    assert earned.by_seat == {"seller": 100, "upline-1": 50, "leader": 0}
    assert earned.total_minor == 150
    assert [(look.rule_id, look.reason) for look in earned.looks] == [
        ("s", "paid"),
        ("u1", "paid"),
        ("u2", "no_upline"),
    ]


def test_a_chain_ends_where_nobody_sits() -> None:
    earned = try_order(plan(SELLER, *UPLINES, tiers=2), OPEN, trial(1_000, "upline-2"))
    assert earned.by_seat == {"seller": 100, "upline-2": 0}


def test_an_own_purchase_shifts_the_chain_by_one() -> None:
    shifting = plan(SELLER, *UPLINES, tiers=2, self_purchase="shift")
    earned = try_order(shifting, OPEN, trial(1_000, "upline-1", "upline-2", is_self_purchase=True))
    assert earned.by_seat == {"seller": 0, "upline-1": 100, "upline-2": 50}


def test_the_lower_of_the_plans_and_the_packs_cap_binds() -> None:
    for own, packs, limit in (("0.08", None, 80), ("0.08", 50_000, 50), (None, 50_000, 50)):
        capped = plan(SELLER, **({} if own is None else {"order_cap": own}))
        earned = try_order(capped, OPEN._replace(order_cap_ppm=packs), trial(1_000))
        assert (earned.limit_minor, earned.total_minor) == (limit, limit)
    assert try_order(plan(SELLER), OPEN, trial(1_000)).limit_minor is None


@pytest.mark.parametrize(("customer", "earns"), [("new", 300), ("returning", 200), (None, 100)])
def test_the_customer_is_new_or_returning_to_every_rule_or_not_named(customer: str | None, earns: int) -> None:
    bounds = {"within_orders": 1000, "within_days": 9999}
    asking = [
        SELLER | {"id": f"{word}{len(more)}", "rate": rate, "where": {"customer": {"is": word, **more}}}
        for word, rate in (("new", "0.3"), ("returning", "0.2"))
        for more in (bounds, {})
    ]
    assert try_order(plan(*asking, SELLER), OPEN, trial(1_000, customer=customer)).by_seat == {"seller": earns}
    assert try_order(plan(*asking[:2][::-1], SELLER), OPEN, trial(1_000)).by_seat == {"seller": 300}


def test_month_and_customer_caps_have_their_whole_room() -> None:
    caps = [{"per_month_minor": 30}, {"per_customer_minor": 20, "per_month_minor": 30}]
    for cap, left in zip(caps, (30, 20), strict=True):
        earned = try_order(plan(SELLER | {"cap": cap}), OPEN, trial(1_000))
        assert earned.by_seat == {"seller": left}
        assert [look.reason for look in earned.looks] == ["rule_cap"]


def test_sales_that_are_asked_for_are_reached_or_not_by_person() -> None:
    asking = [{**rule, "requires": {"min_personal_sales_minor": 5}} for rule in (SELLER, *UPLINES)]
    lacking = {"upline-1": Stand("member", has_sales=False)}
    earned = try_order(plan(*asking, tiers=2), OPEN, trial(1_000, "upline-1", "upline-2", people=lacking))
    assert earned.by_seat == {"seller": 100, "upline-1": 0, "upline-2": 50}


def test_a_margin_needs_a_cost() -> None:
    with pytest.raises(Refusal, match="no cost_minor"):
        try_order(plan(SELLER, base="margin"), OPEN, trial(1_000))


def test_people_to_begin_with_are_those_the_rules_name() -> None:
    ranked = plan(*UPLINES, {"id": "l", "pay": "leader", "rate": "0.1"}, tiers=2, ranks=[{"code": "a"}, {"code": "b"}])
    assert {seat: stand.rank for seat, stand in suggest_people(ranked).items()} == {
        "seller": "a",
        "upline-1": "b",
        "upline-2": "b",
        "leader": "a",
    }
    assert suggest_channel(ranked) == "retail"
    assert suggest_channel(plan({**SELLER, "where": {"channel": ["group_buy"]}})) == "group_buy"


def test_a_draft_is_judged_by_its_own_pack_where_none_is_chosen() -> None:
    assert check_draft(TEXT, None, PACKS).pack == "open"
    assert check_draft(TEXT + "policy: cn\n", None, PACKS).pack == "cn"
    assert check_draft(TEXT + "policy: [cn]\n", None, PACKS).pack == "open"
    chosen = check_draft(TEXT + "policy: cn\n", "us", PACKS)
    assert chosen.limits is not None
    assert chosen.limits.packs == "+".join(PACKS[name].version for name in ("us", "cn"))


def test_problems_of_a_draft_stand_in_the_order_of_its_lines() -> None:
    draft = check_draft("rules: []\ncode: 7\ntiers: 9\n", None, PACKS)
    assert [(slip.line, slip.problem.pointer) for slip in draft.slips] == [
        (1, "currency"),
        (1, "rules"),
        (2, "code"),
        (3, "tiers"),
    ]
    assert draft.plan is None
    assert check_draft("a: [", None, PACKS).slips[0].line == 1


def test_a_draft_has_bounds() -> None:
    with pytest.raises(Refusal, match="larger than 32,768 characters"):
        check_draft(" " * (MAX_CHARACTERS + 1), None, PACKS)
    with pytest.raises(Refusal, match="no policy pack mars"):
        check_draft(TEXT, "mars", PACKS)
