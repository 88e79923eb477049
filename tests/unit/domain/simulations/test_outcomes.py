"""Orders of history under a candidate: people with other ranks, what came back step by step, how gains spread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from distrib.domain.events import UNDONE, Order, OrderLine
from distrib.domain.orders.state import Settlement
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.settlement.recomputing import PostedKey
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.domain.simulations.candidates import rank_under, under_candidate
from distrib.domain.simulations.outcomes import Setback, earn, take_back
from distrib.domain.simulations.spread import share_of, spread_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DOCUMENT: dict[str, Any] = {
    "code": "p",
    "currency": "CNY",
    "tiers": 1,
    "ranks": [{"code": "new"}, {"code": "gold"}],
    "rank_map": {"member": "gold"},
    "order_cap": "0.12",
    "rules": [
        {"id": "own", "pay": "seller", "rate": {"new": "0.05", "gold": "0.10"}, "cap": {"per_order_minor": 90}},
        {"id": "up", "pay": "upline", "tier": 1, "rate": "0.10"},
    ],
}
ORDER = Order("o", "CNY", AT, (OrderLine("1", "A", 1, 600), OrderLine("2", "A", 1, 400)))
SNAPSHOT = Snapshot(Person(7, "member", True, (0,)), (Person(8, "top", True),), order_cap_ppm=1, max_tiers=0)


def terms(plan: Plan) -> Terms:
    """The terms of a plan under a pack that allows all."""
    return Terms(plan, 0, 7 * DAY, plan.order_cap_ppm, "open", True, True, 3)


def test_people_keep_their_places_and_have_the_ranks_and_limits_of_the_candidate() -> None:
    plan = compile_plan(DOCUMENT)
    under = under_candidate(SNAPSHOT, terms(plan))
    assert under.seller == Person(7, "gold", True)
    assert under.uplines == (Person(8, "new", True),)
    assert (under.order_cap_ppm, under.max_tiers, under.pack) == (120_000, 3, "open")
    assert [rank_under(plan, rank) for rank in ("new", "member", "top")] == ["new", "gold", "new"]
    replayed = under_candidate(SNAPSHOT, terms(plan), lambda person: "new" if person.shop_no == 7 else "gold")
    assert replayed.seller is not None
    assert (replayed.seller.rank, replayed.uplines[0].rank) == ("new", "gold")


def test_what_each_cap_takes_is_told_apart() -> None:
    plan = compile_plan(DOCUMENT)
    commissions, caps = earn(plan, ORDER, under_candidate(SNAPSHOT, terms(plan)))
    assert caps == {"rule_cap": 10, "order_cap": 70}
    assert sum(commission.amount_minor for commission in commissions) == 120


def settled(plan: Plan) -> Settlement:
    """The order under the plan, settled a day after it was paid."""
    snapshot = under_candidate(SNAPSHOT, terms(plan))
    return Settlement(ORDER, terms(plan), snapshot, earn(plan, ORDER, snapshot)[0], AT + DAY)


def test_a_refund_and_what_undid_it_add_up_to_nothing_and_no_change_is_dated_before_the_settlement() -> None:
    settlement = settled(compile_plan(DOCUMENT))
    back = [
        Setback(5, "r", {"1": 600}, AT),
        Setback(6, UNDONE + "r", {"1": -600}, AT + 3 * DAY),
        Setback(7, "all", {"1": 600, "2": 400}, AT + 4 * DAY),
    ]
    changes = take_back(settlement, back, is_published=True)
    assert {change.event_no for change in changes} == {5, 6, 7}
    assert min(change.occurred_at for change in changes) == AT + DAY
    assert sum(change.amount_minor for change in changes if change.event_no != 7) == 0
    assert sum(change.amount_minor for change in changes if change.event_no == 7) == -120


def test_a_refund_of_one_line_leaves_the_others_as_they_are() -> None:
    plan = compile_plan({**DOCUMENT, "order_cap": "0.9", "rules": DOCUMENT["rules"][1:]})
    order = Order("o", "CNY", AT, (OrderLine("1", "A", 1, 600), OrderLine("2", "A", 1, 5)))
    snapshot = under_candidate(SNAPSHOT, terms(plan))
    settlement = Settlement(order, terms(plan), snapshot, earn(plan, order, snapshot)[0], AT)
    assert [row.amount_minor for row in settlement.commissions] == [60, 1]
    changes = take_back(settlement, [Setback(5, "r", {"1": 600}, AT + DAY)], is_published=True)
    assert [(change.commission.line_index, change.amount_minor) for change in changes] == [(0, -60)]


def test_what_a_case_took_never_comes_again_and_under_another_plan_it_takes_all_but_the_sellers_own() -> None:
    settlement = settled(compile_plan(DOCUMENT))
    taken = Setback(None, "", {}, AT + 2 * DAY, frozenset({PostedKey("1", "up", 1, 8)}))
    back = [Setback(5, "r", {"1": 600}, AT + 3 * DAY), Setback(6, UNDONE + "r", {"1": -600}, AT + 4 * DAY)]
    first = [change for change in take_back(settlement, [taken, *back], is_published=True) if change.event_no is None]
    assert [(change.commission.line_index, change.commission.shop_no) for change in first] == [(0, 8)]
    [posted] = [c for c in settlement.commissions if (c.line_index, c.shop_no) == (0, 8)]
    assert first[0].amount_minor == -posted.amount_minor < 0
    every = take_back(settlement, [taken, *back], is_published=False)
    up = sum(commission.amount_minor for commission in settlement.commissions if commission.shop_no == 8)
    assert sum(change.amount_minor for change in every if change.commission.shop_no == 8) == -up


def test_nobody_earns_of_an_order_without_a_seller_and_no_cap_is_told_where_none_took_anything() -> None:
    plan = compile_plan(DOCUMENT)
    assert earn(plan, ORDER, Snapshot(None, order_cap_ppm=120_000)) == ([], {})
    without = compile_plan({**DOCUMENT, "order_cap": None, "rules": DOCUMENT["rules"][1:]} | {"tiers": 1})
    commissions, caps = earn(without, ORDER, under_candidate(SNAPSHOT, terms(without)))
    assert ([commission.amount_minor for commission in commissions], caps) == ([60, 40], {})
    wide = compile_plan({**DOCUMENT, "order_cap": "0.9"})
    assert earn(wide, ORDER, under_candidate(SNAPSHOT, terms(wide)))[1] == {"rule_cap": 10}
    no_rule_cap = [{**DOCUMENT["rules"][0], "cap": None}, DOCUMENT["rules"][1]]
    bounded = compile_plan({**DOCUMENT, "rules": [{k: v for k, v in rule.items() if v} for rule in no_rule_cap]})
    assert earn(bounded, ORDER, under_candidate(SNAPSHOT, terms(bounded)))[1] == {"order_cap": 80}


def test_each_change_says_its_event_its_instants_and_its_commission() -> None:
    own_rule = {**DOCUMENT["rules"][0]}
    del own_rule["cap"]
    settlement = settled(compile_plan({**DOCUMENT, "order_cap": "0.9", "rules": [own_rule, DOCUMENT["rules"][1]]}))
    own, up = (row for row in settlement.commissions if row.line_index == 0)
    changes = take_back(settlement, [Setback(5, "r", {"1": 600}, AT + 3 * DAY)], is_published=True)
    assert [(change.event_no, change.occurred_at, change.commission.key) for change in changes] == [
        (5, AT + 3 * DAY, own.key),
        (5, AT + 3 * DAY, up.key),
    ]
    assert [change.amount_minor for change in changes] == [-own.amount_minor, -up.amount_minor]
    assert {change.available_at for change in changes} == {AT + DAY + 7 * DAY}
    decided = take_back(settlement, [Setback(None, "", {}, AT + 2 * DAY, frozenset())], is_published=False)
    assert {(change.event_no, change.occurred_at, change.available_at) for change in decided} == {
        (None, AT + 2 * DAY, AT + DAY + 7 * DAY)
    }
    assert take_back(settlement, [Setback(None, "", {}, AT + 2 * DAY, frozenset())], is_published=True) == []


def test_a_spread_of_nothing_has_no_quantiles_and_shares_are_rounded_towards_zero() -> None:
    spread = spread_of([], 0)
    assert (spread.shops, spread.quantiles, spread.top_tenth_ppm) == (0, [], 0)
    one_of_many = spread_of([0] * 99 + [7], 0)
    assert (one_of_many.top_hundredth_ppm, one_of_many.quantiles[-1], one_of_many.gaining) == (
        1_000_000,
        (1_000_000, 7),
        1,
    )
    assert share_of(-2, 3) == "-0.666666"
