"""Orders, commissions and explanations as callers read them, after the real drain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.orders import commissions, explanations, views
from distrib.services.orders.commissions import CommissionQuery, PlanVersionView
from distrib.services.orders.views import OrderView, RefundedLine, RefundView
from distrib.store.orders.pages import OrderFilters
from tests.world.api import Api
from tests.world.documents import PAID, line, refunded, settled
from tests.world.world import World, chain

TWO_LEVELS: dict[str, Any] = {
    "code": "two-level",
    "currency": "CNY",
    "policy": "open",
    "tiers": 2,
    "hold_days": 7,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.20"},
        {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.10"},
        {"id": "up-2", "pay": "upline", "tier": 2, "amount_minor": 88},
    ],
}
EARNED_AT = PAID + timedelta(hours=1)
HELD_UNTIL = EARNED_AT + timedelta(days=7)


@pytest.fixture
def shops(world: World) -> World:
    """d, brought by c, brought by b, brought by a; x beside them."""
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b", "c", "d"), ("x", None))
    return world


@pytest.fixture
def reading(shops: World) -> Iterator[Connection]:
    """An order of d with a part given back, and one of every other kind."""
    shops.earn(
        settled("e1", "o1", "d", line(10_000), line(5_001, "2"), customer_id="buyer"),
        refunded("r1", "o1", {"1": 3_000}),
        settled("e2", "o2", "c", line(999)),
        refunded("r2", "o2", None),
        settled("e3", "o3", None, line(100)),
        settled("e4", "o4", "later", line(1)),
        refunded("r5", "o5", None),
        settled("e6", "o6", "x", line(1), currency="USD"),
        settled("e7", "o7", "x", line(100)),
        refunded("r7", "o7", {"1": 101}),
    )
    shops.post(settled("e8", "o8", "d", line(1)))
    with shops.container.begin() as conn:
        yield conn


def read(conn: Connection, world: World, order_id: str, now: datetime = PAID) -> OrderView:
    """The view of an order."""
    return views.get_order(Unit(conn, world.program, COMMAND_LINE, now), order_id)


def ids(conn: Connection, world: World, **filters: Any) -> list[str]:
    """The ids of the orders a filter leaves."""
    rows, follows = views.list_orders(conn, world.program, OrderFilters(**filters), None, 100)
    assert follows is None
    return [row.id for row in rows]


@pytest.mark.parametrize(
    ("order_id", "status", "reason", "error"),
    [
        ("o1", "partly_refunded", None, None),
        ("o2", "refunded", None, None),
        ("o3", "settled", "no_shop", None),
        ("o4", "waiting", None, "waits_for_shop"),
        ("o5", "waiting", None, "waits_for_order"),
        ("o6", "failed", None, "currency_mismatch"),
        ("o7", "settled", None, None),
        ("o8", "pending", None, None),
    ],
)
def test_an_order_says_where_it_stands_and_why(
    reading: Connection, shops: World, order_id: str, status: str, reason: str | None, error: str | None
) -> None:
    view = read(reading, shops, order_id)
    assert (view.status, view.reason) == (status, reason)
    assert (view.error and view.error.code) == error
    assert order_id in ids(reading, shops, status=status)


def test_an_order_shows_lines_refunds_and_commissions_net_of_reversals(reading: Connection, shops: World) -> None:
    view = read(reading, shops, "o1")
    assert (view.paid_minor, view.refunded_minor, view.left_minor) == (15_001, 3_000, 12_001)
    assert [(row.id, row.paid_minor, row.left_minor) for row in view.lines] == [
        ("1", 10_000, 7_000),
        ("2", 5_001, 5_001),
    ]
    assert view.refunds == [
        RefundView(
            id="r1",
            event_id="r1",
            occurred_at=PAID + timedelta(days=3),
            amount_minor=3_000,
            counts=True,
            lines=[RefundedLine("1", 3_000)],
            reversed_at=None,
            reversed_by=None,
        )
    ]
    assert view.plan == PlanVersionView("two-level", 1)
    net = {
        (commission.line_id, commission.rule, commission.shop_id): commission.amount_minor
        for commission in view.commissions
    }
    assert net == {
        ("1", "seller", "d"): 1_400,
        ("1", "up-1", "c"): 700,
        ("1", "up-2", "b"): 62,
        ("2", "seller", "d"): 1_000,
        ("2", "up-1", "c"): 500,
        ("2", "up-2", "b"): 88,
    }
    assert {
        commission.earned_minor + commission.reversed_minor - commission.amount_minor for commission in view.commissions
    } == {0}


def test_a_commission_is_held_until_the_very_instant_it_becomes_available(reading: Connection, shops: World) -> None:
    before = read(reading, shops, "o1", HELD_UNTIL - timedelta(microseconds=1))
    after = read(reading, shops, "o1", HELD_UNTIL)
    assert {commission.state for commission in before.commissions} == {"held"}
    assert {commission.state for commission in after.commissions} == {"available"}


def test_an_order_nobody_knows_is_refused_by_name(reading: Connection, shops: World) -> None:
    for ask in (views.find_order, explanations.explain_order):
        with pytest.raises(Refusal, match="There is no order") as refusal:
            ask(reading, shops.program, "o99")
        assert refusal.value.code == "order_unknown"


def test_orders_are_found_by_shop_status_and_time(reading: Connection, shops: World) -> None:
    everything = ["o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8"]
    assert sorted(ids(reading, shops)) == everything
    assert ids(reading, shops, shop_id="d") == ["o1"]
    assert ids(reading, shops, shop_id="later") == ["o4"]
    assert ids(reading, shops, shop_id="nobody") == []
    assert ids(reading, shops, status="unheard of") == []
    assert sorted(ids(reading, shops, from_at=PAID)) == [order_id for order_id in everything if order_id != "o5"]
    assert ids(reading, shops, to_at=PAID) == []
    assert ids(reading, shops, from_at=PAID + timedelta(seconds=1)) == []
    assert ids(reading, shops, shop_id="d", status="refunded") == []


@pytest.mark.parametrize("is_newest_first", [False, True])
def test_pages_of_orders_leave_none_out_and_show_none_twice(
    reading: Connection, shops: World, is_newest_first: bool
) -> None:
    seen, after = [], None
    while True:
        filters = OrderFilters(is_newest_first=is_newest_first)
        page, after = views.list_orders(reading, shops.program, filters, after, 3)
        seen += [row.id for row in page]
        if after is None:
            break
    assert sorted(seen) == sorted(set(seen)) == sorted(ids(reading, shops))


def test_the_newest_first_are_the_same_orders_the_other_way_round(reading: Connection, shops: World) -> None:
    statuses = [{"status": status} for status in views.ORDER_STATUSES]
    for filters in ({}, {"shop_id": "d"}, *statuses, *({**status, "shop_id": "d"} for status in statuses)):
        assert ids(reading, shops, **filters, is_newest_first=True) == ids(reading, shops, **filters)[::-1], filters


def test_the_newest_first_go_without_a_range_of_time(api: Api) -> None:
    between = "from=2026-03-01T00:00:00Z"
    assert api.caller().refused("GET", f"/v1/orders?sort=-came&{between}") == (422, "invalid")
    assert api.caller().get(f"/v1/orders?sort=came&{between}")["data"] == []
    for given in (between, "type=order.paid"):
        assert api.caller().refused("GET", f"/v1/events?sort=-kept&{given}") == (422, "invalid")
        assert api.caller().get(f"/v1/events?sort=kept&{given}")["data"] == []


def test_reversals_are_rows_of_their_own_below_zero(reading: Connection, shops: World) -> None:
    query = CommissionQuery(order_id="o1", kind="reversed", shop_id="d")
    [taken], _ = commissions.list_commissions(Unit(reading, shops.program, COMMAND_LINE, PAID), query, None, 50)
    [earned, _other], _ = commissions.list_commissions(
        Unit(reading, shops.program, COMMAND_LINE, PAID),
        CommissionQuery(order_id="o1", kind="earned", shop_id="d"),
        None,
        50,
    )
    assert (taken.amount_minor, taken.reverses_id, taken.event_id) == (-600, earned.id, "r1")
    assert (earned.amount_minor, earned.base_minor, earned.rate) == (2_000, 10_000, "0.2")
    assert (earned.occurred_at, earned.available_at) == (EARNED_AT, HELD_UNTIL)
    assert taken.available_at == earned.available_at
    assert (earned.period, earned.belongs_to_period, earned.currency) == ("2026-03", None, "CNY")
    assert earned.plan_version == PlanVersionView("two-level", 1)


def test_a_fixed_amount_has_no_rate(reading: Connection, shops: World) -> None:
    query = CommissionQuery(order_id="o1", shop_id="b", kind="earned")
    rows, _ = commissions.list_commissions(Unit(reading, shops.program, COMMAND_LINE, PAID), query, None, 50)
    assert {(row.rule, row.rate, row.amount_minor) for row in rows} == {("up-2", None, 88)}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (CommissionQuery(), 6 + 3 + 3 + 3 + 1),
        (CommissionQuery(period=202603), 16),
        (CommissionQuery(period=202604), 0),
        (CommissionQuery(state="held"), 16),
        (CommissionQuery(state="available"), 0),
        (CommissionQuery(state="expected"), 0),
        (CommissionQuery(kind="pool"), 0),
        (CommissionQuery(shop_id="nobody"), 0),
        (CommissionQuery(order_id="nothing"), 0),
        (CommissionQuery(shop_id="c", order_id="o2"), 2),
    ],
)
def test_commissions_are_found_by_every_filter(
    reading: Connection, shops: World, query: CommissionQuery, count: int
) -> None:
    rows, follows = commissions.list_commissions(Unit(reading, shops.program, COMMAND_LINE, PAID), query, None, 500)
    assert (len(rows), follows) == (count, None)


def test_pages_of_commissions_leave_none_out_and_show_none_twice(reading: Connection, shops: World) -> None:
    whole, _ = commissions.list_commissions(
        Unit(reading, shops.program, COMMAND_LINE, PAID), CommissionQuery(), None, 500
    )
    paged, after = [], None
    while True:
        page, after = commissions.list_commissions(
            Unit(reading, shops.program, COMMAND_LINE, PAID), CommissionQuery(), after, 5
        )
        paged += page
        if after is None:
            break
    assert paged == whole


def test_an_explanation_shows_everyone_looked_at_and_agrees_with_the_ledger(reading: Connection, shops: World) -> None:
    view = explanations.explain_order(reading, shops.program, "o7")
    names = ("rule", "shop_id", "amount_minor", "posted_minor", "reason")
    assert [tuple(getattr(look, name) for name in names) for look in view.looks] == [
        ("seller", "x", 20, 20, "paid"),
        ("up-1", None, 0, 0, "no_upline"),
        ("up-2", None, 0, 0, "no_upline"),
    ]
    assert (view.agrees, view.differences, view.people[0].shop_id) == (True, [], "x")


@pytest.mark.parametrize("order_id", ["o1", "o2", "o3", "o4", "o5", "o6", "o8"])
def test_every_explanation_agrees_refunded_or_not(reading: Connection, shops: World, order_id: str) -> None:
    view = explanations.explain_order(reading, shops.program, order_id)
    assert view.agrees
    assert sum(look.posted_minor for look in view.looks) == sum(
        commission.amount_minor for commission in read(reading, shops, order_id).commissions
    )


def test_a_shop_sees_its_own_rows_of_an_explanation_only(reading: Connection, shops: World) -> None:
    [number] = [row[0] for row in shops.rows("SELECT shop_no FROM shops WHERE shop_id = 'c'")]
    view = explanations.explain_order(reading, shops.program, "o1", only_shop_no=number)
    assert {look.shop_id for look in view.looks} == {"c"}
    assert [(person.role, person.shop_id) for person in view.people] == [("upline-1", "c")]
    assert (view.agrees, view.customer_id) == (True, None)


@pytest.mark.parametrize("order_id", ["o7", "o3", "o4"])
def test_a_shop_that_has_no_part_in_an_order_does_not_learn_of_it(
    reading: Connection, shops: World, order_id: str
) -> None:
    [number] = [row[0] for row in shops.rows("SELECT shop_no FROM shops WHERE shop_id = 'c'")]
    with pytest.raises(Refusal) as refusal:
        explanations.explain_order(reading, shops.program, order_id, only_shop_no=number)
    assert refusal.value.code == "order_unknown"


def test_another_programs_orders_are_not_found(reading: Connection, shops: World) -> None:
    other = type(shops.program)(shops.program.program_id + 1, "other", "CNY", "Asia/Shanghai", "open")
    with pytest.raises(Refusal):
        views.get_order(Unit(reading, other, COMMAND_LINE, PAID), "o1")
    assert views.list_orders(reading, other, OrderFilters(), None, 10) == ([], None)
    assert commissions.list_commissions(Unit(reading, other, COMMAND_LINE, PAID), CommissionQuery(), None, 10) == (
        [],
        None,
    )
