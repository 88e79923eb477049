"""What an order pays: seats, choice of rules, the order of work, caps, refunds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.events import Order, OrderLine
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.commission import Commission, Person, Snapshot, settle, settle_left
from distrib.domain.settlement.explanation import explain

SELLER = {"id": "seller", "pay": "seller", "rate": "0.10"}
UP_1 = {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.05"}
UP_2 = {"id": "up-2", "pay": "upline", "tier": 2, "rate": "0.02"}
DIFFERENTIAL = {
    "id": "diff",
    "pay": "chain",
    "differential": True,
    "rate": {"member": "0.05", "gold": "0.10", "top": "0.20"},
}
RANKS = [{"code": "member"}, {"code": "gold"}, {"code": "top"}]


def plan(*rules: dict[str, Any], **keys: Any) -> Plan:
    given = {"code": "p", "currency": "CNY", "tiers": 2, "ranks": RANKS, **keys}
    return compile_plan({**given, "rules": list(rules)})


def line(paid: int = 10_000, line_id: str = "1", sku: str = "A", quantity: int = 1, **more: Any) -> OrderLine:
    return OrderLine(line_id, sku, quantity, paid, **more)


def order(*lines: OrderLine, channel: str = "retail") -> Order:
    return Order("o", "CNY", datetime(2026, 3, 1, tzinfo=UTC), lines or (line(),), channel)


def chain(*ranks: str, **more: Any) -> Snapshot:
    """The seller is shop 0, its n-th upline shop n; a rank in brackets is that of someone not active."""
    people = [Person(no, rank.strip("()"), not rank.startswith("(")) for no, rank in enumerate(ranks)]
    return Snapshot(people[0], tuple(people[1:]), **more)


def paid(commissions: list[Commission]) -> dict[int, int]:
    total: dict[int, int] = {}
    for commission in commissions:
        total[commission.shop_no] = total.get(commission.shop_no, 0) + commission.amount_minor
    return total


def test_a_commission_says_what_it_was_taken_of_at_which_rate() -> None:
    (commission,) = settle(plan(SELLER), order(line(12_345)), chain("member"))
    assert commission == Commission(0, 0, 0, 0, 12_345, 100_000, 1_235)


def test_an_order_without_a_shop_pays_nobody_not_even_its_leader() -> None:
    alone = Snapshot(None, leader=Person(5, "member", True))
    assert settle(plan(SELLER, {"id": "lead", "pay": "leader", "rate": "0.1"}), order(), alone) == []


def test_whoever_is_not_active_earns_nothing_seller_leader_and_opener_included() -> None:
    rules = plan(
        SELLER, UP_1, {"id": "lead", "pay": "leader", "rate": "0.1"}, {"id": "op", "pay": "opener", "rate": "0.1"}
    )
    asleep, awake = Person(8, "member", False), Person(9, "member", True)
    assert paid(settle(rules, order(), chain("(member)", "(member)", leader=asleep, opener=asleep))) == {}
    assert paid(settle(rules, order(), chain("(member)", "member", leader=awake, opener=awake))) == {1: 500, 9: 2_000}


def test_an_inactive_uplines_share_stays_with_the_platform_or_passes_up() -> None:
    people = chain("member", "(member)", "member", "member")
    assert paid(settle(plan(SELLER, UP_1, UP_2), order(), people)) == {0: 1_000, 2: 200}
    compress = plan(SELLER, UP_1, UP_2, inactive_upline="compress")
    assert paid(settle(compress, order(), people)) == {0: 1_000, 2: 500, 3: 200}


def test_compression_looks_at_the_eight_nearest_uplines_and_no_further() -> None:
    compress = plan(UP_1, inactive_upline="compress", self_purchase="shift")
    asleep = ["(member)"] * 7
    assert paid(settle(compress, order(), chain("member", *asleep, "member"))) == {8: 500}
    assert paid(settle(compress, order(), chain("member", *asleep, "(member)", "member"))) == {}


def test_compression_of_a_shifted_chain_looks_at_eight_above_the_sponsor() -> None:
    compress = plan(UP_1, inactive_upline="compress", self_purchase="shift")
    people = chain("member", "member", *["(member)"] * 7, "member", is_self_purchase=True)
    assert paid(settle(compress, order(), people)) == {9: 500}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("earn", {0: 1_000, 1: 500}), ("skip", {1: 500}), ("shift", {1: 1_000, 2: 500})],
)
def test_a_purchase_from_oneself_earns_is_skipped_or_shifts_the_chain(choice: str, expected: dict[int, int]) -> None:
    people = chain("member", "member", "member")
    rules = plan(SELLER, UP_1, self_purchase=choice)
    assert paid(settle(rules, order(), people._replace(is_self_purchase=True))) == expected
    assert paid(settle(rules, order(), people)) == {0: 1_000, 1: 500}


def test_a_shifted_chain_without_a_sponsor_pays_nobody() -> None:
    assert settle(plan(SELLER, UP_1, self_purchase="shift"), order(), chain("member", is_self_purchase=True)) == []


def test_a_pack_may_keep_uplines_from_earning_on_a_purchase_from_oneself() -> None:
    people = chain("member", "member", "member", is_self_purchase=True, self_purchase_pays_uplines=False)
    assert paid(settle(plan(SELLER, UP_1), order(), people)) == {0: 1_000}
    assert paid(settle(plan(SELLER, UP_1, self_purchase="shift"), order(), people)) == {}


def test_a_differential_chain_pays_the_running_maximum_and_a_lower_rank_between_resets_nothing() -> None:
    rules = plan(DIFFERENTIAL, tiers=3)
    assert paid(settle(rules, order(), chain("gold", "member", "gold", "top"))) == {0: 1_000, 3: 1_000}


def test_the_rate_of_an_inactive_link_is_not_reached_that_of_a_skipped_seller_is() -> None:
    rules = plan(DIFFERENTIAL, self_purchase="skip")
    assert paid(settle(rules, order(), chain("member", "(gold)", "top"))) == {0: 500, 2: 1_500}
    assert paid(settle(rules, order(), chain("gold", "gold", "top", is_self_purchase=True))) == {2: 1_000}
    assert paid(settle(rules, order(), chain("(gold)", "gold", is_self_purchase=True))) == {1: 1_000}


def test_a_rank_that_a_rate_does_not_name_earns_nothing_unless_there_is_a_default() -> None:
    named = {"id": "s", "pay": "seller", "rate": {"gold": "0.2"}}
    assert settle(plan(named), order(), chain("member")) == []
    named["rate"] = {"gold": "0.2", "default": "0.01"}
    assert paid(settle(plan(named), order(), chain("member"))) == {0: 100}


def test_the_first_rule_of_a_group_that_matches_is_taken_and_a_group_of_its_own_pays_in_addition() -> None:
    special = {**SELLER, "id": "special", "rate": "0.5", "where": {"sku": ["A"], "channel": ["retail"]}}
    bonus = {**SELLER, "id": "bonus", "rate": "0.01", "group": "bonus", "where": {"not": {"category": ["book"]}}}
    rules = plan(special, SELLER, bonus)
    lines = (line(1_000), line(1_000, "2", sku="B"), line(1_000, "3", sku="B", category="book"))
    commissions = settle(rules, order(*lines), chain("member"))
    assert [(c.line_index, c.rule_index, c.amount_minor) for c in commissions] == [
        (0, 0, 500),
        (0, 2, 10),
        (1, 1, 100),
        (1, 2, 10),
        (2, 1, 100),
    ]
    assert paid(settle(rules, order(lines[0], channel="community"), chain("member"))) == {0: 110}


def test_not_leaves_out_a_line_that_matches_any_of_its_keys() -> None:
    rule = {**SELLER, "where": {"not": {"sku": ["A"], "category": ["book"]}}}
    lines = (line(), line(line_id="2", sku="B", category="book"), line(line_id="3", sku="B"))
    assert [c.line_index for c in settle(plan(rule), order(*lines), chain("member"))] == [2]


def test_each_channel_has_its_own_rules_and_one_left_out_has_none() -> None:
    rules = plan(
        {**SELLER, "id": "shared", "where": {"channel": ["retail"]}},
        {**SELLER, "id": "group", "rate": "0.20", "where": {"channel": ["group_buy"]}},
        {**UP_1, "where": {"not": {"channel": ["community", "group_buy"]}}},
    )
    commissions = {
        channel: paid(settle(rules, order(channel=channel), chain("member", "member")))
        for channel in ("retail", "group_buy", "community")
    }
    assert commissions == {"retail": {0: 1_000, 1: 500}, "group_buy": {0: 2_000}, "community": {}}


def test_an_amount_is_for_each_piece() -> None:
    fixed = {"id": "s", "pay": "seller", "amount_minor": {"member": 88, "gold": 0}}
    (commission,) = settle(plan(fixed), order(line(1_000, quantity=3)), chain("member"))
    assert (commission.amount_minor, commission.rate_ppm) == (264, None)
    assert settle(plan(fixed), order(), chain("gold")) == []


def test_what_is_taken_of_a_commission_is_taken_of_its_exact_amount() -> None:
    tenth = {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.5", "of": {"rule": "seller"}}
    commissions = settle(plan(SELLER, tenth), order(line(15)), chain("member", "member"))
    assert [(c.base_minor, c.amount_minor) for c in commissions] == [(15, 2), (1, 1)]


def test_of_a_commission_whose_exact_amount_is_half_a_unit_all_is_half_a_unit() -> None:
    all_of_it = {**UP_1, "rate": "1", "of": {"rule": "seller"}}
    halves = plan({**SELLER, "rate": "0.5"}, all_of_it, rounding="half_even")
    assert paid(settle(halves, order(line(1)), chain("member", "member"))) == {}


def test_a_millionth_of_a_millionth_above_half_a_unit_is_above_it() -> None:
    # 0.999999 x 0.500001 = 0.500000499999 of a unit, which half_even rounds up as it would not round 0.5
    part = {**UP_1, "rate": "0.500001", "of": {"rule": "seller"}}
    rules = plan({**SELLER, "rate": "0.999999"}, part, rounding="half_even")
    assert paid(settle(rules, order(line(1)), chain("member", "member"))) == {0: 1, 1: 1}
    assert left_after(rules, order(line(1), line(0, "2")), chain("member", "member"), [1, 0]) == {0: 1, 1: 1}


def test_of_a_differential_rule_is_taken_all_that_it_has_paid_on_the_line_so_far() -> None:
    half = {"id": "half", "pay": "leader", "rate": "0.5", "of": {"rule": "diff"}}
    people = chain("member", "gold", "top", leader=Person(9, "member", True))
    assert paid(settle(plan(DIFFERENTIAL, half), order(), people)) == {0: 500, 1: 500, 2: 1_000, 9: 1_000}
    first = {**UP_1, "rate": "0.5", "of": {"rule": "diff"}}
    assert paid(settle(plan(DIFFERENTIAL, first), order(), people)) == {0: 500, 1: 500 + 500, 2: 1_000}


def test_of_a_rule_that_was_not_chosen_on_a_line_nothing_is_paid_and_nothing_is_missing_in_what_remains() -> None:
    other = {**SELLER, "id": "other", "where": {"sku": ["B"]}}
    of_other = {**SELLER, "id": "of-other", "group": "more", "rate": "1", "of": {"rule": "other"}}
    rest = {**UP_1, "rate": "0.5", "of": "remaining"}
    assert paid(settle(plan(other, of_other, rest), order(line(1)), chain("member", "member"))) == {1: 1}


def test_of_a_rule_that_was_not_chosen_on_a_line_nothing_is_paid() -> None:
    other = {**SELLER, "id": "other", "where": {"sku": ["B"]}}
    of_other = {**UP_1, "of": {"rule": "other"}}
    assert paid(settle(plan(other, SELLER, of_other), order(), chain("member", "member"))) == {0: 1_000}


def test_remaining_is_the_base_less_all_that_lower_tiers_were_paid_and_never_below_nothing() -> None:
    half = {"id": "half", "pay": "seller", "amount_minor": 4_000}
    rest = {**UP_1, "rate": "0.5", "of": "remaining"}
    last = {**UP_2, "rate": "1", "of": "remaining"}
    assert paid(settle(plan(half, rest, last), order(), chain("member", "member", "member"))) == {
        0: 4_000,
        1: 3_000,
        2: 3_000,
    }
    assert paid(settle(plan({**half, "amount_minor": 20_000}, rest), order(), chain("member", "member"))) == {0: 20_000}


def test_of_what_remains_exactly_half_a_unit_is_rounded_as_of_the_base() -> None:
    nothing = {**SELLER, "rate": "0"}
    rest = {**UP_1, "rate": "0.5", "of": "remaining"}
    assert paid(settle(plan(nothing, rest), order(line(1)), chain("member", "member"))) == {1: 1}
    assert paid(settle(plan(nothing, rest, rounding="half_even"), order(line(1)), chain("member", "member"))) == {}


def test_exactly_the_start_of_a_slab_belongs_to_the_higher_slab() -> None:
    slabs = [{"from_minor": 0, "rate": "0.01"}, {"from_minor": 1_000, "rate": "0.02"}]
    whole = plan({"id": "s", "pay": "seller", "slabs": slabs, "slab_mode": "whole"})
    assert paid(settle(whole, order(line(999)), chain("member"))) == {0: 10}
    assert paid(settle(whole, order(line(1_000)), chain("member"))) == {0: 20}
    marginal = plan({"id": "s", "pay": "seller", "slabs": slabs, "slab_mode": "marginal"})
    assert paid(settle(marginal, order(line(1_500)), chain("member"))) == {0: 20}


def test_below_the_first_slab_nothing_is_paid() -> None:
    slabs = [{"from_minor": 1_000, "rate": "0.02"}, {"from_minor": 2_000, "rate": "0.10"}]
    whole = plan({"id": "s", "pay": "seller", "slabs": slabs, "slab_mode": "whole"})
    assert paid(settle(whole, order(line(999)), chain("member"))) == {}
    assert paid(settle(whole, order(line(1_000)), chain("member"))) == {0: 20}
    assert [look.rate for look in explain(whole, order(line(999)), chain("member"))] == ["0"]
    marginal = plan({"id": "s", "pay": "seller", "slabs": slabs, "slab_mode": "marginal"})
    assert paid(settle(marginal, order(line(999)), chain("member"))) == {}
    assert paid(settle(marginal, order(line(3_000)), chain("member"))) == {0: 20 + 100}


@pytest.mark.parametrize(("base", "expected"), [("paid", 800), ("list", 1_000), ("margin", 200)])
def test_the_plan_says_what_rates_apply_to(base: str, expected: int) -> None:
    lines = line(8_000, list_minor=10_000, cost_minor=6_000)
    assert paid(settle(plan(SELLER, base=base), order(lines), chain("member"))) == {0: expected}


def test_margin_is_never_below_nothing_and_needs_the_cost() -> None:
    margin = plan({**SELLER, "rate": "1"}, base="margin")
    for cost_minor in (100, 200):
        assert settle(margin, order(line(100, cost_minor=cost_minor)), chain("member")) == []
    with pytest.raises(Refusal) as refused:
        settle(margin, order(line(100)), chain("member"))
    assert (refused.value.code, refused.value.params) == ("cost_missing", {"line": "1"})
    assert settle(plan(SELLER, base="list"), order(line(100)), chain("member"))[0].base_minor == 100


@pytest.mark.parametrize(("rounding", "expected"), [("half_up", 3), ("half_even", 2), ("down", 2)])
def test_each_commission_is_rounded_once_on_the_whole_line(rounding: str, expected: int) -> None:
    assert paid(settle(plan(SELLER, rounding=rounding), order(line(25, quantity=5)), chain("member"))) == {0: expected}


def test_entry_lines_pay_the_orders_own_selling_shop_alone_or_nobody() -> None:
    rules = plan(SELLER, UP_1, {"id": "lead", "pay": "leader", "rate": "0.1"}, self_purchase="shift")
    people = chain("member", "member", leader=Person(9, "member", True))
    entry = order(line(entry=True), line(100, "2"))
    assert paid(settle(rules, entry, people)) == {0: 1_010, 1: 5, 9: 10}
    assert paid(settle(rules, entry, people._replace(entry_pays_seller=False))) == {0: 10, 1: 5, 9: 10}
    assert paid(settle(rules, entry, people._replace(is_self_purchase=True))) == {1: 10, 9: 10}


@pytest.mark.parametrize("inactive_upline", ["keep", "compress"])
def test_whoever_a_shift_puts_at_tier_0_is_an_upline_to_entry_lines_and_to_the_pack(inactive_upline: str) -> None:
    rules = plan(SELLER, UP_1, self_purchase="shift", inactive_upline=inactive_upline)
    shifted = chain("member", "member", "member", is_self_purchase=True)
    assert paid(settle(rules, order(line(entry=True)), shifted)) == {}
    assert paid(settle(rules, order(), shifted)) == {1: 1_000, 2: 500}
    assert paid(settle(rules, order(), shifted._replace(self_purchase_pays_uplines=False))) == {}


def test_no_tier_above_the_packs_is_ever_paid() -> None:
    rules, people = plan(SELLER, UP_1, UP_2), chain("member", "member", "member", max_tiers=1)
    assert paid(settle(rules, order(), people)) == {0: 1_000, 1: 500}


def test_leader_and_opener_come_after_the_tiers_and_are_paid_as_tier_0() -> None:
    rules = plan(
        {"id": "lead", "pay": "leader", "rate": "0.5", "of": {"rule": "up-1"}},
        {"id": "open", "pay": "opener", "rate": "0.1", "of": "remaining"},
        SELLER,
        UP_1,
    )
    commissions = settle(
        rules, order(), chain("member", "member", leader=Person(8, "gold", True), opener=Person(9, "gold", True))
    )
    assert [(c.rule_index, c.tier, c.amount_minor) for c in commissions] == [
        (2, 0, 1_000),
        (3, 1, 500),
        (0, 0, 250),
        (1, 0, 1_000),
    ]


def test_under_an_order_cap_commissions_add_up_to_exactly_the_cap_of_what_was_paid() -> None:
    rules = plan(SELLER, UP_1, UP_2)
    people = chain("member", "member", "member", order_cap_ppm=100_000)
    assert paid(settle(rules, order(line(333), line(333, "2"), line(335, "3")), people)) == {0: 58, 1: 30, 2: 12}


def test_ties_of_the_largest_remainder_go_to_the_nearer_tier_then_rule_order_then_line_order() -> None:
    same = [{"id": f"r{i}", "group": f"g{i}", "pay": "upline", "tier": 1, "rate": "0.1"} for i in range(2)]
    first = {**SELLER, "rate": "0.1"}
    people = chain("member", "member", order_cap_ppm=10_000)
    commissions = settle(plan(*same, first), order(line(200), line(200, "2")), people)
    assert [(c.line_index, c.rule_index, c.tier) for c in commissions] == [(0, 2, 0), (0, 0, 1), (1, 2, 0), (1, 0, 1)]


def test_a_cap_of_nothing_pays_nothing() -> None:
    assert settle(plan(SELLER), order(), chain("member", order_cap_ppm=0)) == []


# Refunds: worked out again on what is left.


def left_after(rules: Plan, sold: Order, people: Snapshot, left: list[int]) -> dict[int, int]:
    posted = {commission.key: commission.amount_minor for commission in settle(rules, sold, people)}
    return paid(settle_left(rules, sold, people, left, posted))


def test_on_what_is_left_the_same_rules_are_chosen_by_channel_and_category_as_first() -> None:
    rules = plan(
        {**SELLER, "id": "shared", "where": {"channel": ["retail"], "category": ["book"]}},
        {**SELLER, "id": "group", "rate": "0.20", "where": {"channel": ["group_buy"]}},
        {**SELLER, "id": "rest", "rate": "0.30"},
    )
    lines = (line(category="book"), line(line_id="2", category="toy"), line(line_id="3"))
    for channel, amounts in (("retail", [500, 1_500, 1_500]), ("group_buy", [1_000] * 3), ("community", [1_500] * 3)):
        sold = order(*lines, channel=channel)
        posted = {commission.key: commission.amount_minor for commission in settle(rules, sold, chain("member"))}
        stands = settle_left(rules, sold, chain("member"), [5_000] * 3, posted)
        assert [commission.amount_minor for commission in stands] == amounts
        assert [look.amount_minor for look in explain(rules, sold, chain("member"), [5_000] * 3)] == amounts


def test_a_refund_reduces_bases_and_fixed_amounts_in_exact_proportion() -> None:
    rules = plan({"id": "s", "pay": "seller", "amount_minor": 100}, {**UP_1, "rate": "0.1"}, base="list")
    sold = order(line(900, quantity=3, list_minor=1_000))
    assert left_after(rules, sold, chain("member", "member"), [300]) == {0: 100, 1: 33}


def test_a_free_line_follows_the_proportion_of_the_order() -> None:
    rules = plan({"id": "s", "pay": "seller", "amount_minor": 90})
    sold = order(line(300), line(600, "2"), line(0, "3"))
    assert left_after(rules, sold, chain("member"), [300, 0, 0]) == {0: 120}
    assert left_after(rules, sold, chain("member"), [0, 0, 0]) == {}


def test_a_free_order_has_nothing_left_once_it_is_taken_back() -> None:
    rules = plan({"id": "s", "pay": "seller", "amount_minor": 90})
    assert paid(settle(rules, order(line(0)), chain("member"))) == {0: 90}
    assert left_after(rules, order(line(0)), chain("member"), [0]) == {}


def test_the_order_cap_of_a_refunded_order_is_of_what_is_left() -> None:
    people = chain("member", order_cap_ppm=100_000)
    rules = plan({**SELLER, "rate": "0.5"})
    assert left_after(rules, order(line(1_000), line(1_000, "2")), people, [500, 0]) == {0: 50}


def test_no_commission_rises_by_a_refund_even_where_a_lower_slab_pays_more() -> None:
    slabs = [{"from_minor": 0, "rate": "0.50"}, {"from_minor": 1_000, "rate": "0.10"}]
    falling = plan({"id": "s", "pay": "seller", "slabs": slabs})
    assert left_after(falling, order(line(1_000)), chain("member"), [900]) == {0: 100}
    nothing = plan({"id": "s", "pay": "seller", "slabs": [slabs[0], {"from_minor": 1_000, "rate": "0"}]})
    assert left_after(nothing, order(line(1_000)), chain("member"), [900]) == {}


def test_what_is_left_has_to_fit_the_order() -> None:
    rules, sold = plan(SELLER), order(line(100))
    for left in ([101], [-1]):
        with pytest.raises(ValueError, match=rf"^line 1 cannot have {left[0]} left of 100$"):
            settle_left(rules, sold, chain("member"), left, {})
    for left in ([], [1, 1]):
        with pytest.raises(ValueError, match=r"^left_minor needs one figure for each line$"):
            settle_left(rules, sold, chain("member"), left, {})


def test_a_snapshot_comes_back_from_its_text_as_it_was() -> None:
    people = chain(
        "member",
        "(gold)",
        "店主",
        is_self_purchase=True,
        leader=Person(2**40, "top", True),
        order_cap_ppm=300_000,
        pack="cn@2005-11-01",
        entry_pays_seller=False,
        self_purchase_pays_uplines=False,
        max_tiers=1,
    )
    for snapshot in (people, Snapshot(None), chain("member", opener=Person(1, "a", False))):
        assert Snapshot.from_json(snapshot.to_json()) == snapshot
