"""The snapshot of an order under a candidate: who stood where stays, what the plans decided does not."""

from __future__ import annotations

from datetime import timedelta

from distrib.domain.plans.plan import compile_plan
from distrib.domain.settlement.snapshot import EarlierOrders, Person, Room, Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.domain.simulations.candidates import rank_under, ranks_of, under_candidate

PLAN = compile_plan(
    {
        "code": "p",
        "currency": "CNY",
        "ranks": [{"code": "new"}, {"code": "gold"}],
        "rank_map": {"member": "gold"},
        "rules": [{"id": "own", "pay": "seller", "rate": "0.05"}],
    }
)
TERMS = Terms(
    plan=PLAN,
    version_no=4,
    hold=timedelta(days=7),
    order_cap_ppm=120_000,
    pack="cn@2005-11-01",
    entry_pays_seller=False,
    self_purchase_pays_uplines=False,
    max_tiers=2,
)
SNAPSHOT = Snapshot(
    Person(7, "member", True, (0,)),
    (Person(8, "gold", False, (1,)), Person(9, "unheard", True)),
    is_self_purchase=True,
    leader=Person(10, "member", True),
    opener=Person(11, "new", False, (0, 1)),
    order_cap_ppm=1,
    pack="old",
    rooms=(Room(0, 7, 100, None),),
    frozen_case=3,
    earlier_orders=EarlierOrders(5),
)


def test_a_rank_of_the_candidate_stays_another_goes_by_the_map_and_one_unheard_of_is_the_lowest() -> None:
    assert [rank_under(PLAN, rank) for rank in ("gold", "new", "member", "unheard")] == ["gold", "new", "gold", "new"]


def test_everyone_keeps_place_and_standing_and_has_a_rank_of_the_candidate() -> None:
    under = under_candidate(SNAPSHOT, TERMS)
    assert under.seller == Person(7, "gold", True)
    assert under.uplines == (Person(8, "gold", False), Person(9, "new", True))
    assert (under.leader, under.opener) == (Person(10, "gold", True), Person(11, "new", False))
    assert (under.is_self_purchase, under.frozen_case) == (True, 3)


def test_limits_are_those_of_the_candidates_terms_and_what_the_old_plan_asked_is_left_out() -> None:
    under = under_candidate(SNAPSHOT, TERMS)
    assert (under.order_cap_ppm, under.pack, under.max_tiers) == (120_000, "cn@2005-11-01", 2)
    assert (under.entry_pays_seller, under.self_purchase_pays_uplines) == (False, False)
    assert (under.rooms, under.earlier_orders) == ((), None)


def test_nobody_stays_nobody() -> None:
    under = under_candidate(Snapshot(None), TERMS)
    assert (under.seller, under.uplines, under.leader, under.opener) == (None, (), None, None)


def test_ranks_that_are_replayed_take_the_place_of_those_of_the_snapshot() -> None:
    under = under_candidate(SNAPSHOT, TERMS, lambda person: "gold" if person.shop_no % 2 else "new")
    assert ranks_of(under) == {7: "gold", 8: "new", 9: "gold", 10: "new", 11: "gold"}
    assert under.opener == Person(11, "gold", False)


def test_the_ranks_around_an_order_are_those_of_all_who_stood_there() -> None:
    assert ranks_of(SNAPSHOT) == {7: "member", 8: "gold", 9: "unheard", 10: "member", 11: "new"}
    assert ranks_of(Snapshot(Person(7, "member", True))) == {7: "member"}
    assert ranks_of(Snapshot(None)) == {}
