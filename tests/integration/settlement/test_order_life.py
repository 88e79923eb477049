"""What orders are before they settle and when they end: expected, refunded early, cancelled, dropped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.shops import get_shop
from distrib.services.network.standing import set_status
from distrib.services.orders import commissions, views
from distrib.services.orders.commissions import CommissionQuery
from distrib.services.orders.explanations import explain_order
from distrib.services.orders.views import OrderFilters
from distrib.services.settlement.drain import State, drain_batch
from distrib.services.statements import months
from tests.world.documents import (
    PAID,
    SELLER_TEN_PERCENT,
    cancelled,
    decided,
    line,
    paid,
    plan_document,
    refunded,
    settled,
)
from tests.world.world import World, chain

TWO_LEVELS = {
    **SELLER_TEN_PERCENT,
    "code": "two-level",
    "tiers": 1,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10"},
        {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
DAY = timedelta(days=1)
GROUP = {"channel": "group_buy", "group_id": "g1"}


@pytest.fixture
def shops(world: World) -> World:
    """A seller below a sponsor, and a plan that pays both."""
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b"))
    return world


def test_a_payment_makes_expected_commissions_and_no_money(shops: World) -> None:
    assert shops.earn(paid("p1", "o1", "b", line(10_000))) == {}
    assert shops.expected() == {"b": 1_000, "a": 500}
    assert shops.outcome("p1") == ("done", None)
    assert shops.rows("SELECT 1 FROM transfers WHERE program_id = :program") == []


def test_what_was_expected_is_earned_at_the_settlement_and_expected_no_more(shops: World) -> None:
    shops.earn(paid("p1", "o1", "b", line(10_000)))
    assert shops.earn(settled("e1", "o1", "b", line(10_000))) == {"b": 1_000, "a": 500}
    assert shops.expected() == {"b": 0, "a": 0}


def test_a_settlement_counts_with_what_stood_when_its_payment_was_worked_on(shops: World) -> None:
    shops.earn(paid("p1", "o1", "b", line(10_000)))
    with shops.container.begin() as conn:
        now = shops.container.now()
        set_status(Unit(conn, shops.program, COMMAND_LINE, now), "a", "closed", PAID - DAY, "learned too late")
    assert shops.earn(settled("e1", "o1", "b", line(10_000))) == {"b": 1_000, "a": 500}
    assert shops.earn(settled("e2", "o2", "b", line(10_000))) == {"b": 2_000, "a": 500}


def test_a_settlement_with_other_content_than_the_payment_is_a_conflict(shops: World) -> None:
    shops.earn(paid("p1", "o1", "b", line(10_000)), settled("e1", "o1", "b", line(9_999)))
    assert shops.outcome("e1") == ("failed", "order_conflict")
    shops.earn(paid("p2", "o1", "b", line(9_999)), paid("p3", "o1", "b", line(10_000)))
    assert (shops.outcome("p2"), shops.outcome("p3")) == (("failed", "order_conflict"), ("done", "already_paid"))
    assert shops.earned() == {}
    assert shops.expected() == {"b": 1_000, "a": 500}


def test_a_payment_that_comes_after_its_settlement_changes_nothing(shops: World) -> None:
    shops.earn(settled("e1", "o1", "b", line(10_000)))
    assert shops.earn(paid("p1", "o1", "b", line(10_000))) == {"b": 1_000, "a": 500}
    assert shops.outcome("p1") == ("done", "already_settled")
    assert shops.expected() == {}


def test_a_refund_of_a_paid_order_lowers_what_is_expected_and_then_what_is_earned(shops: World) -> None:
    shops.earn(paid("p1", "o1", "b", line(10_000)), refunded("r1", "o1", {"1": 4_000}, PAID + DAY))
    assert shops.outcome("r1") == ("done", None)
    assert shops.expected() == {"b": 600, "a": 300}
    shops.earn(refunded("r2", "o1", {"1": 7_000}, PAID + 2 * DAY))
    assert shops.outcome("r2") == ("failed", "refund_exceeds")
    shops.earn(refunded("r3", "o1", {"1": 4_000}, PAID + 2 * DAY, refund_id="r1"))
    assert shops.outcome("r3") == ("done", "already_refunded")
    assert shops.earn(settled("e1", "o1", "b", line(10_000), occurred_at=PAID + 5 * DAY)) == {"b": 600, "a": 300}
    assert shops.expected() == {"b": 0, "a": 0}
    shops.earn(refunded("r4", "o1", {"1": 4_000}, PAID + 6 * DAY, refund_id="r1"))
    assert shops.outcome("r4") == ("done", "already_refunded")
    assert shops.earn(refunded("r5", "o1", None, PAID + 6 * DAY)) == {"b": 0, "a": 0}


def test_a_cancel_before_the_settlement_drops_what_was_expected_for_ever(shops: World) -> None:
    shops.earn(paid("p1", "o1", "b", line(10_000)), cancelled("c1", "o1"))
    assert shops.outcome("c1") == ("done", None)
    assert shops.expected() == {"b": 0, "a": 0}
    assert shops.earn(settled("e1", "o1", "b", line(10_000))) == {}
    assert shops.outcome("e1") == ("done", "order_cancelled")
    shops.earn(cancelled("c2", "o1"), refunded("r1", "o1", {"1": 1}))
    assert shops.outcome("c2") == ("done", "already_cancelled")
    assert shops.outcome("r1") == ("done", "order_cancelled")


def test_a_cancel_after_the_settlement_takes_back_all_that_is_left(shops: World) -> None:
    shops.earn(settled("e1", "o1", "b", line(10_000)), refunded("r1", "o1", {"1": 4_000}))
    assert shops.earn(cancelled("c1", "o1")) == {"b": 0, "a": 0}
    shops.earn(
        cancelled("c2", "o1"),
        refunded("r2", "o1", {"1": 4_000}, PAID + 3 * DAY),
        refunded("r3", "o1", {"1": 1}, PAID + 9 * DAY),
    )
    assert shops.outcome("c2") == ("done", "already_cancelled")
    assert shops.outcome("r2") == ("done", "order_cancelled")
    assert shops.outcome("r3") == ("failed", "refund_exceeds")
    assert shops.earned() == {"b": 0, "a": 0}


def test_a_cancel_of_an_order_that_nobody_knows_waits_for_it(shops: World) -> None:
    shops.earn(cancelled("c1", "o1"), refunded("r1", "o1", {"1": 1}))
    assert shops.outcome("c1") == shops.outcome("r1") == ("waiting", "waits_for_order")
    assert shops.earn(settled("e1", "o1", "b", line(10_000), occurred_at=PAID + 9 * DAY)) == {}
    assert [shops.outcome(event) for event in ("c1", "r1", "e1")] == [
        ("done", None),
        ("done", "order_cancelled"),
        ("done", "order_cancelled"),
    ]


def test_a_cancel_ends_an_order_that_waits_for_its_shop(shops: World) -> None:
    shops.earn(settled("e1", "o1", "late", line(10_000)))
    shops.earn(cancelled("c1", "o1"))
    assert shops.outcome("e1") == ("done", "order_cancelled")


def test_a_group_buy_order_settles_when_its_group_has_succeeded_and_counts_from_then(shops: World) -> None:
    shops.earn(settled("e1", "o1", "b", line(10_000), occurred_at=PAID + DAY, **GROUP))
    assert shops.outcome("e1") == ("waiting", "waits_for_group")
    assert shops.earn(decided("g", "g1", True, PAID + 40 * DAY)) == {"b": 1_000, "a": 500}
    rows = shops.rows("SELECT DISTINCT occurred_at, available_at, period FROM transfers WHERE program_id = :program")
    assert rows == [(PAID + 40 * DAY, PAID + 40 * DAY, 202604)]
    shops.earn(settled("e2", "o2", "b", line(10_000), occurred_at=PAID + 50 * DAY, **GROUP))
    rows = shops.rows("SELECT settled_at FROM settlements WHERE program_id = :program ORDER BY order_no")
    assert [row[0] for row in rows] == [PAID + 40 * DAY, PAID + 50 * DAY]


def test_a_failed_group_drops_its_orders_paid_or_waiting(shops: World) -> None:
    shops.earn(paid("p1", "o1", "b", line(10_000), **GROUP), settled("e2", "o2", "b", line(10_000), **GROUP))
    assert shops.expected() == {"b": 1_000, "a": 500}
    assert shops.earn(decided("g", "g1", False)) == {}
    assert shops.expected() == {"b": 0, "a": 0}
    assert shops.outcome("e2") == ("done", "group_failed")
    shops.earn(settled("e1", "o1", "b", line(10_000), **GROUP), paid("p3", "o3", "b", line(10_000), **GROUP))
    assert shops.outcome("e1") == shops.outcome("p3") == ("done", "group_failed")
    assert shops.earned() == {}


def test_the_first_decision_of_a_group_stands(shops: World) -> None:
    shops.earn(decided("g1", "g1", True), decided("g2", "g1", True, PAID + 3 * DAY))
    shops.earn(decided("g3", "g1", False))
    assert [shops.outcome(event) for event in ("g1", "g2", "g3")] == [
        ("done", None),
        ("done", "already_decided"),
        ("failed", "group_conflict"),
    ]
    assert shops.earn(settled("e1", "o1", "b", line(10_000), **GROUP)) == {"b": 1_000, "a": 500}


def test_a_group_that_is_named_by_an_order_of_another_channel_is_not_waited_for(shops: World) -> None:
    retail = settled("e1", "o1", "b", line(10_000), group_id="g1")
    alone = settled("e2", "o2", "b", line(10_000), channel="group_buy")
    assert shops.earn(retail, alone) == {"b": 2_000, "a": 1_000}


def test_a_thousand_orders_of_one_group_are_woken_together_and_drained_in_batches(shops: World) -> None:
    shops.drainer._batch_orders = 300
    shops.earn(*(settled(f"e{n}", f"o{n}", "b", line(1_000), **GROUP) for n in range(1_000)))
    assert len(shops.rows("SELECT 1 FROM event_outcomes WHERE program_id = :program AND status = 'waiting'")) == 1_000
    assert shops.earn(decided("g", "g1", True)) == {"b": 100_000, "a": 50_000}
    assert shops.rows("SELECT 1 FROM event_outcomes WHERE program_id = :program AND status <> 'done'") == []


def test_what_is_expected_is_shown_apart_from_all_money(shops: World) -> None:
    shops.earn(paid("p1", "o1", "b", line(10_000)), refunded("r1", "o1", {"1": 4_000}, PAID + DAY))
    now = shops.container.now()
    with shops.container.begin() as conn:
        view = views.get_order(Unit(conn, shops.program, COMMAND_LINE, now), "o1")
        assert (view.status, view.commissions, view.refunded_minor, view.left_minor) == (
            "paid",
            [],
            4_000,
            6_000,
        )
        assert [(row.shop_id, row.amount_minor) for row in view.expected] == [("b", 600), ("a", 300)]
        assert [refund.id for refund in view.refunds] == ["r1"]
        explained = explain_order(conn, shops.program, "o1")
        assert explained.agrees
        assert {(look.shop_id, look.posted_minor) for look in explained.looks} == {("b", 600), ("a", 300)}
        shop_no = get_shop(Unit(conn, shops.program, COMMAND_LINE, now), "b").shop_no
        assert months.balance(conn, shops.program, shop_no, now).expected_minor == 600
        assert months.balance(conn, shops.program, shop_no, PAID).expected_minor == 1_000
        none, _ = commissions.list_commissions(
            Unit(conn, shops.program, COMMAND_LINE, now), CommissionQuery(), None, 10
        )
        assert none == []
        rows, follows = commissions.list_commissions(
            Unit(conn, shops.program, COMMAND_LINE, now), CommissionQuery(state="expected"), None, 1
        )
        assert [(row.shop_id, row.amount_minor, row.state) for row in rows] == [("b", 600, "expected")]
        rows, _ = commissions.list_commissions(
            Unit(conn, shops.program, COMMAND_LINE, now), CommissionQuery(state="expected"), follows, 5
        )
        assert [(row.shop_id, row.amount_minor, row.state) for row in rows] == [("a", 300, "expected")]
        only = CommissionQuery(state="expected", order_id="o1", shop_id="a")
        assert len(commissions.list_commissions(Unit(conn, shops.program, COMMAND_LINE, now), only, None, 5)[0]) == 1


def test_orders_say_that_they_are_paid_cancelled_or_dropped_and_are_found_by_it(shops: World) -> None:
    shops.earn(
        paid("p1", "o1", "b", line(10_000)),
        paid("p2", "o2", "b", line(10_000)),
        cancelled("c2", "o2"),
        settled("e3", "o3", "b", line(10_000)),
        cancelled("c3", "o3"),
        paid("p4", "o4", "b", line(10_000), **GROUP),
        decided("g", "g1", False),
        settled("e5", "o5", "b", line(10_000)),
        paid("p5", "o5", "b", line(10_000)),
        settled("e6", "o6", "b", line(10_000), channel="group_buy", group_id="open"),
        paid("p6", "o6", "b", line(10_000), channel="group_buy", group_id="open"),
    )
    statuses = {
        "o1": "paid",
        "o2": "cancelled",
        "o3": "cancelled",
        "o4": "group_failed",
        "o5": "settled",
        "o6": "waiting",
    }
    with shops.container.begin() as conn:

        def ids_of(**filters: str) -> list[str]:
            rows, _ = views.list_orders(conn, shops.program, OrderFilters(**filters), None, 50)  # type: ignore[arg-type]
            return sorted(row.id for row in rows)

        for order_id, status in statuses.items():
            view = views.get_order(Unit(conn, shops.program, COMMAND_LINE, shops.container.now()), order_id)
            assert view.status == status, order_id
            assert explain_order(conn, shops.program, order_id).agrees, order_id
            assert order_id in ids_of(status=status)
        assert ids_of(status="paid") == ["o1"]
        assert ids_of(status="cancelled") == ["o2", "o3"]
        assert ids_of() == ids_of(shop_id="b") == sorted(statuses)
        view = views.get_order(Unit(conn, shops.program, COMMAND_LINE, shops.container.now()), "o3")
        assert (view.reason, [refund.id for refund in view.refunds], view.left_minor) == (
            "order_cancelled",
            [None],
            0,
        )


def test_orders_and_their_groups_meet_however_many_hands_are_at_work(shops: World) -> None:
    shops.drainer._batch_orders = 7
    groups = [f"g{number}" for number in range(8)]
    posts = [
        [
            settled(f"e-{group}-{n}", f"o-{group}-{n}", "b", line(1_000), channel="group_buy", group_id=group)
            for group in groups
        ]
        for n in range(12)
    ] + [
        [
            paid(f"p-{group}-{n}", f"o-{group}-{n}", "b", line(1_000), channel="group_buy", group_id=group)
            for group in groups
        ]
        for n in range(6)
    ]
    posts[4:4] = [[decided(f"d-{group}", group, group != "g0") for group in groups]]
    with ThreadPoolExecutor(8) as hands:
        drains = [hands.submit(shops.drainer.run) for _ in range(4)]
        accepted = [hands.submit(shops.post, *events) for events in posts]
        assert all(answer.status == "accepted" for done in accepted for answer in done.result())
        assert all(done.result().parked == 0 for done in drains)
    shops.drain()
    assert shops.rows("SELECT 1 FROM event_outcomes WHERE program_id = :program AND status <> 'done'") == []
    assert shops.earned() == {"b": 7 * 12 * 100, "a": 7 * 12 * 50}
    assert set(shops.expected().values()) <= {0}


RISING = {
    **SELLER_TEN_PERCENT,
    "code": "rising",
    "ranks": [
        {"code": "member"},
        {"code": "owner", "promote": {"metric": "personal_sales_minor", "window": "30d", "at_least": 10_000}},
    ],
    "rules": [{"id": "seller", "pay": "seller", "rate": {"member": "0.10", "owner": "0.20"}}],
}


def test_a_group_order_promotes_from_the_day_after_its_group_succeeded(world: World) -> None:
    world.publish(RISING)
    world.join(("s", None))
    events = [
        settled("e1", "o1", "s", line(10_000), **GROUP),
        decided("g", "g1", True, PAID + 4 * DAY),
        settled("e2", "o2", "s", line(1_000), paid_at=PAID + 4 * DAY),
        settled("e3", "o3", "s", line(1_000), paid_at=PAID + 6 * DAY),
    ]
    assert world.earn(*reversed(events)) == {"s": 1_000 + 100 + 200}
    late = world.rows("SELECT effective_at FROM shop_ranks WHERE cause = 'promotion' AND program_id = :program")
    assert [row[0].astimezone(world.program.zone).date() - PAID.date() for row in late] == [5 * DAY]


def test_days_stay_in_order_although_a_cancel_comes_before_its_order_settles(world: World) -> None:
    world.publish(RISING)
    world.join(("s", None))
    events = [
        paid("p1", "o1", "s", line(10_000)),
        cancelled("c1", "o1", PAID + 2 * DAY),
        settled("e1", "o1", "s", line(10_000), occurred_at=PAID + 3 * DAY),
        settled("e3", "o3", "s", line(1_000), paid_at=PAID + 6 * DAY),
    ]
    assert world.earn(*reversed(events)) == {"s": 100}
    assert world.outcome("e1") == ("done", "order_cancelled")


def test_a_group_that_is_too_large_for_one_batch_wakes_its_orders_in_several(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distrib.store.orders.groups.WAKE_CHUNK", 7)
    shops.earn(*(paid(f"p{n}", f"o{n}", "b", line(1_000), **GROUP) for n in range(20)))
    shops.earn(*(settled(f"e{n}", f"o{n}", "b", line(1_000), **GROUP) for n in range(0, 20, 2)))
    shops.earn(decided("g", "g1", False))
    assert shops.expected() == {"b": 0, "a": 0}
    assert {shops.outcome(f"p{n}") for n in range(20)} == {("done", "group_failed")}


def test_what_a_decision_wakes_is_pending_from_the_same_moment_on(shops: World) -> None:
    shops.earn(settled("e1", "o1", "b", line(10_000), **GROUP))
    shops.post(decided("g", "g1", True))
    with shops.container.worker_engine.begin() as conn:
        drain_batch(Unit(conn, shops.program, COMMAND_LINE, shops.container.now()), shops.container.policies, 100)
    assert (shops.outcome("g"), shops.outcome("e1")[0]) == (("done", None), "pending")
    with shops.container.worker_engine.begin() as conn:
        conn.execute(text("DELETE FROM queue"))
    assert shops.earn() == {"b": 1_000, "a": 500}


def test_what_comes_after_an_undone_refund_is_pending_from_the_moment_its_order_is_known(shops: World) -> None:
    undone = {"id": "u", "type": "refund.reversed", "refund_id": "r1", "occurred_at": (PAID + 6 * DAY).isoformat()}
    late = refunded("r2", "o1", {"1": 7_000}, PAID + 7 * DAY)
    shops.earn(refunded("r1", "o1", {"1": 8_000}, PAID + 4 * DAY), undone, late)
    assert {shops.outcome(event)[0] for event in ("r1", "u", "r2")} == {"waiting"}
    shops.post(settled("e1", "o1", "b", line(10_000)))
    _drain_once(shops)
    assert [shops.outcome(event) for event in ("r1", "u", "r2")] == [("done", None), ("done", None), ("pending", None)]
    assert shops.earn() == {"b": 300, "a": 150}
    assert shops.outcome("r2") == ("done", None)


def test_what_waited_for_an_order_and_is_of_a_later_day_is_pending_from_the_moment_the_order_is_known(
    world: World,
) -> None:
    world.publish({**SELLER_TEN_PERCENT, "ranks": plan_document()["ranks"]})
    world.join(("b", None))
    world.earn(refunded("r1", "o1", {"1": 4_000}, PAID + 4 * DAY))
    world.post(settled("e1", "o1", "b", line(10_000)))
    while world.outcome("e1")[0] == "pending":  # promotions of the days before come first
        _drain_once(world)
    assert [world.outcome(event) for event in ("e1", "r1")] == [("done", None), ("pending", None)]
    assert world.earn() == {"b": 600}


def _drain_once(world: World) -> None:
    with world.container.worker_engine.begin() as conn:
        drained = drain_batch(
            Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.container.policies, 100
        )
    assert drained.state is State.APPLIED


def test_a_refund_that_waits_again_since_the_payment_failed_comes_before_a_later_one_of_the_same_batch(
    shops: World,
) -> None:
    failed = {"id": "f", "type": "order.payment_failed", "order_id": "o1", "occurred_at": (PAID + 3 * DAY).isoformat()}
    again = paid("p2", "o1", "b", line(10_000), occurred_at=PAID + 4 * DAY)
    shops.earn(paid("p1", "o1", "b", line(10_000)))
    shops.earn(refunded("r1", "o1", {"1": 8_000}, PAID + DAY))
    shops.earn(failed, again, refunded("r2", "o1", {"1": 9_000}, PAID + 5 * DAY))
    assert [shops.outcome(event) for event in ("r1", "r2")] == [("done", None), ("failed", "refund_exceeds")]
    assert shops.earn(settled("e1", "o1", "b", line(10_000))) == {"b": 200, "a": 100}


def test_a_refund_that_exceeded_comes_before_a_later_one_once_what_it_exceeded_is_undone(shops: World) -> None:
    undone = {"id": "u", "type": "refund.reversed", "refund_id": "r1", "occurred_at": (PAID + 6 * DAY).isoformat()}
    shops.earn(settled("e1", "o1", "b", line(10_000)), refunded("r1", "o1", {"1": 8_000}, PAID + 4 * DAY))
    shops.earn(refunded("r2", "o1", {"1": 9_000}, PAID + 5 * DAY))
    shops.earn(undone, refunded("r3", "o1", {"1": 7_000}, PAID + 7 * DAY))
    assert [shops.outcome(event) for event in ("r2", "r3")] == [("done", None), ("failed", "refund_exceeds")]
    assert shops.earned() == {"b": 100, "a": 50}
